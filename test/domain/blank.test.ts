import { create, type DescMessage } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { ChatRequestSchema, ChatResponseSchema, ChoiceSchema } from "../../gen/trunkline/v1/chat_pb.ts";
import { ChatMessageSchema, PartSchema, Role } from "../../gen/trunkline/v1/message_pb.ts";
import { CompletedSchema, FinishedSchema, FinishReason, StartedSchema } from "../../gen/trunkline/v1/stream_pb.ts";
import { ServedBySchema } from "../../gen/trunkline/v1/usage_pb.ts";
import * as blank from "../../src/domain/blank.ts";

const message = { role: Role.ASSISTANT };

/** Every function that writes a message out, and what the library makes of the same. */
const pairs: readonly [string, unknown, DescMessage, Record<string, unknown>][] = [
  ["ChatRequest", blank.blankChatRequest(), ChatRequestSchema, {}],
  ["ChatMessage", blank.chatMessage(Role.USER, []), ChatMessageSchema, { role: Role.USER }],
  ["Part", blank.partOf({ case: undefined }), PartSchema, {}],
  ["text part", blank.textPart("a"), PartSchema, { kind: { case: "text", value: "a" } }],
  ["ChatResponse", blank.blankChatResponse(), ChatResponseSchema, {}],
  ["Choice", blank.blankChoice(2), ChoiceSchema, { index: 2, message }],
  ["Started", blank.blankStarted("a", "b"), StartedSchema, { id: "a", model: "b" }],
  ["Finished", blank.blankFinished(FinishReason.STOP, "a"), FinishedSchema, { reason: FinishReason.STOP, native: "a" }],
  ["Completed", blank.blankCompleted(), CompletedSchema, {}],
  ["ServedBy", blank.blankServedBy(), ServedBySchema, {}],
];

describe("messages that are written out", () => {
  it.each(pairs)("%s has what the library gives it", (_, written, schema, init) => {
    // Key for key: a member that the contract gains must be written here too.
    expect(written).toStrictEqual(create(schema, init));
  });

  it("are all compared", () => {
    expect(pairs).toHaveLength(Object.keys(blank).length);
  });
});
