import { create } from "@bufbuild/protobuf";
import { type EmbedRequest, type EmbedResponse, EmbedResponseSchema } from "../../../gen/trunkline/v1/embeddings_pb.ts";
import { invalidValue } from "../../dialects/json-splice.ts";
import { type JsonMembers, toJsonText } from "../../dialects/json-text.ts";
import { countOf, type Fields, fieldsOf, isFields, parseObject } from "../../dialects/openai-chat/wire.ts";
import { mergeProviderOptions } from "../../dialects/provider-options.ts";
import { GatewayError } from "../../domain/errors.ts";
import { LossReport } from "../../domain/loss.ts";
import type { Target } from "../../domain/target.ts";
import type { DecodeMemory, HttpReply, ProviderRequest } from "../provider.ts";
import { unsupported } from "./draft.ts";

/** Embeddings have no common body: Amazon's Titan takes one text, Cohere's a list (`/model/{id}/invoke`). */
export function toEmbedRequest(request: EmbedRequest, target: Target): ProviderRequest {
  const losses = new LossReport(false);
  const unsaid = isCohere(target.model) ? (["endUserId", "title"] as const) : unsaidByTitan;
  for (const name of unsaid) {
    const field = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    if (request[name] !== undefined) losses.drop(field, "is not taken by this provider.");
  }
  const body = isCohere(target.model) ? toCohere(request) : toTitan(request);
  return {
    method: "POST",
    path: `/model/${encodeURIComponent(target.model)}/invoke`,
    headers: { accept: "application/json" },
    body: toJsonText(mergeProviderOptions(body, request, rules)),
    losses: losses.losses,
    memory: { target, stream: false },
  };
}

const unsaidByTitan = ["endUserId", "title", "inputType", "truncate"] as const;
const rules = { kind: "bedrock", typed: new Set(["inputText", "texts"]), shared: new Set<string>() };

function isCohere(model: string): boolean {
  return /\bcohere\./.test(model);
}

function toTitan(request: EmbedRequest): JsonMembers {
  const [text, ...more] = texts(request);
  if (more.length > 0) throw unsupported("inputs", "must be one: this model takes a single text in a request.");
  return { inputText: text, dimensions: request.dimensions };
}

function toCohere(request: EmbedRequest): JsonMembers {
  return {
    texts: texts(request),
    input_type: request.inputType ?? "search_document",
    truncate: request.truncate,
    output_dimension: request.dimensions,
    embedding_types: ["float"],
  };
}

function texts({ inputs }: EmbedRequest): readonly string[] {
  return inputs.map(({ kind }, index) => {
    if (kind.case === "text") return kind.value;
    throw invalidValue(`inputs[${index}]`, "cannot be sent: this provider embeds text.");
  });
}

/** @throws GatewayError `upstream_error` when a vector is missing or unreadable */
export function fromEmbedResponse({ body, headers }: HttpReply, { target }: DecodeMemory): EmbedResponse {
  const answer = parseObject(body, "an embeddings answer");
  // The platform counts in a header where the model does not.
  const counted = countOf(answer, "inputTextTokenCount") ?? Number(headers["x-amzn-bedrock-input-token-count"]);
  const inputTokens = Number.isSafeInteger(counted) ? counted : undefined;
  return create(EmbedResponseSchema, {
    model: target.model,
    embeddings: vectorsIn(answer).map((vector, index) => ({ index, floats: toFloats(vector) })),
    ...(inputTokens !== undefined && { usage: { inputTokens, totalTokens: inputTokens } }),
  });
}

function vectorsIn(answer: Fields): readonly unknown[] {
  if (Array.isArray(answer.embedding)) return [answer.embedding];
  const { embeddings } = answer;
  const listed = isFields(embeddings) ? fieldsOf(answer, "embeddings").float : embeddings;
  return Array.isArray(listed) ? listed : [];
}

function toFloats(value: unknown): number[] {
  if (Array.isArray(value) && value.every((float) => typeof float === "number")) return value;
  throw new GatewayError("upstream_error", "The provider's answer holds no readable embeddings.");
}
