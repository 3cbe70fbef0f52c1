import type { Embedding, EmbedResponse } from "../../../gen/trunkline/v1/embeddings_pb.ts";
import type { EncodingFormat } from "./parse-embeddings.ts";

/** The answer of `POST /v1/embeddings` as JSON text. */
export function encodeEmbeddings(response: EmbedResponse, format: EncodingFormat): string {
  const promptTokens = response.usage?.inputTokens ?? 0;
  return JSON.stringify({
    object: "list",
    data: response.embeddings.map((embedding) => ({
      object: "embedding",
      index: embedding.index,
      embedding: format === "base64" ? toBase64(vectorOf(embedding)) : vectorOf(embedding),
    })),
    model: response.model,
    usage: { prompt_tokens: promptTokens, total_tokens: response.usage?.totalTokens ?? promptTokens },
  });
}

/** The vector as numbers, whichever encoding the provider chose. */
export function vectorOf({ floats, int8 }: Embedding): readonly number[] {
  return floats.length > 0 ? floats : Array.from(new Int8Array(int8));
}

/** 32-bit floats, little-endian, whatever the machine's own order (edge case 145). */
function toBase64(vector: readonly number[]): string {
  const bytes = Buffer.allocUnsafe(vector.length * 4);
  for (const [i, value] of vector.entries()) bytes.writeFloatLE(value, i * 4);
  return bytes.toString("base64");
}
