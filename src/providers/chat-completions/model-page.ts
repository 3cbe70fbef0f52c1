import {
  countOf,
  type Fields,
  fieldsOf,
  isFields,
  listOf,
  parseObject,
  textOf,
} from "../../dialects/openai-chat/wire.ts";
import type { ModelFacts } from "../../domain/model-facts.ts";
import type { HttpReply, ModelPage } from "../provider.ts";

/** A provider's list of models where it is not OpenAI's. */
export interface ModelListForm {
  readonly path?: string;
  /** Member that holds the list. */
  readonly member?: string;
  /** What an entry tells beyond OpenAI's members; null for a model that cannot be asked. */
  factsIn(entry: Fields): ModelFacts | null;
}

/** Reads a list: all of these have one page. Servers that speak the format may leave out all but the id. */
export function modelPageReader(form: ModelListForm = openAis): (reply: HttpReply) => ModelPage {
  return (reply) => {
    const list = listOf(parseObject(reply.body, "a list of models"), form.member ?? "data");
    const models = list.flatMap((entry) => {
      const id = textOf(entry, "id");
      const facts = id === "" ? null : form.factsIn(entry);
      return facts === null ? [] : [{ id, facts: { ...datesIn(entry), ...facts } }];
    });
    return { models, next: null };
  };
}

const openAis: ModelListForm = { factsIn: () => ({}) };

function datesIn(entry: Fields): ModelFacts {
  const shutdown = Date.parse(textOf(entry, "shutdown_date") || textOf(entry, "deprecation"));
  return {
    ...(typeof entry.created === "number" && { createdAtMs: entry.created * 1000 }),
    ...(!Number.isNaN(shutdown) && { shutdownAtMs: shutdown }),
  };
}

/** The members of one name or another that hold a model's window and the length of its answers. Tokens. */
export function windowIn(entry: Fields, window: string, output: string): ModelFacts {
  const [contextWindow, maxOutputTokens] = [countOf(entry, window), countOf(entry, output)];
  return {
    ...(contextWindow !== undefined && { contextWindow }),
    ...(maxOutputTokens !== undefined && { maxOutputTokens }),
  };
}

/** Texts of a list at a name; undefined where there is none. */
export function wordsIn(entry: Fields, name: string): readonly string[] | undefined {
  const value = entry[name];
  return Array.isArray(value) ? value.filter((word) => typeof word === "string") : undefined;
}

/** Names of the flags that are set in an object of an entry. */
export function flagsIn(entry: Fields, name: string): readonly string[] {
  const flags = fieldsOf(entry, name);
  return isFields(flags) ? Object.keys(flags).filter((flag) => flags[flag] === true) : [];
}
