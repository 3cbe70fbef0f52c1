import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { type EmbedRequest, EmbedRequestSchema, EmbedResponseSchema } from "../../gen/trunkline/v1/embeddings_pb.ts";
import { NoticeSchema } from "../../gen/trunkline/v1/usage_pb.ts";
import type { ChatCall, Frame } from "../../src/domain/chat.ts";
import type { RequestContext } from "../../src/domain/context.ts";
import { type ErrorCode, errorCodes, GatewayError } from "../../src/domain/errors.ts";
import type { Target } from "../../src/domain/target.ts";
import { createAttempt, type Sender } from "../../src/routing/attempt.ts";
import { callStarted, completed, finished, started, text } from "../fakes/frames.ts";
import { callOf, collect, contextOf, failureOf, framesOf } from "../providers/sending.ts";
import { attemptParts, routeOf, targetNamed } from "./parts.ts";

const [first, second, third] = [targetNamed("a/m"), targetNamed("b/m"), targetNamed("c/m")];

const failure = (code: ErrorCode) => new GatewayError(code, `It failed with ${code}.`);
const whole = [[started()], [text("Hi")], [finished(), completed()]];
const heartbeat: Frame = { case: "heartbeat", value: { $typeName: "trunkline.v1.Heartbeat" }, choice: 0, part: 0 };
const lossNotice: Frame = {
  case: "notice",
  value: create(NoticeSchema, { code: "dropped_field", field: "top_k" }),
  choice: 0,
  part: 0,
};

/** What each target does, by name: batches of frames, then perhaps its failure. */
type Script = Readonly<Record<string, readonly (readonly Frame[] | Error)[]>>;

function attempting(script: Script, maxAttempts = 4) {
  const tried: string[] = [];
  /** How many messages each was asked with. */
  const prompts: number[] = [];
  const single = async ({ name }: Target) => {
    tried.push(name);
    const [does] = script[name] ?? [];
    if (does instanceof Error) throw does;
    return create(EmbedResponseSchema, { model: name });
  };
  const sender: Sender = {
    async *chat({ name }, { request }) {
      tried.push(name);
      prompts.push(request.messages.length);
      for (const step of script[name] ?? []) {
        if (step instanceof Error) throw step;
        yield step;
      }
    },
    embed: single,
    countTokens: async () => {
      throw failure("not_implemented");
    },
  };
  const { chat, embed } = createAttempt(attemptParts(sender));
  const attempt = {
    chat: (targets: readonly Target[], call: ChatCall, context: RequestContext) =>
      chat(routeOf(targets, { maxAttempts }), call, context),
    embed: (targets: readonly Target[], request: EmbedRequest, context: RequestContext) =>
      embed(routeOf(targets, { maxAttempts }), request, context),
  };
  return { attempt, tried, prompts };
}

const casesOf = (frames: readonly Frame[]) => frames.map((frame) => frame.case);

describe("an answer from several targets", () => {
  it("comes from the first that begins, and the others are not asked", async () => {
    const { attempt, tried } = attempting({ "a/m": whole, "b/m": whole });
    const got = await collect(attempt.chat([first, second], callOf(), contextOf()));
    expect(casesOf(framesOf(got))).toEqual(["started", "textDelta", "finished", "completed"]);
    expect(tried).toEqual(["a/m"]);
  });

  it("begins with its first content, and what came before is held until then", async () => {
    const { attempt } = attempting({ "a/m": [[started()], [heartbeat], [text("H")], [text("i"), completed()]] });
    const got = await collect(attempt.chat([first], callOf(), contextOf()));
    expect(got.map((batch) => casesOf(framesOf([batch])))).toEqual([
      ["started", "heartbeat", "textDelta"],
      ["textDelta", "completed"],
    ]);
  });

  it.each([
    ["says nothing", []],
    ["has only begun", [[lossNotice], [started()], [heartbeat]]],
  ])("comes from the next when the first %s before it fails", async (_, before) => {
    const { attempt, tried } = attempting({ "a/m": [...before, failure("upstream_error")], "b/m": whole });
    const frames = framesOf(await collect(attempt.chat([first, second], callOf(), contextOf())));
    expect(tried).toEqual(["a/m", "b/m"]);
    expect(casesOf(frames)).toEqual(["notice", "started", "textDelta", "finished", "completed"]);
    expect(frames[0]).toMatchObject({
      value: { code: "failover", detail: { from: "a/m", to: "b/m", error: "upstream_error" } },
    });
  });

  it("holds its prompt until the first content, since until then another target may be asked", async () => {
    const { attempt, prompts } = attempting({ "a/m": [[started()], failure("upstream_error")], "b/m": whole });
    const call = callOf();
    const frames = framesOf(await collect(attempt.chat([first, second], call, contextOf())));
    expect(casesOf(frames)).toContain("completed");
    expect(prompts).toEqual([1, 1]);
    expect(call.request.messages).toEqual([]);
  });

  it("tells of every target that failed on the way", async () => {
    const script = { "a/m": [failure("timeout")], "b/m": [failure("overloaded")], "c/m": whole };
    const frames = framesOf(
      await collect(attempting(script).attempt.chat([first, second, third], callOf(), contextOf())),
    );
    const notices = frames.flatMap((frame) => (frame.case === "notice" ? [frame.value.detail] : []));
    expect(notices).toEqual([
      { from: "a/m", to: "c/m", error: "timeout" },
      { from: "b/m", to: "c/m", error: "overloaded" },
    ]);
  });

  it.each([
    ["text", text("H")],
    ["a tool call", callStarted(0, "call_1", "f")],
  ])("never comes from the next once the first has given %s", async (_, content) => {
    const { attempt, tried } = attempting({ "a/m": [[started(), content], failure("upstream_cut")], "b/m": whole });
    const got = await collect(attempt.chat([first, second], callOf(), contextOf()));
    expect(got.at(-1)).toMatchObject({ code: "upstream_cut" });
    expect(framesOf(got)).toHaveLength(2);
    expect(tried).toEqual(["a/m"]);
  });

  it("without a word is passed on as it ends, and is not tried elsewhere", async () => {
    const { attempt, tried } = attempting({ "a/m": [[started()], [finished(), completed()]], "b/m": whole });
    const frames = framesOf(await collect(attempt.chat([first, second], callOf(), contextOf())));
    expect(casesOf(frames)).toEqual(["started", "finished", "completed"]);
    expect(tried).toEqual(["a/m"]);
  });

  it("fails as the last target does", async () => {
    const { attempt } = attempting({ "a/m": [failure("timeout")], "b/m": [failure("overloaded")] });
    expect(await failureOf(attempt.chat([first, second], callOf(), contextOf()))).toMatchObject({ code: "overloaded" });
  });

  it("asks no more targets than the configuration allows, nor than the caller wants", async () => {
    const script = { "a/m": [failure("timeout")], "b/m": [failure("timeout")], "c/m": whole };
    const configured = attempting(script, 2);
    await failureOf(configured.attempt.chat([first, second, third], callOf(), contextOf()));
    expect(configured.tried).toEqual(["a/m", "b/m"]);
    const wanted = attempting(script);
    const call = callOf({ routing: { $typeName: "trunkline.v1.RoutingOptions", tags: {}, maxAttempts: 1 } });
    await failureOf(wanted.attempt.chat([first, second, third], call, contextOf()));
    expect(wanted.tried).toEqual(["a/m"]);
  });

  it("is not sought elsewhere once the caller has gone", async () => {
    const caller = new AbortController();
    caller.abort(failure("canceled"));
    const { attempt, tried } = attempting({ "a/m": [failure("service_unavailable")], "b/m": whole });
    await failureOf(attempt.chat([first, second], callOf(), contextOf(caller.signal)));
    expect(tried).toEqual(["a/m"]);
  });

  it("drops heartbeats beyond the bound, and fails a target that says anything else without end", async () => {
    const pings = Array.from({ length: 1_500 }, () => [heartbeat]);
    const calm = attempting({ "a/m": [[started()], ...pings, ...whole.slice(1)] });
    const frames = framesOf(await collect(calm.attempt.chat([first], callOf(), contextOf())));
    expect(frames.filter((frame) => frame.case === "heartbeat")).toHaveLength(999);
    expect(frames.at(-1)?.case).toBe("completed");
    const endless = attempting({ "a/m": Array.from({ length: 1_500 }, () => [lossNotice]), "b/m": whole });
    const rescued = framesOf(await collect(endless.attempt.chat([first, second], callOf(), contextOf())));
    expect(rescued[0]).toMatchObject({ value: { code: "failover", detail: { error: "upstream_error" } } });
  });
});

describe("a failure", () => {
  /** Those after which another target may do better; every other code is the caller's own affair. */
  const elsewhere = new Set<ErrorCode>([
    ...(["rate_limit_exceeded", "insufficient_quota", "timeout", "service_unavailable", "overloaded"] as const),
    ...(["upstream_error", "upstream_auth", "upstream_cut", "conflict", "model_not_found", "not_implemented"] as const),
    // To a model whose window is larger, or not known.
    "context_length_exceeded",
  ]);

  it.each(errorCodes.map((code) => [code, elsewhere.has(code) ? "goes to the next target" : "does not"] as const))(
    "with %s %s",
    async (code) => {
      const chat = attempting({ "a/m": [failure(code)], "b/m": whole });
      await collect(chat.attempt.chat([first, second], callOf(), contextOf()));
      expect(chat.tried).toEqual(elsewhere.has(code) ? ["a/m", "b/m"] : ["a/m"]);
      const embedding = attempting({ "a/m": [failure(code)] });
      const request = create(EmbedRequestSchema, { model: "m" });
      await embedding.attempt.embed([first, second], request, contextOf()).catch(() => {});
      expect(embedding.tried).toEqual(chat.tried);
    },
  );

  it("that is a bug of the gateway's own stays where it is", async () => {
    const { attempt, tried } = attempting({ "a/m": [new TypeError("oops")], "b/m": whole });
    await expect(collect(attempt.chat([first, second], callOf(), contextOf()))).rejects.toThrow("oops");
    expect(tried).toEqual(["a/m"]);
  });
});

describe("embeddings", () => {
  it("come from the first target that makes them", async () => {
    const { attempt, tried } = attempting({ "a/m": [failure("not_implemented")] });
    const made = await attempt.embed([first, second], create(EmbedRequestSchema, { model: "m" }), contextOf());
    expect([made.model, tried]).toEqual(["b/m", ["a/m", "b/m"]]);
  });
});
