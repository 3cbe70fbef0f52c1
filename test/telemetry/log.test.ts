import { describe, expect, it } from "vitest";
import { GatewayError } from "../../src/domain/errors.ts";
import { Secret } from "../../src/domain/secret.ts";
import { createLog, type LogOptions } from "../../src/telemetry/log.ts";

function setUp(options: Partial<LogOptions> = {}) {
  const lines: string[] = [];
  const log = createLog({
    level: "debug",
    format: "json",
    clock: { wallMs: () => Date.UTC(2026, 10, 23, 12) },
    destination: { write: (line: string) => lines.push(line) },
    ...options,
  });
  const entry = (): Record<string, unknown> => JSON.parse(lines.at(-1) ?? "null");
  return { log, lines, entry };
}

describe("createLog", () => {
  it("writes one JSON object a line", () => {
    const { log, lines } = setUp();
    log.info("listening", { url: "http://127.0.0.1:8080", workers: 1 });
    expect(lines).toEqual([
      '{"level":"info","time":"2026-11-23T12:00:00.000Z","message":"listening","url":"http://127.0.0.1:8080","workers":1}\n',
    ]);
  });

  it("carries fields to every line of a derived log, once each, the later value winning", () => {
    const { log, lines, entry } = setUp();
    const derived = log.with({ requestId: "r1", target: "a" }).with({ target: "b" });
    derived.warn("attempt failed", { target: "c" });
    expect(entry()).toMatchObject({ level: "warn", requestId: "r1", target: "c" });
    expect(lines[0]?.match(/"target"/g)).toHaveLength(1);
    log.info("plain");
    expect(entry()).not.toHaveProperty("requestId");
  });

  it("leaves out lines below the level", () => {
    const { log, lines } = setUp({ level: "warn" });
    log.debug("a");
    log.info("b");
    log.warn("c");
    log.error("d");
    expect(lines).toHaveLength(2);
  });

  it("keeps fields that are named like its own apart", () => {
    const { log, entry } = setUp();
    log.info("real", { message: "forged", level: "error", time: "never" });
    expect(entry()).toMatchObject({
      message: "real",
      level: "info",
      _message: "forged",
      _level: "error",
      _time: "never",
    });
  });

  it("does not expand placeholders in messages", () => {
    const { log, entry } = setUp();
    log.info("100%s %d %o", { a: 1 });
    expect(entry().message).toBe("100%s %d %o");
  });
});

describe("secrets in logs", () => {
  it("print as [secret], however deep", () => {
    const { log, lines } = setUp();
    const key = new Secret("sk-canary");
    log.info("x", {
      key,
      deep: { list: [key], map: new Map([["key", key]]) },
      error: new Error("e", { cause: { key } }),
    });
    expect(lines[0]).not.toContain("canary");
    expect(lines[0]?.match(/\[secret\]/g)).toHaveLength(4);
  });

  it("are caught by the field's name and by the scheme when somebody forgot the type", () => {
    const { log, lines } = setUp();
    log.info("x", {
      headers: { Authorization: "Bearer canary", "x-api-key": "canary", cookie: "canary" },
      apiKey: "canary",
      line: "GET / authorization: Bearer canary, x",
      tokens: 7,
    });
    expect(lines[0]).not.toContain("canary");
    expect(lines[0]).toContain('"tokens":7');
  });

  it("and prompts do not come in through the errors of JSON.parse", () => {
    const { log, lines } = setUp();
    for (const text of ['{"messages": canary canary canary canary', "canary", '{"a":"canary']) {
      try {
        JSON.parse(text);
      } catch (cause) {
        log.error("bad body", { error: new GatewayError("invalid_value", "Not JSON.", {}, { cause }) });
      }
    }
    expect(lines).toHaveLength(3);
    expect(lines.join()).not.toContain("canary");
  });
});

describe("errors in logs", () => {
  it("bring code, facts, stack and causes", () => {
    const { log, entry } = setUp();
    const root = Object.assign(new Error("connect ECONNREFUSED"), {
      code: "ECONNREFUSED",
      request: { prompt: "canary" },
    });
    const cause = new AggregateError([root], "all failed");
    log.error("request failed", {
      error: new GatewayError("upstream_error", "Down.", { upstreamStatus: 502 }, { cause }),
    });
    expect(entry().error).toMatchObject({
      type: "GatewayError",
      code: "upstream_error",
      message: "Down.",
      detail: { upstreamStatus: 502 },
      stack: expect.stringContaining("log.test.ts"),
      cause: { type: "AggregateError", errors: [{ code: "ECONNREFUSED", message: "connect ECONNREFUSED" }] },
    });
    expect(JSON.stringify(entry())).not.toContain("canary");
  });
});

describe("one valid line whatever the fields hold", () => {
  const nasty = 'a\r\nfake\u001b[31m\u009b2J\u2028\u202e%s %j "}{\\ \ud800';

  it("in JSON: line breaks, escapes, separators, half surrogates", () => {
    const { log, lines, entry } = setUp();
    log.warn(nasty, { agent: nasty, [nasty]: nasty });
    expect(lines).toHaveLength(1);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: none of them may be there.
    expect(lines[0]?.slice(0, -1)).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e]/);
    expect(entry().agent).toContain("fake");
  });

  it("for people: the same", () => {
    const { log, lines } = setUp({ format: "pretty" });
    log.warn(nasty, { agent: nasty, [nasty]: nasty, plain: "a/b-c", n: 5 });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: our own colours may be there, nothing else.
    const text = (lines[0] ?? "").replaceAll(/\u001b\[\d+m/g, "");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: none of them may be there.
    expect(text.slice(0, -1)).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e]/);
    expect(text).toMatch(/^12:00:00\.000 warn {2}a\\r\\nfake/);
    expect(text).toMatch(/ plain=a\/b-c n=5\n$/);
  });

  it("of bounded length: a megabyte of text, deep, wide and circular values", () => {
    const { log, lines, entry } = setUp();
    const circular: Record<string, unknown> = {};
    circular.self = circular;
    log.info("x".repeat(1_000_000), {
      agent: "y".repeat(1_000_000),
      ["k".repeat(100_000)]: 1,
      wide: Array.from({ length: 10_000 }, () => "z".repeat(1000)),
      many: Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`n${i}`, i])),
      circular,
      bytes: new Uint8Array(1_000_000),
      big: 12n ** 30n,
      odd: [Number.NaN, undefined, () => 1, Symbol("s"), new Date(Number.NaN)],
    });
    expect(lines[0]?.length).toBeLessThan(24_000);
    expect(entry().agent).toMatch(/^y{2048}…$/);
  });
});
