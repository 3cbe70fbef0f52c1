import type { Model } from "../../../gen/trunkline/v1/models_pb.ts";

/** A page of `GET /v1beta/models`. @param next token of the page that follows; "" at the end */
export function encodeGeminiModels(models: readonly Model[], next: string): string {
  return JSON.stringify({ models: models.map(toWire), ...(next !== "" && { nextPageToken: next }) });
}

/** `GET /v1beta/models/{name}`. */
export function encodeGeminiModel(model: Model): string {
  return JSON.stringify(toWire(model));
}

function toWire({ name, displayName, contextWindow, maxOutputTokens, capabilities, source }: Model) {
  const embeds = capabilities.includes("embeddings");
  return {
    name: `models/${name}`,
    // Models have versions at Google; here a name means one model.
    version: "",
    displayName: displayName || name,
    description: source === "alias" ? "A name that this gateway gives." : "",
    ...(contextWindow !== undefined && { inputTokenLimit: contextWindow }),
    ...(maxOutputTokens !== undefined && { outputTokenLimit: maxOutputTokens }),
    supportedGenerationMethods: embeds
      ? ["embedContent", "batchEmbedContents"]
      : ["generateContent", "streamGenerateContent", "countTokens"],
    ...(capabilities.includes("reasoning") && { thinking: true }),
  };
}
