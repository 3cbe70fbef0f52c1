import { create } from "@bufbuild/protobuf";
import { type EmbedRequest, type EmbedResponse, EmbedResponseSchema } from "../../../gen/trunkline/v1/embeddings_pb.ts";
import { invalidValue } from "../../dialects/json-splice.ts";
import { type JsonMembers, toJsonText } from "../../dialects/json-text.ts";
import { countOf, parseObject, textOf } from "../../dialects/openai-chat/wire.ts";
import { mergeProviderOptions } from "../../dialects/provider-options.ts";
import { isVector } from "../../dialects/vector.ts";
import { GatewayError } from "../../domain/errors.ts";
import { LossReport } from "../../domain/loss.ts";
import type { Target } from "../../domain/target.ts";
import type { HttpReply, ProviderRequest } from "../provider.ts";
import { unsupported } from "./draft.ts";

/** @throws GatewayError for inputs that are no text, and for texts that are to lose their beginning */
export function toEmbedRequest(request: EmbedRequest, target: Target): ProviderRequest {
  const losses = new LossReport(false);
  if (request.inputType !== undefined) losses.drop("input_type", "is not taken by this provider.");
  if (request.title) losses.drop("title", "is not taken by this provider.");
  if (request.endUserId !== undefined) losses.drop("end_user_id", "is not taken by this provider.");
  const body: JsonMembers = {
    model: target.model,
    input: request.inputs.map(({ kind }, index) => {
      if (kind.case === "text") return kind.value;
      throw invalidValue(`inputs[${index}]`, "cannot be sent: this provider embeds text.");
    }),
    dimensions: request.dimensions,
    // Without it, a text that is too long loses its end without a word.
    truncate: truncates(request.truncate),
  };
  const rules = { kind: "ollama", typed: new Set(Object.keys(body)), shared: new Set<string>() };
  return {
    method: "POST",
    path: "/api/embed",
    headers: { accept: "application/json" },
    body: toJsonText(mergeProviderOptions(body, request, rules)),
    losses: losses.losses,
    memory: { target, stream: false },
  };
}

function truncates(which: string | undefined): boolean {
  if (which === undefined || which === "none") return false;
  if (which === "end") return true;
  throw unsupported("truncate", `is '${which}'. Allowed are none and end.`);
}

/** @throws GatewayError `upstream_error` when the vectors cannot be read */
export function fromEmbedResponse(reply: HttpReply): EmbedResponse {
  const answer = parseObject(reply.body, "an embeddings answer");
  const { embeddings } = answer;
  if (!Array.isArray(embeddings) || !embeddings.every(isVector)) {
    throw new GatewayError("upstream_error", "The provider's answer holds no readable embeddings.");
  }
  const inputTokens = countOf(answer, "prompt_eval_count");
  return create(EmbedResponseSchema, {
    model: textOf(answer, "model"),
    embeddings: embeddings.map((floats, index) => ({ index, floats })),
    ...(inputTokens !== undefined && { usage: { inputTokens, totalTokens: inputTokens } }),
  });
}
