import { create, type DescField, toBinary, toJsonString } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { describe, expect, it } from "vitest";
import { StreamChatResponseSchema as Schema, type StreamChatResponse } from "../../../gen/trunkline/v1/chat_pb.ts";
import { Output } from "../../../src/edges/rpc/lean/output.ts";
import { streamEventWriter } from "../../../src/edges/rpc/write-event.ts";
import { createRandom } from "../../tooling/random.ts";
import { setField } from "./random-message.ts";

const letters = ["a", " ", '"', "\\", "/", "\u0000", "\b", "\n", "\u001f", "\u007f", "é", "\u2028", "\u2029", "€"];
const pairs = ["👋", "👩‍👩‍👧", "\ud83d", "\udc4b", "\ud83d\ud83d", "\udc4b\ud83d"];
const numbers = [0, 1, 2, 126, 127, 128, 129, 255, 256, 16_383, 16_384, 2 ** 31 - 1, -1, -128];

/** Messages of one case of the oneof, and with none. */
const cases: readonly (DescField | null)[] = [...(Schema.oneofs[0]?.fields ?? []), null];
const messagesOfCase = 150;

function textOf(random: () => number): string {
  const alphabet = random() < 0.4 ? letters.slice(0, 2) : [...letters, ...pairs];
  const length = random() < 0.02 ? 10_000 : Math.floor(random() ** 4 * 200);
  return Array.from({ length }, () => alphabet[Math.floor(random() * alphabet.length)]).join("");
}

function messageOf(random: () => number, event: DescField | null): StreamChatResponse {
  const pick = () => numbers[Math.floor(random() * numbers.length)] ?? 0;
  const message = create(Schema, { choice: random() < 0.5 ? 0 : pick(), part: random() < 0.5 ? 0 : pick() });
  const maker = { random, depth: 4, textOf: () => textOf(random) };
  const reflected = reflect(Schema, message, false);
  if (event) setField(reflected, event, maker);
  if (random() < 0.1)
    for (const field of Schema.fields) if (field.name === "logprobs") setField(reflected, field, maker);
  if (random() < 0.1) message.$unknown = [{ no: 1_001, wireType: 2, data: Uint8Array.of(2, 104, 105) }];
  return message;
}

describe.each(cases.map((event) => ({ name: event?.name ?? "no event", event })))("$name", ({ name, event }) => {
  const random = createRandom([...name].reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), 7) >>> 0);
  const messages = Array.from({ length: messagesOfCase }, () => messageOf(random, event));

  it("is written as the library writes it in binary", () => {
    // One for all, as it is used.
    const output = new Output();
    const wrong = messages.filter((message) => {
      streamEventWriter.binary(message, output);
      return !output.take().equals(toBinary(Schema, message));
    });
    expect(wrong).toEqual([]);
  });

  it("is written as the library writes it in JSON", () => {
    const output = new Output();
    const wrong = messages.filter((message) => {
      streamEventWriter.json(message, output);
      return output.take().toString() !== toJsonString(Schema, message);
    });
    expect(wrong).toEqual([]);
  });
});

it("leaves it to the library to refuse what is no number of a choice", () => {
  for (const choice of [0.5, 2 ** 31, Number.NaN]) {
    const message = create(Schema, { choice, event: { case: "textDelta", value: "a" } });
    expect(() => toBinary(Schema, message)).toThrow();
    expect(() => streamEventWriter.binary(message, new Output())).toThrow();
  }
});
