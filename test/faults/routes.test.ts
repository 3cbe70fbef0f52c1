import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RunningGateway } from "../../src/main.ts";
import { createFakeClock } from "../fakes/clock.ts";
import { type Ask, callersOf } from "./callers.ts";
import { startConfigured } from "./gateway.ts";
import { type FaultyProvider, startFaultyProvider } from "./provider.ts";

const protocols = ["REST", "Connect", "gRPC", "gRPC-Web"] as const;

let a: FaultyProvider;
let b: FaultyProvider;
let gateway: RunningGateway;
let ask: Readonly<Record<(typeof protocols)[number], Ask>>;

beforeAll(async () => {
  [a, b] = [await startFaultyProvider(createFakeClock()), await startFaultyProvider(createFakeClock())];
  gateway = await startConfigured(`
providers:
  a: { type: openai, base_url: "${a.origin}/v1", models: [good] }
  b:
    type: openai
    base_url: "${b.origin}/v1"
    models: [good, { id: small, context_window: 1 }]
    total_timeout_ms: 60000
models:
  continued: { targets: [a/cut-text, b/good], on_cut: continue }
  called: { targets: [a/cut-tool-call, b/good], on_cut: continue }
  hedged: { targets: [a/header-stall, b/good], hedge: { after_ms: 50 } }
  quick: { targets: [{ model: a/header-stall, first_byte_timeout_ms: 40 }, b/good] }
  fitting: { targets: [b/small, a/good] }
`);
  ask = callersOf(gateway.url);
});
afterAll(async () => {
  await gateway?.close();
  a?.close();
  b?.close();
});

describe.each(protocols)("over %s", (protocol) => {
  it("a cut stream is continued elsewhere, without a word twice", async () => {
    const seen = await ask[protocol]("continued", true);
    expect([seen.end, seen.text]).toEqual(["ok", "Hi"]);
  });

  it("a cut tool call is never repeated: the typed error comes", async () => {
    const callsBefore = b.calls;
    const { end, begun } = await ask[protocol]("called", true);
    expect([end, begun, b.calls - callsBefore]).toEqual(["upstream_cut", true, 0]);
  });

  it.each([true, false])("a slow target is joined by the next (stream: %s), and left", async (stream) => {
    const seen = await ask[protocol]("hedged", stream);
    expect([seen.end, seen.text, seen.header("trunkline-provider"), seen.header("trunkline-attempts")]).toEqual([
      ...["ok", "Hi", "b", "2"],
    ]);
    for (let i = 0; i < 200 && a.open > 0; i++) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(a.open).toBe(0);
  });

  it("a bound of one target's own holds for whole answers too", async () => {
    const seen = await ask[protocol]("quick", false);
    expect([seen.end, seen.header("trunkline-provider")]).toEqual(["ok", "b"]);
  });

  it("a target that cannot serve is left out, and named", async () => {
    const seen = await ask[protocol]("fitting", true);
    expect([seen.header("trunkline-provider"), seen.header("trunkline-skipped")]).toEqual([
      "a",
      "b/small;context_length",
    ]);
  });

  it.each([true, false])("an idempotency key gives the same answer again (stream: %s)", async (stream) => {
    const headers = { "idempotency-key": `${protocol}-${stream}` };
    const callsBefore = a.calls;
    const first = await ask[protocol]("a/good", stream, { headers });
    const second = await ask[protocol]("a/good", stream, { headers });
    expect([first.end, first.text, second.end, second.text]).toEqual(["ok", "Hi", "ok", "Hi"]);
    expect(second.header("trunkline-replayed")).toBe("replayed");
    expect(second.header("trunkline-provider")).toBe("a");
    expect(a.calls - callsBefore).toBe(1);
    expect((await ask[protocol]("b/good", stream, { headers })).end).toBe("idempotency_key_reused");
    expect((await ask[protocol]("a/good", stream, { headers: { "idempotency-key": "x".repeat(256) } })).end).toBe(
      "invalid_value",
    );
  });

  it("requests with one idempotency key at the same time are one request", async () => {
    const headers = { "idempotency-key": `${protocol}-together` };
    const callsBefore = b.calls;
    const all = await Promise.all(Array.from({ length: 5 }, () => ask[protocol]("quick", true, { headers })));
    expect(all.map(({ end, text }) => `${end} ${text}`)).toEqual(Array(5).fill("ok Hi"));
    expect(b.calls - callsBefore).toBe(1);
  });
});

describe("over REST", () => {
  it("a stream says in a comment that it was continued, and by whom", async () => {
    const response = await fetch(`${gateway.url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: "continued", stream: true, messages: [{ role: "user", content: "Hi" }] }),
    });
    const text = await response.text();
    expect(text).toContain(": a/cut-text broke off (upstream_cut); b/good went on.\n\n");
    // One answer: the ids and the role of the first part.
    expect(text.match(/"role":"assistant"/g)).toHaveLength(1);
  });

  it("an idempotency key that is used for another request is refused with 409", async () => {
    const send = (content: string) =>
      fetch(`${gateway.url}/v1/chat/completions`, {
        method: "POST",
        headers: { "content-type": "application/json", "idempotency-key": "once" },
        body: JSON.stringify({ model: "a/good", messages: [{ role: "user", content }] }),
      });
    expect((await send("Hi")).status).toBe(200);
    const reused = await send("Ho");
    expect([reused.status, reused.headers.get("x-should-retry")]).toEqual([409, "false"]);
    expect(await reused.json()).toMatchObject({ error: { code: "idempotency_key_reused" } });
  });

  it("a session id is checked", async () => {
    const seen = await ask.REST("a/good", true, { headers: { "trunkline-session-id": "s".repeat(257) } });
    expect(seen.end).toBe("invalid_value");
  });
});
