import { create } from "@bufbuild/protobuf";
import { type EmbedRequest, type EmbedResponse, EmbedResponseSchema } from "../../../gen/trunkline/v1/embeddings_pb.ts";
import { invalidValue, membersOf } from "../../dialects/json-splice.ts";
import { type JsonMembers, toJsonText } from "../../dialects/json-text.ts";
import { countOf, fieldsOf, listOf, parseObject } from "../../dialects/openai-chat/wire.ts";
import { GatewayError } from "../../domain/errors.ts";
import { LossReport } from "../../domain/loss.ts";
import type { Target } from "../../domain/target.ts";
import { taskOf } from "../gemini/embeddings.ts";
import type { DecodeMemory, HttpReply, ProviderRequest } from "../provider.ts";

/** Vertex embeds by prediction: an instance for each text. */
export function toEmbedRequest(request: EmbedRequest, target: Target): ProviderRequest {
  const losses = new LossReport(false);
  if (request.endUserId !== undefined) losses.drop("end_user_id", "this provider has no such setting.");
  if (request.truncate === "start") losses.drop("truncate", "this provider cuts too long an input at its end.");
  const task = taskOf(request.inputType, losses);
  const instances = request.inputs.map(({ kind }, index) => {
    if (kind.case !== "text") throw invalidValue(`inputs[${index}]`, "cannot be sent: this provider embeds text.");
    return { content: kind.value, task_type: task, title: request.title };
  });
  const parameters: JsonMembers = {
    outputDimensionality: request.dimensions,
    ...(request.truncate === "none" && { autoTruncate: false }),
    ...membersOf(request.providerOptions.vertex ?? "", "provider_options.vertex"),
  };
  return {
    method: "POST",
    path: `/publishers/google/models/${encodeURIComponent(target.model)}:predict`,
    headers: { accept: "application/json" },
    body: toJsonText({ instances, parameters }),
    losses: losses.losses,
    memory: { target, stream: false },
  };
}

/** @throws GatewayError `upstream_error` when a vector is missing or unreadable */
export function fromEmbedResponse({ body }: HttpReply, { target }: DecodeMemory): EmbedResponse {
  const found = listOf(parseObject(body, "an embeddings answer"), "predictions").map((one) =>
    fieldsOf(one, "embeddings"),
  );
  const embeddings = found.map(({ values }, index) => {
    if (Array.isArray(values) && values.every((value) => typeof value === "number")) return { index, floats: values };
    throw new GatewayError("upstream_error", "The provider's answer holds no readable embeddings.");
  });
  const counts = found.map((one) => countOf(fieldsOf(one, "statistics"), "token_count"));
  const inputTokens = counts.reduce<number>((sum, count) => sum + (count ?? 0), 0);
  const usage = counts.includes(undefined) ? {} : { usage: { inputTokens, totalTokens: inputTokens } };
  return create(EmbedResponseSchema, { model: target.model, embeddings, ...usage });
}
