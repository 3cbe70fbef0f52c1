import { describe, expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../src/domain/clock.ts";
import { createDialer } from "../../src/net/dial.ts";
import { providerOf } from "../../src/providers/catalog.ts";
import { Sender } from "../../src/providers/send.ts";
import { createAttempt } from "../../src/routing/attempt.ts";
import { answer, lastPiece, startRawUpstream, streamHead } from "../fakes/upstream.ts";
import {
  answered,
  bounds,
  callOf,
  chunk,
  collect,
  contextOf,
  done,
  framesOf,
  hi,
  instanceAt,
  stop,
  targetOf,
} from "../providers/sending.ts";
import { attemptParts, routeOf } from "./parts.ts";

/** An answer from one of two providers, on real sockets. @param eastUrl where the first one is said to be */
async function startPair(eastUrl?: string) {
  const [east, west] = [await startRawUpstream(), await startRawUpstream()];
  const instances = [
    instanceAt(eastUrl ?? `${east.origin}/v1`, { name: "east" }),
    instanceAt(`${west.origin}/v1`, { name: "west" }),
  ];
  const dialer = createDialer({ clock: systemClock, maxConnections: 1, maxQueued: 8 });
  onTestFinished(() => dialer.close());
  const byName = new Map(instances.map((instance) => [instance.name, instance]));
  const sender = new Sender({ dialer, clock: systemClock, bounds, instances: byName, providerOf });
  const context = contextOf();
  const targets = instances.map((instance) => targetOf(instance));
  const got = collect(createAttempt(attemptParts(sender)).chat(routeOf(targets), callOf(), context));
  return { east, west, context, got };
}

const good = [streamHead, hi, stop, done, lastPiece];

describe("failover", () => {
  it.each([
    ["429 with a wait", answer(429, { "retry-after": "60" }, "{}"), "rate_limit_exceeded"],
    ["500", answer(500, {}, "oops"), "upstream_error"],
    ["401", answer(401, {}, '{"error":{"message":"Wrong key sk-1234567890"}}'), "upstream_auth"],
    ["404", answer(404, {}, '{"error":{"message":"The model does not exist."}}'), "model_not_found"],
    ["a web page under 200", answer(200, { "content-type": "text/html" }, "<html>"), "upstream_error"],
  ])("goes to the second provider when the first says %s", async (_, refusal, code) => {
    const { east, west, context, got } = await startPair();
    await answered(east.next(), refusal);
    await answered(west.next(), ...good);
    const frames = framesOf(await got);
    expect(frames[0]).toMatchObject({ case: "notice", value: { code: "failover", detail: { error: code } } });
    expect(frames.find((frame) => frame.case === "started")?.value).toMatchObject({
      servedBy: { instance: "west", attempts: 2 },
    });
    expect(context.trail.count("attempt")).toBe(2);
  });

  it("goes to the second provider when the first cannot be reached", async () => {
    const { west, got } = await startPair("http://127.0.0.1:1/v1");
    await answered(west.next(), ...good);
    expect(framesOf(await got).at(-1)?.case).toBe("completed");
  });

  it("goes to the second provider when the first is cut before its first content", async () => {
    const { east, west, got } = await startPair();
    (await answered(east.next(), streamHead, chunk({ role: "assistant", content: "" }))).reset();
    await answered(west.next(), ...good);
    const frames = framesOf(await got);
    expect(frames.filter((frame) => frame.case === "started")).toHaveLength(1);
    expect(frames.at(-1)?.case).toBe("completed");
  });

  it("does not happen once a word of the first has been given", async () => {
    const { east, west, got } = await startPair();
    (await answered(east.next(), streamHead, hi)).reset();
    expect((await got).at(-1)).toMatchObject({ code: "upstream_cut", detail: { provider: "east" } });
    expect(west.connections).toBe(0);
  });

  it("does not happen when the request itself is at fault", async () => {
    const { east, west, got } = await startPair();
    await answered(east.next(), answer(400, {}, '{"error":{"message":"Bad temperature.","param":"temperature"}}'));
    expect(await got).toMatchObject([{ code: "invalid_value", detail: { param: "temperature" } }]);
    expect(west.connections).toBe(0);
  });
});
