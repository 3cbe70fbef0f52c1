import { crc32 } from "node:zlib";
import { describe, expect, it } from "vitest";
import { createEventStreamParser } from "../../src/providers/event-stream.ts";
import { eventStreamMessage } from "../fakes/event-stream.ts";

const event = (type: string, data: object) =>
  eventStreamMessage({ ":message-type": "event", ":event-type": type }, JSON.stringify(data));

function parse(...chunks: readonly Uint8Array[]) {
  const parser = createEventStreamParser(1024);
  return [...chunks.flatMap((chunk) => [...parser.push(chunk)]), ...parser.end()];
}

const stream = Buffer.concat([
  event("messageStart", { role: "assistant" }),
  event("contentBlockDelta", { text: "Grüße 👋" }),
]);
const expected = [
  { event: "messageStart", data: '{"role":"assistant"}' },
  { event: "contentBlockDelta", data: '{"text":"Grüße 👋"}' },
];

describe("an event stream", () => {
  it("is read wherever it is cut", () => {
    for (let at = 0; at <= stream.length; at++) {
      expect(parse(stream.subarray(0, at), stream.subarray(at))).toEqual(expected);
    }
    expect(parse(...Array.from(stream, (byte) => Uint8Array.of(byte)))).toEqual(expected);
  });

  // From the specification of the format, as AWS encodes it: no headers and no payload.
  it("has the bytes that AWS gives it", () => {
    const empty = Buffer.from("000000100000000005c248eb7d98c8ff", "hex");
    expect(eventStreamMessage({}, "")).toEqual(empty);
    expect(parse(empty)).toEqual([{ event: "", data: "" }]);
  });

  it("names exceptions and errors as what they are", () => {
    const exception = { ":message-type": "exception", ":exception-type": "throttlingException" };
    const error = { ":message-type": "error", ":error-code": "InternalError", ":error-message": "An error" };
    expect(parse(eventStreamMessage(exception, '{"message":"slow"}'), eventStreamMessage(error, ""))).toEqual([
      { event: "exception:throttlingException", data: '{"message":"slow"}' },
      { event: "error:InternalError", data: '{"message":"An error"}' },
    ]);
  });

  it("reads over headers of every other type", () => {
    const odd = Buffer.concat([
      Buffer.from([1, 97, 0, 1, 98, 1, 1, 99, 2, 9, 1, 100, 3, 0, 9, 1, 101, 4, 0, 0, 0, 9]),
      Buffer.from([1, 102, 5, ...new Array(8).fill(0), 1, 103, 6, 0, 2, 1, 2]),
      Buffer.from([1, 104, 8, ...new Array(8).fill(0), 1, 105, 9, ...new Array(16).fill(0)]),
    ]);
    expect(parse(eventStreamMessage({ ":event-type": "x" }, "{}", odd))).toEqual([{ event: "x", data: "{}" }]);
  });

  it("ends without the message that was cut", () => {
    expect(parse(stream.subarray(0, -1))).toEqual(expected.slice(0, 1));
  });

  it("is refused when a byte of it was changed", () => {
    const one = event("messageStart", { role: "assistant" });
    for (let at = 0; at < one.length; at++) {
      const changed = Buffer.from(one);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(() => parse(changed, Buffer.alloc(1024)), `byte ${at}`).toThrow("The provider sent an event");
    }
  });

  it("is refused when a message is larger than the limit, before it is read", () => {
    const large = event("contentBlockDelta", { text: "x".repeat(2_000) });
    expect(() => parse(large.subarray(0, 12))).toThrow("more than 1024 bytes");
  });

  it("is refused when its lengths do not fit", () => {
    const prelude = Buffer.alloc(12);
    prelude.writeUInt32BE(20, 0);
    prelude.writeUInt32BE(9, 4);
    prelude.writeUInt32BE(crc32(prelude.subarray(0, 8)), 8);
    expect(() => parse(prelude)).toThrow("whose lengths do not fit");
  });

  it("is refused when a header is cut or of an unknown type", () => {
    expect(() => parse(eventStreamMessage({}, "", Buffer.from([1, 97, 7, 0, 9])))).toThrow("whose headers are cut");
    expect(() => parse(eventStreamMessage({}, "", Buffer.from([1, 97, 10])))).toThrow("header of an unknown type");
  });
});
