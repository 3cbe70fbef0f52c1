import { create, fromBinary, fromJsonString, type MessageInitShape, toBinary, toJson } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { StreamChatResponseSchema } from "../../../gen/trunkline/v1/chat_pb.ts";
import { FinishReason } from "../../../gen/trunkline/v1/stream_pb.ts";
import { Output } from "../../../src/edges/rpc/lean/output.ts";
import { streamEventWriter } from "../../../src/edges/rpc/write-event.ts";

type Init = MessageInitShape<typeof StreamChatResponseSchema>;

const texts = [
  "",
  "a",
  "word ",
  '"\\\n\u0000',
  "€🌍",
  "x".repeat(42),
  "€".repeat(42),
  "x".repeat(43),
  "é".repeat(20_000),
];
const deltas = ["textDelta", "reasoningDelta", "refusalDelta", "argumentsDelta"] as const;
const places = [
  {},
  { choice: 1 },
  { part: 7 },
  { choice: 127, part: 127 },
  { choice: 128 },
  { part: 300 },
  { choice: 70_000, part: 128 },
];

const events: Init[] = [
  ...texts.flatMap((value) =>
    deltas.flatMap((name) => places.map((place): Init => ({ ...place, event: { case: name, value } }))),
  ),
  { event: { case: "transcriptDelta", value: "said" } },
  { event: { case: "mediaDelta", value: Uint8Array.of(1, 2, 255) } },
  { event: { case: "started", value: { id: "a", model: "b" } } },
  { event: { case: "finished", value: { reason: FinishReason.STOP, native: "stop" } } },
  { event: { case: "heartbeat", value: {} }, choice: 2 },
  { event: { case: "textDelta", value: "a" }, logprobs: [{ token: "a", logprob: -0.5, raw: Uint8Array.of(97) }] },
  { event: { case: undefined } },
];

describe("stream events written by hand", () => {
  it("are the library's bytes in binary", () => {
    for (const init of events) {
      const message = create(StreamChatResponseSchema, init);
      const output = new Output();
      streamEventWriter.binary(message, output);
      expect(output.take().equals(toBinary(StreamChatResponseSchema, message))).toBe(true);
    }
  });

  it("are the library's values in JSON", () => {
    for (const init of events) {
      const message = create(StreamChatResponseSchema, init);
      const output = new Output();
      streamEventWriter.json(message, output);
      const text = output.take().toString();
      expect(JSON.parse(text)).toEqual(toJson(StreamChatResponseSchema, message));
      expect(fromJsonString(StreamChatResponseSchema, text)).toEqual(message);
    }
  });

  it("stay apart however many leave together, over the ends of the memory that they share", () => {
    const output = new Output();
    const taken: Buffer[] = [];
    const sent: string[] = [];
    for (let batch = 0; batch < 400; batch++) {
      for (let i = 0; i < batch % 7; i++) {
        const value = `${batch}/${i} ${"é".repeat((batch * 37 + i) % 900)}`;
        output.open();
        streamEventWriter.binary(create(StreamChatResponseSchema, { event: { case: "textDelta", value } }), output);
        output.close();
        sent.push(value);
      }
      taken.push(output.take());
    }
    const all = Buffer.concat(taken);
    const read: string[] = [];
    for (let at = 0; at < all.length; ) {
      const length = all.readUInt32BE(at + 1);
      const { event } = fromBinary(StreamChatResponseSchema, all.subarray(at + 5, at + 5 + length));
      read.push(event.case === "textDelta" ? event.value : "");
      at += 5 + length;
    }
    expect(read).toEqual(sent);
  });
});
