import { create } from "@bufbuild/protobuf";
import { PartSchema, ToolCallSchema } from "../../gen/trunkline/v1/message_pb.ts";
import {
  CompletedSchema,
  FinishedSchema,
  FinishReason,
  PartStartedSchema,
  StartedSchema,
} from "../../gen/trunkline/v1/stream_pb.ts";
import { UsageSchema } from "../../gen/trunkline/v1/usage_pb.ts";
import type { Frame } from "../../src/domain/chat.ts";

/** Frames as a decoder would give them. */

export function started(id = "chat-1", model = "sim-1"): Frame {
  const value = create(StartedSchema, { id, model, created: { seconds: 1_700_000_000n } });
  return { case: "started", value, choice: 0, part: 0 };
}

export function text(value: string, place: { choice?: number; part?: number } = {}): Frame {
  return { case: "textDelta", value, choice: place.choice ?? 0, part: place.part ?? 0 };
}

export function callStarted(part: number, id: string, name: string, choice = 0): Frame {
  const value = create(PartStartedSchema, {
    part: create(PartSchema, { kind: { case: "toolCall", value: create(ToolCallSchema, { id, name }) } }),
  });
  return { case: "partStarted", value, choice, part };
}

export function finished(reason: FinishReason = FinishReason.STOP, choice = 0, message = ""): Frame {
  return { case: "finished", value: create(FinishedSchema, { reason, message }), choice, part: 0 };
}

export function usage(inputTokens: number, outputTokens: number): Frame {
  return { case: "usage", value: create(UsageSchema, { inputTokens, outputTokens }), choice: 0, part: 0 };
}

export function completed(tokens?: { readonly input: number; readonly output: number }): Frame {
  const counts = tokens && { usage: create(UsageSchema, { inputTokens: tokens.input, outputTokens: tokens.output }) };
  return { case: "completed", value: create(CompletedSchema, counts ?? {}), choice: 0, part: 0 };
}
