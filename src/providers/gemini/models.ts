import { countOf, type Fields, listOf, parseObject, textOf } from "../../dialects/openai-chat/wire.ts";
import { GatewayError } from "../../domain/errors.ts";
import type { ModelFacts } from "../../domain/model-facts.ts";
import type { HttpReply, ModelPage } from "../provider.ts";

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

function listedFacts(model: Fields): ModelFacts {
  const contextWindow = countOf(model, "inputTokenLimit");
  const maxOutputTokens = countOf(model, "outputTokenLimit");
  const displayName = textOf(model, "displayName").toWellFormed();
  return {
    ...(displayName && { displayName }),
    ...(contextWindow && { contextWindow }),
    ...(maxOutputTokens && { maxOutputTokens }),
    capabilities: listedCapabilities(model),
  };
}

function listedCapabilities({ thinking, supportedGenerationMethods: methods }: Fields): readonly string[] {
  const has = (method: string) => Array.isArray(methods) && methods.includes(method);
  return [
    ...(thinking === true ? ["reasoning"] : []),
    ...(has("createCachedContent") ? ["caching"] : []),
    ...(has("batchGenerateContent") ? ["batch"] : []),
    ...(Array.isArray(methods) && methods.some(isEmbedding) ? ["embeddings"] : []),
  ];
}

/** The list names some capabilities only: what it leaves out a model may have all the same. */
export function mergeListed(known: ModelFacts, listed: ModelFacts): ModelFacts {
  const capabilities = new Set([...(known.capabilities ?? []), ...(listed.capabilities ?? [])]);
  return { ...known, ...listed, capabilities: [...capabilities] };
}
