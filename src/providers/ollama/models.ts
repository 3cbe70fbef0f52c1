import { fieldsOf, listOf, parseObject, textOf } from "../../dialects/openai-chat/wire.ts";
import type { ModelFacts } from "../../domain/model-facts.ts";
import type { HttpReply, ModelPage } from "../provider.ts";

export const modelsPath = "/api/tags";

/** The models that were pulled; all on one page. @throws GatewayError `upstream_error` when the body is no object */
export function fromModelPage(reply: HttpReply): ModelPage {
  const models = listOf(parseObject(reply.body, "a list of models"), "models").flatMap((entry) => {
    const id = textOf(entry, "model") || textOf(entry, "name");
    const facts = listedFacts(entry.capabilities, fieldsOf(entry, "details"));
    return namesOf(id).map((name) => ({ id: name, facts }));
  });
  return { models, next: null };
}

/** A name without a tag means the tag `latest`; callers use both. */
function namesOf(id: string): readonly string[] {
  if (id === "") return [];
  return id.endsWith(":latest") ? [id, id.slice(0, -":latest".length)] : [id];
}

function listedFacts(listed: unknown, details: Readonly<Record<string, unknown>>): ModelFacts {
  const known = Array.isArray(listed) ? capabilityFacts(listed.filter((name) => typeof name === "string")) : {};
  const contextWindow = details.context_length;
  return { ...known, ...(isCount(contextWindow) && { contextWindow }) };
}

/** What a server says of one model: `/api/show`. */
export const modelDetail = {
  toRequest: (model: string) => ({ method: "POST", path: "/api/show", body: JSON.stringify({ model }) }) as const,
  fromResponse: fromModelDetail,
};

/** @throws GatewayError `upstream_error` when the body is no object */
function fromModelDetail(reply: HttpReply): ModelFacts {
  const shown = parseObject(reply.body, "a model");
  const names = Array.isArray(shown.capabilities)
    ? shown.capabilities.filter((name) => typeof name === "string")
    : null;
  // The member is named by the architecture: `qwen3.context_length`.
  const lengths = Object.entries(fieldsOf(shown, "model_info")).filter(([name]) => name.endsWith(".context_length"));
  const contextWindow = lengths[0]?.[1];
  return { ...(names && capabilityFacts(names)), ...(isCount(contextWindow) && { contextWindow }) };
}

/** The server's words for what a model can do, as the contract says them. A schema is enforced for every model. */
function capabilityFacts(names: readonly string[]): ModelFacts {
  const chats = names.includes("completion");
  const capabilities = names.flatMap((name) => contractWords.get(name) ?? []);
  return {
    capabilities: chats ? [...capabilities, "json_schema"] : capabilities,
    inputModalities: names.includes("vision") ? ["text", "image"] : ["text"],
    ...(chats && { outputModalities: ["text"] }),
  };
}

const contractWords: ReadonlyMap<string, string> = new Map([
  ["tools", "tools"],
  ["thinking", "reasoning"],
  ["embedding", "embeddings"],
]);

/** What the contract's int32 can hold. */
const maxCount = 2_147_483_647;

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value > 0 && value <= maxCount;
}
