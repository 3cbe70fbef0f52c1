import type { Duration } from "@bufbuild/protobuf/wkt";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import {
  type ChatRequest,
  type ChatResponse,
  type ChatService,
  LossPolicy,
  type StreamChatRequest,
  type StreamChatResponse,
} from "../../../gen/trunkline/v1/chat_pb.ts";
import type { ChatCall, Frame } from "../../domain/chat.ts";
import type { Clock } from "../../domain/clock.ts";
import { GatewayError } from "../../domain/errors.ts";
import { createFold } from "../../domain/fold.ts";
import type { Gateway } from "../../gateway.ts";
import type { Call, Calls } from "./call.ts";
import { coalesced } from "./coalesce.ts";
import { withHeartbeat } from "./heartbeat.ts";
import { reportUnknown } from "./unknown-fields.ts";
import { withUsage } from "./usage-snapshots.ts";

export interface ChatParts {
  readonly gateway: Gateway;
  readonly calls: Calls;
  readonly clock: Clock;
  /** Refuse settings that a target cannot honour, where the request does not say. */
  readonly strict: boolean;
}

/** ChatService over the gateway: unary calls are the fold of what streams send. */
export function createChatService({ gateway, calls, clock, strict }: ChatParts): ServiceImpl<typeof ChatService> {
  function toCall(request: ChatRequest | undefined, stream: boolean): ChatCall {
    if (!request) throw new GatewayError("invalid_value", "request is required.", { field: "request" });
    if (request.lossPolicy === LossPolicy.UNSPECIFIED && strict) request.lossPolicy = LossPolicy.REFUSE;
    return { request, stream };
  }

  async function chat(request: ChatRequest, { caller, context }: Call): Promise<ChatResponse> {
    const call = toCall(request, false);
    const fold = createFold();
    fold.push(reportUnknown(call.request, context));
    for await (const frames of gateway.chat(call, caller, context)) fold.push(frames);
    return fold.response(context.requestId);
  }

  async function* stream(request: StreamChatRequest, { caller, context }: Call): AsyncIterable<StreamChatResponse[]> {
    const call = toCall(request.request, true);
    const unknown = reportUnknown(call.request, context);
    if (unknown.length > 0) yield unknown.map(toMessage);
    const heartbeatMs = millisecondsOf(request.heartbeatInterval, "heartbeat_interval", 1_000, 60_000);
    const usageMs = millisecondsOf(request.usageInterval, "usage_interval", 1_000, 60_000);
    const coalesceMs = millisecondsOf(request.coalesce, "coalesce", 0, 1_000);
    let answer = gateway.chat(call, caller, context);
    if (usageMs !== null) answer = withUsage(answer, usageMs, clock, call.request);
    if (coalesceMs !== null && coalesceMs > 0) answer = coalesced(answer, coalesceMs, clock);
    if (heartbeatMs !== null) answer = withHeartbeat(answer, heartbeatMs, clock);
    for await (const frames of answer) {
      const messages: StreamChatResponse[] = [];
      // A provider's own signs of life are not passed on: only those that were asked for.
      for (const frame of frames) if (frame.case !== "heartbeat" || !frame.wire) messages.push(toMessage(frame));
      if (messages.length > 0) yield messages;
    }
  }

  return {
    chat: (request: ChatRequest, rpc: HandlerContext) => calls.unary(rpc, "chat", (call) => chat(request, call)),
    streamChat: (request: StreamChatRequest, rpc: HandlerContext) =>
      calls.stream(rpc, "chat", (call) => stream(request, call)),
    countTokens: ({ request }, rpc) =>
      calls.unary(rpc, "count_tokens", ({ caller, context }) => {
        return gateway.countTokens(toCall(request, false), caller, context);
      }),
  };
}

/** A frame as the contract's event. Written out: `create` would cost more than encoding it. */
function toMessage({ case: name, value, choice, part, logprobs }: Frame): StreamChatResponse {
  // Frames have the cases and values of the oneof, which a type test proves; TypeScript cannot join the pair again.
  const event = { case: name, value } as StreamChatResponse["event"];
  return { $typeName: "trunkline.v1.StreamChatResponse", choice, part, event, logprobs: logprobs ? [...logprobs] : [] };
}

/** @throws GatewayError `invalid_value` outside the contract's bounds */
function millisecondsOf(duration: Duration | undefined, field: string, min: number, max: number): number | null {
  if (!duration) return null;
  const ms = Number(duration.seconds) * 1000 + duration.nanos / 1e6;
  if (ms >= min && ms <= max) return ms;
  throw new GatewayError("invalid_value", `${field} must be from ${min / 1000} s to ${max / 1000} s.`, { field });
}
