import { create } from "@bufbuild/protobuf";
import type { EmbedInput, EmbedRequest, EmbedResponse } from "../../../gen/trunkline/v1/embeddings_pb.ts";
import { EmbedResponseSchema } from "../../../gen/trunkline/v1/embeddings_pb.ts";
import { invalidValue } from "../../dialects/json-splice.ts";
import { type JsonMembers, toJsonText } from "../../dialects/json-text.ts";
import { type Fields, fieldsOf, parseObject } from "../../dialects/openai-chat/wire.ts";
import { mergeProviderOptions } from "../../dialects/provider-options.ts";
import { isVector } from "../../dialects/vector.ts";
import { GatewayError } from "../../domain/errors.ts";
import { LossReport } from "../../domain/loss.ts";
import type { Target } from "../../domain/target.ts";
import type { HttpReply, ProviderRequest } from "../provider.ts";
import { unsupported } from "./draft.ts";
import { toImage } from "./request-media.ts";
import { toUsage } from "./usage.ts";

/** What the texts are for where nobody says: the provider demands a word. */
const usualInputType = "search_document";

/** @throws GatewayError for tokens, and for ends that cannot be cut */
export function toEmbedRequest(request: EmbedRequest, target: Target): ProviderRequest {
  const losses = new LossReport(false);
  if (request.title) losses.drop("title", "is not taken by this provider.");
  if (request.endUserId !== undefined) losses.drop("end_user_id", "is not taken by this provider.");
  if (request.inputs.length > maxInputs)
    throw invalidValue(
      "inputs",
      `must have at most ${maxInputs} items for this provider, and has ${request.inputs.length}.`,
    );
  const body: JsonMembers = {
    model: target.model,
    ...toInputs(request.inputs),
    input_type: inputTypeOf(request, losses),
    output_dimension: request.dimensions,
    // Without it, a text that is too long loses its end without a word.
    truncate: truncation(request.truncate),
  };
  const rules = { kind: "cohere", typed: new Set([...Object.keys(body), "texts", "inputs", "images"]), shared: none };
  const merged = mergeProviderOptions(body, request, rules);
  return {
    method: "POST",
    path: "/v2/embed",
    headers: { accept: "application/json" },
    body: toJsonText("embedding_types" in merged ? merged : { ...merged, embedding_types: ["float"] }),
    losses: losses.losses,
    memory: { target, stream: false },
  };
}

const none: ReadonlySet<string> = new Set();

/** Most inputs of one request. */
const maxInputs = 96;

/** Others' words would be refused; the provider's own that are newer than this code are not, and are lost. */
function inputTypeOf({ inputType }: EmbedRequest, losses: LossReport): string {
  if (inputType !== undefined && inputTypes.has(inputType)) return inputType;
  const why = inputType === undefined ? "is demanded by this provider" : `'${inputType}' is unknown to this provider`;
  losses.approximate("input_type", `${why}; sent as ${usualInputType}.`);
  return usualInputType;
}

const inputTypes: ReadonlySet<string> = new Set([
  ...["search_document", "search_query", "classification", "clustering", "image"],
]);

/** Texts as they are; where one input is mixed content, all are sent in that form. */
function toInputs(inputs: readonly EmbedInput[]): JsonMembers {
  const isMixed = inputs.some(({ kind }) => kind.case === "content");
  if (isMixed) return { inputs: inputs.map((input, index) => ({ content: toContent(input, `inputs[${index}]`) })) };
  return {
    texts: inputs.map(({ kind }, index) => {
      if (kind.case === "text") return kind.value;
      throw invalidValue(`inputs[${index}]`, "cannot be sent: this provider embeds texts and pictures.");
    }),
  };
}

function toContent({ kind }: EmbedInput, field: string): JsonMembers[] {
  if (kind.case === "text") return [{ type: "text", text: kind.value }];
  if (kind.case !== "content") {
    throw invalidValue(field, "cannot be sent: this provider embeds texts and pictures.");
  }
  return kind.value.parts.map((part, index) => {
    const at = `${field}.content.parts[${index}]`;
    if (part.kind.case === "text") return { type: "text", text: part.kind.value };
    if (part.kind.case === "image") return toImage(part.kind.value, `${at}.image`);
    throw unsupported(at, "is not embedded by this provider. Allowed are text and images.");
  });
}

function truncation(which: string | undefined): string {
  const word = (which ?? "none").toUpperCase();
  if (word === "NONE" || word === "START" || word === "END") return word;
  throw unsupported("truncate", `is '${which}'. Allowed are none, start and end.`);
}

/** Vectors of the first kind that the answer has. @throws GatewayError `upstream_error` when none can be read */
export function fromEmbedResponse(reply: HttpReply, { target }: { readonly target: Target }): EmbedResponse {
  const answer = parseObject(reply.body, "an embeddings answer");
  const usage = toUsage(fieldsOf(answer, "meta"));
  return create(EmbedResponseSchema, {
    model: target.model,
    embeddings: readVectors(fieldsOf(answer, "embeddings")),
    ...(usage && { usage: { ...usage, totalTokens: usage.totalTokens ?? usage.inputTokens } }),
  });
}

function readVectors({ float, base64, int8, ubinary }: Fields) {
  if (Array.isArray(float) && float.every(isVector)) return float.map((floats, index) => ({ index, floats }));
  if (Array.isArray(base64) && base64.every((text) => typeof text === "string")) {
    return base64.map((text, index) => ({ index, floats: fromBase64(text) }));
  }
  if (Array.isArray(int8) && int8.every(isVector)) {
    return int8.map((values, index) => ({ index, int8: Uint8Array.from(values, (value) => value & 255) }));
  }
  if (Array.isArray(ubinary) && ubinary.every(isVector)) {
    return ubinary.map((values, index) => ({ index, bits: Uint8Array.from(values) }));
  }
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
