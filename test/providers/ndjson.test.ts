import { describe, expect, it } from "vitest";
import { GatewayError } from "../../src/domain/errors.ts";
import { createNdjsonParser } from "../../src/providers/ndjson.ts";
import type { SseEvent } from "../../src/providers/provider.ts";

function parse(...chunks: (string | Uint8Array)[]): SseEvent[] {
  const parser = createNdjsonParser();
  return [...chunks.flatMap((chunk) => parser.push(Buffer.from(chunk))), ...parser.end()];
}

const data = (...values: string[]): SseEvent[] => values.map((value) => ({ event: "", data: value }));

function failureOf(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error instanceof GatewayError ? error.code : error;
  }
  return null;
}

describe("lines of JSON", () => {
  it("end with LF or CRLF, and blank ones are none", () => {
    expect(parse('{"a":1}\n\n{"b":2}\r\n\r\n  \n{"c":3}\n')).toEqual(data('{"a":1}', '{"b":2}', '{"c":3}'));
  });

  it("come out the same wherever the bytes are cut", () => {
    const bytes = Buffer.from('\uFEFF{"a":"€🌍"}\r\n{"b":"ä"}\n\n{"c":1}');
    const whole = parse(bytes);
    expect(whole).toEqual(data('{"a":"€🌍"}', '{"b":"ä"}', '{"c":1}'));
    for (let cut = 1; cut < bytes.length; cut++) {
      expect(parse(bytes.subarray(0, cut), bytes.subarray(cut)), `cut at ${cut}`).toEqual(whole);
    }
    expect(parse(...[...bytes].map((byte) => Uint8Array.of(byte)))).toEqual(whole);
  });

  it("count at the end of the bytes only when they are whole", () => {
    expect(parse('{"a":1}\n{"b":2}')).toEqual(data('{"a":1}', '{"b":2}'));
    expect(parse('{"a":1}\n{"b":')).toEqual(data('{"a":1}'));
  });

  it("are given on when they end, not later", () => {
    const parser = createNdjsonParser();
    expect(parser.push(Buffer.from('{"a":'))).toEqual([]);
    expect(parser.push(Buffer.from("1}\n{"))).toEqual(data('{"a":1}'));
  });

  it("may be as long as the limit, in one piece or in many, and no longer", () => {
    const line = `"${"x".repeat(98)}"`;
    const within = createNdjsonParser(100);
    expect(within.push(Buffer.from(`${line}\n${line}\n`))).toEqual(data(line, line));
    expect(failureOf(() => createNdjsonParser(99).push(Buffer.from(`${line}\n`)))).toBe("upstream_error");
    const slow = createNdjsonParser(99);
    expect(failureOf(() => [...line].forEach((char) => void slow.push(Buffer.from(char))))).toBe("upstream_error");
  });

  it("of five megabytes in small pieces take linear time", () => {
    const parser = createNdjsonParser();
    const piece = Buffer.from("x".repeat(1024));
    const pieces = 5 * 1024;
    for (let i = 0; i < pieces; i++) expect(parser.push(piece)).toEqual([]);
    const [event] = parser.push(Buffer.from("\n"));
    expect(event?.data.length).toBe(pieces * 1024);
  });
});
