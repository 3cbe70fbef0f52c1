import type { ChatRequest } from "../../gen/trunkline/v1/chat_pb.ts";
import type { LossReport } from "../domain/loss.ts";

/** Whether the caller set a field to anything but what happens without it, by contract field. */
const isSet = {
  top_k: (request) => request.topK !== undefined,
  min_p: (request) => (request.minP ?? 0) !== 0,
  frequency_penalty: (request) => (request.frequencyPenalty ?? 0) !== 0,
  presence_penalty: (request) => (request.presencePenalty ?? 0) !== 0,
  repetition_penalty: (request) => (request.repetitionPenalty ?? 1) !== 1,
  seed: (request) => request.seed !== undefined,
  logit_bias: (request) => request.logitBias.length > 0,
  max_tool_calls: (request) => request.maxToolCalls !== undefined,
  parallel_tool_calls: (request) => request.parallelToolCalls === false,
  verbosity: (request) => request.verbosity !== undefined,
  service_tier: (request) => request.serviceTier !== undefined,
  speed: (request) => request.speed !== undefined,
  prediction: (request) => request.prediction !== undefined,
  moderation: (request) => request.moderation !== undefined,
  safety_settings: (request) => request.safetySettings.length > 0,
  media_resolution: (request) => request.mediaResolution !== undefined,
  metadata: (request) => Object.keys(request.metadata).length > 0,
  end_user_id: (request) => request.endUserId !== undefined,
  store: (request) => request.store === true,
  web_search: (request) => request.webSearch !== undefined,
  "cache.key": ({ cache }) => cache?.key !== undefined,
  "cache.mode": ({ cache }) => cache?.mode !== undefined,
  "cache.ttl": ({ cache }) => cache?.ttl !== undefined,
  "cache.cached_content": ({ cache }) => cache?.cachedContent !== undefined,
} satisfies Record<string, (request: ChatRequest) => boolean>;

export type UnsaidSetting = keyof typeof isSet;

/**
 * Reports each of these settings that the caller made: the provider has no word for them.
 * @throws GatewayError `unsupported_parameter` under the REFUSE policy
 */
export function dropSettings(request: ChatRequest, fields: readonly UnsaidSetting[], losses: LossReport): void {
  for (const field of fields) if (isSet[field](request)) losses.drop(field, "this provider has no such setting.");
}
