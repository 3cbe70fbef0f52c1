import type { Embedding, EmbedResponse } from "../../../gen/trunkline/v1/embeddings_pb.ts";
import { vectorOf } from "../openai-embeddings/encode-embeddings.ts";

/** The answer of `models/*:embedContent`. */
export function encodeEmbedContent(response: EmbedResponse): string {
  const [embedding] = response.embeddings;
  return JSON.stringify({ embedding: embedding && toWire(embedding), ...usageOf(response) });
}

/** The answer of `models/*:batchEmbedContents`: the vectors in the order of the requests. */
export function encodeBatchEmbed(response: EmbedResponse): string {
  return JSON.stringify({ embeddings: response.embeddings.map(toWire), ...usageOf(response) });
}

function toWire(embedding: Embedding): object {
  return { values: vectorOf(embedding) };
}

function usageOf({ usage }: EmbedResponse): object {
  if (usage?.inputTokens === undefined) return {};
  const { inputTokens, totalTokens } = usage;
  return { usageMetadata: { promptTokenCount: inputTokens, totalTokenCount: totalTokens ?? inputTokens } };
}
