import { factsOf as familyFacts } from "../../dialects/gemini/models.ts";
import { countOf, type Fields, listOf, parseObject, textOf } from "../../dialects/openai-chat/wire.ts";
import { GatewayError } from "../../domain/errors.ts";
import type { ModelFacts } from "../../domain/model-facts.ts";
import type { HttpReply, ModelPage } from "../provider.ts";
import { pricesOf } from "./prices.ts";

/** What is known of a model by its family. Prefer what the provider's own list says. */
export function factsOf(model: string): ModelFacts {
  const prices = pricesOf(model);
  return { ...familyFacts(model), ...(prices && { prices }) };
}

/** Models a page: the most that the provider gives. */
const pageSize = 1000;

export const modelsPath = `/models?pageSize=${pageSize}`;

/** @throws GatewayError `upstream_error` when the body is no list of models */
export function fromModelPage(reply: HttpReply): ModelPage {
  const page = parseObject(reply.body, "a list of models");
  // The last page may be empty, and an empty list is left out; anything else is no list.
  if (page.models !== undefined && !Array.isArray(page.models)) {
    throw new GatewayError("upstream_error", "The provider sent a list of models without models.");
  }
  const models = listOf(page, "models").filter((model) => textOf(model, "name") !== "" && isServed(model));
  const next = textOf(page, "nextPageToken");
  return {
    models: models.map((model) => ({ id: idOf(model), facts: listedFacts(model) })),
    next: next === "" ? null : `${modelsPath}&pageToken=${encodeURIComponent(next)}`,
  };
}

/** Whether it can be asked for what this gateway serves; the list also holds models of pictures, films and answers. */
function isServed({ supportedGenerationMethods: methods }: Fields): boolean {
  return !Array.isArray(methods) || methods.some((method) => method === "generateContent" || isEmbedding(method));
}

function isEmbedding(method: unknown): boolean {
  return method === "embedContent" || method === "batchEmbedContents";
}

function idOf(model: Fields): string {
  return textOf(model, "name").replace(/^models\//, "");
}

/** The list's own words over those of the family. */
function listedFacts(model: Fields): ModelFacts {
  const known = factsOf(idOf(model));
  const contextWindow = countOf(model, "inputTokenLimit");
  const maxOutputTokens = countOf(model, "outputTokenLimit");
  const displayName = textOf(model, "displayName").toWellFormed();
  return {
    ...known,
    ...(displayName && { displayName }),
    ...(contextWindow && { contextWindow }),
    ...(maxOutputTokens && { maxOutputTokens }),
    capabilities: listedCapabilities(model, known.capabilities ?? []),
  };
}

function listedCapabilities(
  { thinking, supportedGenerationMethods: methods }: Fields,
  known: readonly string[],
): readonly string[] {
  const listed = new Set(known);
  if (thinking === true) listed.add("reasoning");
  if (Array.isArray(methods)) {
    if (methods.includes("createCachedContent")) listed.add("caching");
    if (methods.includes("batchGenerateContent")) listed.add("batch");
    if (methods.some(isEmbedding)) listed.add("embeddings");
  }
  return [...listed];
}
