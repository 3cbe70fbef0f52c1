import { countOf, listOf, parseObject, textOf } from "../../dialects/openai-chat/wire.ts";
import type { ModelFacts } from "../../domain/model-facts.ts";
import type { Target } from "../../domain/target.ts";
import type { HttpReply, ModelPage } from "../provider.ts";
import { pricesOf } from "./prices.ts";

const text = ["text"];
const chat = ["tools", "json_schema", "citations"];

/** First match wins. Figures as Cohere documents them. */
const families: readonly (readonly [RegExp, ModelFacts])[] = [
  [/^command-a-reasoning/, { ...sizes(256_000, 32_000), ...does([...chat, "reasoning"]) }],
  [/^command-a-vision/, { ...sizes(128_000, 8_000), ...does(["json_schema"], ["text", "image"]) }],
  [/^command-a-translate/, { ...sizes(16_000, 8_000), ...does(["tools"]) }],
  [/^command-a-03/, { ...sizes(256_000, 8_000), ...does(chat) }],
  [/^command-r/, { ...sizes(128_000, 4_000), ...does(chat) }],
  [/^embed-v4/, { contextWindow: 128_000, inputModalities: ["text", "image"], capabilities: ["embeddings"] }],
  [/^embed-/, { contextWindow: 512, inputModalities: text, capabilities: ["embeddings"] }],
];

function sizes(contextWindow: number, maxOutputTokens: number): ModelFacts {
  return { contextWindow, maxOutputTokens };
}

function does(capabilities: readonly string[], inputModalities = text): ModelFacts {
  return { capabilities, inputModalities, outputModalities: text };
}

/** What is known of a model by its family; nothing of names that are not known. */
export function factsOf(model: string): ModelFacts {
  const prices = pricesOf(model);
  const found = families.find(([pattern]) => pattern.test(model))?.[1];
  return { ...found, ...(prices && { prices }) };
}

/** What the encoder must know of a model. */
export interface ModelRules {
  /** Undefined where it is not known: then the provider says it. */
  readonly reasons: boolean | undefined;
}

export function rulesOf({ model, facts }: Target): ModelRules {
  const { capabilities } = { ...factsOf(model), ...facts };
  return { reasons: capabilities?.includes("reasoning") };
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
