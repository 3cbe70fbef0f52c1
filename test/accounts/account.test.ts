import { describe, expect, it } from "vitest";
import { createAccount } from "../../src/accounts/account.ts";
import type { Frame } from "../../src/domain/chat.ts";
import type { RequestContext } from "../../src/domain/context.ts";
import { Trail } from "../../src/domain/context.ts";
import { GatewayError } from "../../src/domain/errors.ts";
import type { RequestEnd } from "../../src/domain/observer.ts";
import { usage } from "../fakes/frames.ts";
import { callOf } from "../providers/sending.ts";
import { targetNamed } from "../routing/parts.ts";

const clock = { nowMs: () => 5, wallMs: () => 0, after: () => () => {} };
const call = callOf();
const place = { choice: 0, part: 0 };
const delta: Frame = { case: "textDelta", value: "hi", ...place };
const completed: Frame = {
  case: "completed",
  value: {
    $typeName: "trunkline.v1.Completed",
    serviceTier: "",
    moderation: [],
    providerData: {},
    usage: { $typeName: "trunkline.v1.Usage", outputTokens: 3 } as never,
  },
  ...place,
};

function watch() {
  const ends: RequestEnd[] = [];
  let starts = 0;
  const account = createAccount({
    clock,
    observers: [
      {
        requestStarted: () => {
          starts++;
        },
        requestEnded: (_context, end) => {
          ends.push(end);
        },
      },
    ],
  });
  // Only the fields that accounting reads.
  const context = { trail: new Trail(), signal: new AbortController().signal } as unknown as RequestContext;
  return { account, context, ends, starts: () => starts };
}

async function* answer(...batches: (readonly Frame[] | Error)[]): AsyncIterable<readonly Frame[]> {
  for (const batch of batches) {
    if (batch instanceof Error) throw batch;
    yield batch;
  }
}

async function drain(life: AsyncIterable<readonly Frame[]>): Promise<void> {
  for await (const _ of life);
}

describe("accounting", () => {
  it("counts a completed answer once, as ok, with its usage and first token on the trail", async () => {
    const { account, context, ends, starts } = watch();
    await drain(account.stream(answer([delta], [completed]), call, context));
    expect(starts()).toBe(1);
    expect(ends.map((end) => end.outcome)).toEqual(["ok"]);
    expect(context.trail.last("usage")?.usage.outputTokens).toBe(3);
    expect(context.trail.count("first_token")).toBe(1);
  });

  it("turns an answer without an end into upstream_cut", async () => {
    const { account, context, ends } = watch();
    await expect(drain(account.stream(answer([delta]), call, context))).rejects.toMatchObject({ code: "upstream_cut" });
    expect(ends.map((end) => end.error?.code)).toEqual(["upstream_cut"]);
  });

  it("counts a reader that leaves early as canceled", async () => {
    const { account, context, ends } = watch();
    for await (const _ of account.stream(answer([delta], [delta], [completed]), call, context)) break;
    expect(ends.map((end) => end.outcome)).toEqual(["canceled"]);
  });

  it("estimates what a broken answer used, unless its provider had counted", async () => {
    const uncounted = watch();
    uncounted.context.trail.note({
      kind: "streaming",
      target: targetNamed("a/m"),
      sizes: { outputChars: 2, reasoningChars: 0 },
    });
    for await (const _ of uncounted.account.stream(answer([delta], [completed]), call, uncounted.context)) break;
    expect(uncounted.context.trail.last("usage")?.usage).toMatchObject({
      estimated: true,
      inputTokens: 5,
      outputTokens: 1,
    });
    const counted = watch();
    const cut = answer([delta, usage(7, 2)], new GatewayError("upstream_cut", "cut"));
    await expect(drain(counted.account.stream(cut, call, counted.context))).rejects.toMatchObject({
      code: "upstream_cut",
    });
    expect(counted.context.trail.last("usage")?.usage).toMatchObject({
      estimated: false,
      inputTokens: 7,
      outputTokens: 2,
    });
    const unanswered = watch();
    const refusal = new GatewayError("overloaded", "later");
    await expect(drain(unanswered.account.stream(answer(refusal), call, unanswered.context))).rejects.toBe(refusal);
    expect(unanswered.context.trail.last("usage")).toBeUndefined();
  });

  it("adds what was said after the provider had counted, as those do that count when an answer begins", async () => {
    const { account, context } = watch();
    context.trail.note({
      kind: "streaming",
      target: targetNamed("a/m"),
      sizes: { outputChars: 40, reasoningChars: 0 },
    });
    const cut = answer([usage(7, 1), delta], new GatewayError("upstream_cut", "cut"));
    await expect(drain(account.stream(cut, call, context))).rejects.toMatchObject({ code: "upstream_cut" });
    // The two characters of the delta are all that came after the count.
    expect(context.trail.last("usage")?.usage).toMatchObject({ inputTokens: 7, outputTokens: 2, estimated: true });
  });

  it("notes usage once, however often a provider counts", async () => {
    const { account, context } = watch();
    await drain(account.stream(answer([delta, usage(7, 1)], [delta, usage(7, 2)], [completed]), call, context));
    expect(context.trail.count("usage")).toBe(1);
  });

  it("counts a refusal before the first frame", async () => {
    const { account, context, ends } = watch();
    const refusal = new GatewayError("model_not_found", "no such model");
    await expect(drain(account.stream(answer(refusal), call, context))).rejects.toBe(refusal);
    expect(ends.map((end) => [end.outcome, end.error?.code])).toEqual([["error", "model_not_found"]]);
  });

  it("hides unforeseen failures behind internal and keeps them as cause", async () => {
    const { account, context, ends } = watch();
    const bug = new TypeError("undefined is not a function");
    await expect(account.single(() => Promise.reject(bug), context)).rejects.toMatchObject({ code: "internal" });
    expect(ends[0]?.error?.cause).toBe(bug);
    expect(ends[0]?.error?.message).not.toContain("undefined");
  });
});
