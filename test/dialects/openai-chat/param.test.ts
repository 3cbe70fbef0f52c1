import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { expect, it } from "vitest";
import { ChatRequestSchema } from "../../../gen/trunkline/v1/chat_pb.ts";
import { type PartSchema, Role } from "../../../gen/trunkline/v1/message_pb.ts";
import { withParam } from "../../../src/dialects/openai-chat/param.ts";
import { GatewayError } from "../../../src/domain/errors.ts";

const parts: MessageInitShape<typeof PartSchema>[] = [
  { kind: { case: "reasoning", value: { text: "hm" } } },
  { kind: { case: "text", value: "a" } },
  { kind: { case: "image", value: {} } },
  { kind: { case: "toolCall", value: { id: "c", name: "f" } } },
  { kind: { case: "audio", value: {} } },
  { kind: { case: "toolResult", value: { callId: "c" } } },
  { kind: { case: "file", value: {} } },
];
const request = create(ChatRequestSchema, { messages: [{ role: Role.USER, parts }] });

it.each([
  ["messages[0].parts[0]", "messages[0].reasoning_content"],
  ["messages[0].parts[1]", "messages[0].content[0]"],
  ["messages[0].parts[2].image", "messages[0].content[1].image_url.url"],
  ["messages[0].parts[2].image.media.media_type", "messages[0].content[1].image_url.url"],
  ["messages[0].parts[2].image.detail", "messages[0].content[1].image_url.detail"],
  ["messages[0].parts[3].tool_call.arguments", "messages[0].tool_calls[0].function.arguments"],
  ["messages[0].parts[3].tool_call.id", "messages[0].tool_calls[0].id"],
  ["messages[0].parts[4].audio.media.data", "messages[0].content[2].input_audio"],
  ["messages[0].parts[5].tool_result.call_id", "messages[0].tool_call_id"],
  ["messages[0].parts[6].file.media.uri", "messages[0].content[4].file.file_data"],
  ["messages[7].parts[0]", undefined],
  ["temperature", undefined],
])("%s is %s to a caller of chat completions", (field, param) => {
  expect(withParam(new GatewayError("invalid_value", "No.", { field }), request).detail.param).toBe(param);
});
