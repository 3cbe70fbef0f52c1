import { describe, expect, it } from "vitest";
import { GatewayError } from "../../src/domain/errors.ts";
import type { SseEvent } from "../../src/providers/provider.ts";
import { createSseParser } from "../../src/providers/sse.ts";

function parse(...chunks: (string | Uint8Array)[]): SseEvent[] {
  const parser = createSseParser();
  return [...chunks.flatMap((chunk) => parser.push(Buffer.from(chunk))), ...parser.end()];
}

const data = (...values: string[]): SseEvent[] => values.map((value) => ({ event: "", data: value }));

describe("server-sent events", () => {
  it.each([
    ["LF", "data: a\n\ndata: b\n\n"],
    ["CRLF", "data: a\r\n\r\ndata: b\r\n\r\n"],
    ["CR", "data: a\r\rdata: b\r\r"],
    ["all three in turn", "data: a\n\r\ndata: b\r\r\n"],
  ])("are told apart by blank lines that end with %s", (_, text) => {
    expect(parse(text)).toEqual(data("a", "b"));
  });

  it("come out the same wherever the bytes are cut", () => {
    const text = '\uFEFF: hi\r\nevent: x\r\ndata: {"a":"€🌍"}\r\n\r\ndata:b\rdata:  c\r\rdata: [DONE]\n\n';
    const bytes = Buffer.from(text);
    const whole = parse(bytes);
    expect(whole).toEqual([{ event: "x", data: '{"a":"€🌍"}' }, ...data("b\n c", "[DONE]")]);
    for (let cut = 1; cut < bytes.length; cut++) {
      expect(parse(bytes.subarray(0, cut), bytes.subarray(cut))).toEqual(whole);
    }
    expect(parse(...[...bytes].map((byte) => Uint8Array.of(byte)))).toEqual(whole);
  });

  it("lose one space after the colon, and no more", () => {
    expect(parse("data:a\n\ndata: b\n\ndata:  c\n\n")).toEqual(data("a", "b", " c"));
  });

  it("join their data lines by LF, empty ones too", () => {
    expect(parse("data: a\ndata:\ndata\ndata: b\n\n")).toEqual(data("a\n\n\nb"));
  });

  it("keep their name for themselves", () => {
    expect(parse("event: one\ndata: a\n\ndata: b\n\n")).toEqual([{ event: "one", data: "a" }, ...data("b")]);
  });

  it("without data are none", () => {
    expect(parse("event: ping\n\nid: 1\nretry: 3\n\n: comment\n\n\n\n")).toEqual([]);
  });

  it("ignore fields that they do not know", () => {
    expect(parse("dat: x\ndatab: x\nfoo\n: data: x\ndata: a\n\n")).toEqual(data("a"));
  });

  it("begin after a byte order mark, which is text anywhere else", () => {
    expect(parse("\uFEFFdata: a\n\n\uFEFFdata: b\n\ndata: \uFEFF\n\n")).toEqual(data("a", "\uFEFF"));
  });

  it("show invalid UTF-8 as replacement characters", () => {
    expect(parse(Buffer.from([...Buffer.from("data: "), 0xff, 0xe2, 0x82, ...Buffer.from("\n\n")]))).toEqual(
      data("\uFFFD\uFFFD"),
    );
  });

  it.each(['data: {"a":1}', 'data: {"a":1}\n', "data: {}\r", "data: [DONE]"])(
    "count at the end without a blank line: %j",
    (text) => {
      expect(parse(text)).toHaveLength(1);
    },
  );

  it.each(['data: {"a":', "data: [DO", "event: x", ": comment", "dat"])(
    "do not count at the end when cut: %j",
    (text) => {
      expect(parse(text)).toEqual([]);
    },
  );
});

describe("the bound on an event", () => {
  const parser = () => createSseParser(1000);
  const limit = { code: "upstream_error", message: expect.stringContaining("1000") };

  it("lets the largest event pass, however often", () => {
    const one = parser();
    for (let turn = 0; turn < 3; turn++) {
      expect(one.push(Buffer.from(`data: ${"x".repeat(900)}\n\n`))).toHaveLength(1);
    }
  });

  it.each([
    ["one line that does not end", "data: ", "x".repeat(100)],
    ["a comment that does not end", ":", "x".repeat(100)],
    ["many lines", "", `data: ${"x".repeat(50)}\n`],
    ["many empty lines", "", "data:\n"],
  ])("is crossed by %s", (_, begin, more) => {
    const one = parser();
    one.push(Buffer.from(begin));
    const flood = () => {
      for (let turn = 0; turn < 100; turn++) one.push(Buffer.from(more));
    };
    expect(flood).toThrow(GatewayError);
    expect(flood).toThrow(expect.objectContaining(limit));
  });

  it("does not count what is no event", () => {
    const one = parser();
    for (let turn = 0; turn < 1000; turn++) one.push(Buffer.from(": keep-alive\n\n"));
    expect(one.push(Buffer.from("data: a\n\n"))).toEqual(data("a"));
  });
});

describe("edge case 18: an event of 5 MB", () => {
  it("is put together from fifty thousand pieces", () => {
    const parser = createSseParser();
    const bytes = Buffer.from(`data: "${"x".repeat(5_000_000)}"\n\n`);
    const events: SseEvent[] = [];
    for (let at = 0; at < bytes.length; at += 100) events.push(...parser.push(bytes.subarray(at, at + 100)));
    expect(events).toHaveLength(1);
    expect(events[0]?.data).toHaveLength(5_000_002);
  });
});
