import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { ChatRequestSchema } from "../../../gen/trunkline/v1/chat_pb.ts";
import type { Frame } from "../../../src/domain/chat.ts";
import { coalesced } from "../../../src/edges/rpc/coalesce.ts";
import { withHeartbeat } from "../../../src/edges/rpc/heartbeat.ts";
import { withUsage } from "../../../src/edges/rpc/usage-snapshots.ts";
import { createFakeClock } from "../../fakes/clock.ts";
import { completed, finished, started, text, usage } from "../../fakes/frames.ts";

type Answer = AsyncIterable<readonly Frame[]>;

const settle = () => new Promise((resolve) => setImmediate(resolve));

/** What a wrapper makes of steps: frames that come, milliseconds that pass, an error that ends them. */
async function play(
  wrap: (answer: Answer, clock: ReturnType<typeof createFakeClock>) => Answer,
  steps: (Frame[] | number | Error)[],
) {
  const clock = createFakeClock();
  const came: (readonly Frame[])[] = [];
  let arrived = () => {};
  let failure: Error | null = null;
  let over = false;
  async function* answer(): Answer {
    for (;;) {
      const next = came.shift();
      if (next) yield next;
      else if (failure) throw failure;
      else if (over) return;
      else await new Promise<void>((resolve) => (arrived = resolve));
    }
  }
  const got: string[] = [];
  const reading = (async () => {
    for await (const frames of wrap(answer(), clock)) got.push(frames.map(shown).join(" "));
  })().catch((error: Error) => got.push(`! ${error.message}`));
  for (const step of steps) {
    if (typeof step === "number") clock.advance(step);
    else if (step instanceof Error) failure = step;
    else came.push(step);
    arrived();
    await settle();
  }
  over = true;
  arrived();
  await reading;
  expect(clock.timers).toBe(0);
  return got;
}

function shown(frame: Frame): string {
  if (frame.case === "usage")
    return `usage:${frame.value.inputTokens}+${frame.value.outputTokens}${frame.value.estimated ? "~" : ""}`;
  return typeof frame.value === "string" ? `${frame.choice}.${frame.part}:${frame.value}` : frame.case;
}

describe("coalescing", () => {
  const wrap = (answer: Answer, clock: ReturnType<typeof createFakeClock>) => coalesced(answer, 100, clock);

  it("joins text that comes within the delay, and no more", async () => {
    const steps = [
      [started()],
      [text("a")],
      60,
      [text("b")],
      39,
      [text("c")],
      1,
      [text("d")],
      500,
      [finished(), completed()],
    ];
    expect(await play(wrap, steps)).toEqual(["started", "0.0:abc", "0.0:d", "finished completed"]);
  });

  it("keeps parts and choices apart, and in their order", async () => {
    const steps = [[text("a"), text("b", { choice: 1 })], [text("c", { choice: 1 }), text("d", { part: 1 })], 100];
    expect(await play(wrap, steps)).toEqual(["0.0:a 1.0:bc 0.1:d"]);
  });

  it("waits for nothing once the answer ends", async () => {
    expect(await play(wrap, [[text("a")], [text("b"), finished()], [completed()]])).toEqual([
      "0.0:ab finished",
      "completed",
    ]);
  });

  it("says what was held before a failure", async () => {
    expect(await play(wrap, [[text("a")], 10, [text("b")], new Error("cut")])).toEqual(["0.0:ab", "! cut"]);
  });
});

it.each([
  ["coalescing", coalesced],
  ["heartbeats", withHeartbeat],
] as const)("%s lets go of an answer that is left early", async (_, wrap) => {
  let left = false;
  async function* answer(): Answer {
    try {
      for (;;) yield [text("a"), finished()];
    } finally {
      left = true;
    }
  }
  for await (const _frames of wrap(answer(), 100, createFakeClock())) break;
  expect(left).toBe(true);
});

describe("usage snapshots", () => {
  const request = create(ChatRequestSchema, {});
  const wrap = (answer: Answer, clock: ReturnType<typeof createFakeClock>) => withUsage(answer, 1_000, clock, request);

  it("come at the interval while text comes, as estimates, until the provider's own count", async () => {
    const steps = [
      [text("four")],
      999,
      [text("more")],
      1,
      [text("text")],
      400,
      [text("last")],
      [usage(7, 4), completed()],
    ];
    const got = await play(wrap, steps);
    expect(got).toEqual(["0.0:four", "0.0:more", "0.0:text usage:0+3~", "0.0:last", "usage:7+4 completed"]);
  });

  it("keep what the provider has counted", async () => {
    const got = await play(wrap, [[usage(9, 1)], 1_000, [text("eight ch")], 10, [completed()]]);
    expect(got).toEqual(["usage:9+1", "0.0:eight ch usage:9+2~", "completed"]);
  });
});

describe("heartbeats", () => {
  it("come when nothing else did for the interval", async () => {
    const wrap = (answer: Answer, clock: ReturnType<typeof createFakeClock>) => withHeartbeat(answer, 1_000, clock);
    const steps = [[text("a")], 999, [text("b")], 1_000, 1_000, [completed()]];
    expect(await play(wrap, steps)).toEqual(["0.0:a", "0.0:b", "heartbeat", "heartbeat", "completed"]);
  });
});
