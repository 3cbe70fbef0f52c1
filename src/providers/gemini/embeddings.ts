import { create } from "@bufbuild/protobuf";
import {
  type EmbedInput,
  type EmbedRequest,
  type EmbedResponse,
  EmbedResponseSchema,
} from "../../../gen/trunkline/v1/embeddings_pb.ts";
import { decodeUsage } from "../../dialects/gemini/decode-usage.ts";
import { toPart } from "../../dialects/gemini/encode-parts.ts";
import { createDraft, type Draft } from "../../dialects/gemini/gemini-draft.ts";
import { knownTasks, toTaskType } from "../../dialects/gemini/task-types.ts";
import { invalidValue, membersOf } from "../../dialects/json-splice.ts";
import { type JsonMembers, toJsonText } from "../../dialects/json-text.ts";
import { fieldsOf, isFields, listOf, parseObject } from "../../dialects/openai-chat/wire.ts";
import { isVector } from "../../dialects/vector.ts";
import { blankChatRequest } from "../../domain/blank.ts";
import { GatewayError } from "../../domain/errors.ts";
import { LossReport } from "../../domain/loss.ts";
import type { Target } from "../../domain/target.ts";
import type { DecodeMemory, HttpReply, ProviderRequest } from "../provider.ts";
import { pathOf, resourceOf } from "./request.ts";

/** Each input is a request of its own in one batch. */
export function toEmbedRequest(request: EmbedRequest, target: Target): ProviderRequest {
  if (request.inputs.length > maxBatch)
    throw invalidValue(
      "inputs",
      `must have at most ${maxBatch} items for this provider, and has ${request.inputs.length}.`,
    );
  const losses = new LossReport(false);
  const taskType = taskOf(request.inputType, losses);
  if (request.truncate !== undefined && request.truncate !== "end") {
    losses.drop("truncate", "this provider cuts too long an input at its end.");
  }
  if (request.endUserId !== undefined) losses.drop("end_user_id", "this provider has no such setting.");
  const draft = createDraft(blankChatRequest(), target, "developer", losses);
  const settings: JsonMembers = {
    taskType,
    title: request.title,
    outputDimensionality: request.dimensions,
  };
  const field = "provider_options.gemini";
  for (const [name, value] of Object.entries(membersOf(request.providerOptions.gemini ?? "", field))) {
    if (name in settings || name === "model" || name === "content")
      throw invalidValue(`${field}.${name}`, "cannot be set here: the request has a field for it.");
    settings[name] = value;
  }
  const requests = request.inputs.map((input, i) => ({
    model: resourceOf(target.model),
    content: { parts: partsOf(input, `inputs[${i}]`, draft) },
    ...settings,
  }));
  return {
    method: "POST",
    path: pathOf(target, "batchEmbedContents"),
    headers: { accept: "application/json" },
    body: toJsonText({ requests }),
    losses: losses.losses,
    memory: { target, stream: false },
  };
}

function partsOf({ kind }: EmbedInput, field: string, draft: Draft): JsonMembers[] {
  if (kind.case === "text") return [{ text: kind.value }];
  if (kind.case === "content")
    return kind.value.parts.flatMap<JsonMembers>(
      (part, i) => toPart(part, `${field}.content.parts[${i}]`, draft) ?? [],
    );
  throw invalidValue(`${field}.tokens`, "cannot be sent: this provider embeds text and media, not tokens.");
}

/** The contract's words for what vectors are for; the provider's own are sent as they are. */
export function taskOf(inputType: string | undefined, losses: LossReport): string | undefined {
  if (inputType === undefined) return undefined;
  const task = toTaskType(inputType);
  if (task === undefined)
    losses.drop("input_type", `'${inputType}' is unknown to this provider; it has ${knownTasks.join(", ")}.`);
  return task;
}

/** Most inputs of one request. */
const maxBatch = 100;

/** @throws GatewayError `upstream_error` when a vector is missing or unreadable */
export function fromEmbedResponse(reply: HttpReply, { target }: DecodeMemory): EmbedResponse {
  const answer = parseObject(reply.body, "an embeddings answer");
  const embeddings = listOf(answer, "embeddings").map(({ values }, index) => {
    if (!isVector(values)) throw unreadable();
    return { index, floats: values };
  });
  if (embeddings.length === 0) throw unreadable();
  return create(EmbedResponseSchema, {
    model: target.model,
    embeddings,
    ...(isFields(answer.usageMetadata) && { usage: decodeUsage(fieldsOf(answer, "usageMetadata")) }),
  });
}

function unreadable(): GatewayError {
  return new GatewayError("upstream_error", "The provider's answer holds no readable embeddings.");
}
