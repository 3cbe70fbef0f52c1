import { countOf, listOf, parseObject, textOf } from "../../dialects/openai-chat/wire.ts";
import { type ModelFacts, reasons } from "../../domain/model-facts.ts";
import type { Target } from "../../domain/target.ts";
import type { HttpReply, ModelPage } from "../provider.ts";

const text = ["text"];

/** What the encoder must know of a model. */
export interface ModelRules {
  /** Undefined where it is not known: then the provider says it. */
  readonly reasons: boolean | undefined;
}

export function rulesOf({ facts }: Target): ModelRules {
  return { reasons: reasons(facts) };
}

/** Models a page. The provider allows 1,000. */
const pageSize = 1_000;

export const modelsPath = `/v1/models?page_size=${pageSize}`;

/** @throws GatewayError `upstream_error` when the body is no object */
export function fromModelPage(reply: HttpReply): ModelPage {
  const page = parseObject(reply.body, "a list of models");
  const models = listOf(page, "models").flatMap((entry) => {
    const id = textOf(entry, "name");
    return id === "" ? [] : [{ id, facts: listedFacts(entry) }];
  });
  const token = textOf(page, "next_page_token");
  // An empty page with a token would be asked for again and again.
  const more = token !== "" && models.length > 0;
  return { models, next: more ? `${modelsPath}&page_token=${encodeURIComponent(token)}` : null };
}

function listedFacts(entry: Readonly<Record<string, unknown>>): ModelFacts {
  const contextWindow = countOf(entry, "context_length");
  const endpoints = strings(entry.endpoints);
  const features = strings(entry.features);
  const capabilities = [
    ...(endpoints?.includes("embed") ? ["embeddings"] : []),
    ...(endpoints?.includes("chat") ? ["citations"] : []),
    ...(features ?? []).flatMap((feature) => capabilitiesByFeature.get(feature) ?? []),
  ];
  return {
    ...(contextWindow && { contextWindow }),
    // Models that only embed list no features.
    ...((features || capabilities.includes("embeddings")) && { capabilities }),
    ...(features && { inputModalities: features.includes("vision") ? ["text", "image"] : text }),
  };
}

const capabilitiesByFeature: ReadonlyMap<string, string> = new Map([
  ["tools", "tools"],
  ["json_schema", "json_schema"],
  ["reasoning", "reasoning"],
  ["logprobs", "logprobs"],
]);

/** Undefined where the list does not say. */
function strings(value: unknown): readonly string[] | undefined {
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : undefined;
}
