import { create } from "@bufbuild/protobuf";
import { type EmbedRequest, type EmbedResponse, EmbedResponseSchema } from "../../../gen/trunkline/v1/embeddings_pb.ts";
import { invalidValue, membersOf } from "../../dialects/json-splice.ts";
import { type JsonMembers, type JsonTree, toJsonText } from "../../dialects/json-text.ts";
import { decodeUsage } from "../../dialects/openai-chat/decode-usage.ts";
import { fieldsOf, isFields, listOf, parseObject, textOf } from "../../dialects/openai-chat/wire.ts";
import { isVector } from "../../dialects/vector.ts";
import { GatewayError } from "../../domain/errors.ts";
import { LossReport } from "../../domain/loss.ts";
import type { Target } from "../../domain/target.ts";
import type { HttpReply, ProviderRequest } from "../provider.ts";

/** How a server takes embeddings otherwise than OpenAI. */
export interface EmbeddingRules {
  readonly kind?: string;
  /** Name of the number of dimensions. */
  readonly dimensions?: "output_dimension";
  /** The server's name of the model, where it is not the target's. */
  readonly model?: string;
  /** Whether who asks is told, by `user`. */
  readonly noUser?: boolean;
}

/**
 * Floats as base64 take a quarter of their JSON and lose nothing; OpenAI's own servers give them so, others may not
 * know the word, and an answer in either form is read.
 */
export function toEmbedRequest(request: EmbedRequest, target: Target, rules: EmbeddingRules = {}): ProviderRequest {
  const losses = new LossReport(false);
  const { kind = "openai", dimensions = "dimensions", noUser = false } = rules;
  if (noUser && request.endUserId !== undefined) losses.drop("end_user_id", "is not taken by this provider.");
  for (const name of ["inputType", "title", "truncate"] as const) {
    if (request[name] !== undefined)
      losses.drop(name === "inputType" ? "input_type" : name, "is not taken by this provider.");
  }
  const body: JsonMembers = {
    model: rules.model ?? target.model,
    input: encodeInputs(request),
    ...(target.wire === "exact" && { encoding_format: "base64" }),
    [dimensions]: request.dimensions,
    user: noUser ? undefined : request.endUserId,
  };
  const options = membersOf(request.providerOptions[kind] ?? "", `provider_options.${kind}`);
  for (const [name, value] of Object.entries(options)) {
    if (name in body)
      throw invalidValue(`provider_options.${kind}.${name}`, "cannot be set here: the request has a field for it.");
    body[name] = value;
  }
  return {
    method: "POST",
    path: "/embeddings",
    headers: { accept: "application/json" },
    body: toJsonText(body),
    losses: losses.losses,
    memory: { target, stream: false },
  };
}

/** OpenAI takes texts or token lists, not both in one request. */
function encodeInputs({ inputs }: EmbedRequest): JsonTree {
  const [first] = inputs;
  return inputs.map(({ kind }, i) => {
    if (kind.case !== first?.kind.case)
      throw invalidValue(`inputs[${i}]`, "must be of the same kind as the first input.");
    if (kind.case === "text") return kind.value;
    if (kind.case === "tokens") return kind.value.ids;
    throw invalidValue(`inputs[${i}].content`, "cannot be sent: this provider embeds text or tokens.");
  });
}

/** @throws GatewayError `upstream_error` when a vector is missing or unreadable */
export function fromEmbedResponse(reply: HttpReply): EmbedResponse {
  const answer = parseObject(reply.body, "an embeddings answer");
  const given = listOf(answer, "data").map((entry, position) => ({
    place: typeof entry.index === "number" ? entry.index : position,
    floats: toFloats(entry.embedding),
  }));
  if (given.length === 0) throw unreadable();
  // Some servers number every vector 0: then the order that they came in is the order of the inputs.
  const embeddings = given.toSorted((a, b) => a.place - b.place).map(({ floats }, index) => ({ index, floats }));
  return create(EmbedResponseSchema, {
    model: textOf(answer, "model"),
    embeddings,
    ...(isFields(answer.usage) && { usage: decodeUsage(fieldsOf(answer, "usage")) }),
  });
}

function toFloats(value: unknown): number[] {
  if (typeof value === "string") return fromBase64(value);
  if (isVector(value)) return value;
  throw unreadable();
}

/** Little-endian 32-bit floats. */
function fromBase64(text: string): number[] {
  const bytes = Buffer.from(text, "base64");
  if (bytes.length === 0 || bytes.length % 4 !== 0) throw unreadable();
  return Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(i * 4));
}

function unreadable(): GatewayError {
  return new GatewayError("upstream_error", "The provider's answer holds no readable embeddings.");
}
