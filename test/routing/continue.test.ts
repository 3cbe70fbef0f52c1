import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { PartSchema, ReasoningPartSchema, Role } from "../../gen/trunkline/v1/message_pb.ts";
import { PartFinishedSchema, PartStartedSchema } from "../../gen/trunkline/v1/stream_pb.ts";
import type { ChatCall, Frame } from "../../src/domain/chat.ts";
import { GatewayError } from "../../src/domain/errors.ts";
import { createFold } from "../../src/domain/fold.ts";
import type { Target } from "../../src/domain/target.ts";
import { createAttempt, type Sender } from "../../src/routing/attempt.ts";
import { Said } from "../../src/routing/said.ts";
import { callStarted, completed, finished, started, text, usage } from "../fakes/frames.ts";
import { callOf, collect, contextOf, framesOf } from "../providers/sending.ts";
import { attemptParts, routeOf, targetNamed } from "./parts.ts";

const [a, b, c] = [targetNamed("a/m"), targetNamed("b/m"), targetNamed("c/m")];
const prefills = { facts: { capabilities: ["prefill"] } };
const cut = new GatewayError("upstream_cut", "The connection broke.");
const end = [finished(), usage(10, 4), completed({ input: 10, output: 4 })];

const reasoningStarted: Frame = {
  case: "partStarted",
  value: create(PartStartedSchema, {
    part: create(PartSchema, { kind: { case: "reasoning", value: create(ReasoningPartSchema) } }),
  }),
  choice: 0,
  part: 0,
};
const reasoning = (value: string): Frame => ({ case: "reasoningDelta", value, choice: 0, part: 0 });
const reasoningFinished: Frame = { case: "partFinished", value: create(PartFinishedSchema), choice: 0, part: 0 };

type Script = Readonly<Record<string, readonly (readonly Frame[] | GatewayError)[]>>;

/** An answer whose targets say what is listed, under a route that continues what is cut. */
async function continuing(script: Script, targets: readonly Target[] = [a, b], maxAttempts = 4) {
  const asked: { readonly name: string; readonly call: ChatCall }[] = [];
  const sender: Sender = {
    async *chat({ name }, call) {
      asked.push({ name, call });
      for (const step of script[name] ?? []) {
        if (step instanceof GatewayError) throw step;
        yield step;
      }
    },
    embed: async () => Promise.reject(cut),
    countTokens: async () => Promise.reject(cut),
  };
  const context = contextOf();
  const route = routeOf(targets, { onCut: "continue", maxAttempts });
  const got = await collect(createAttempt(attemptParts(sender)).chat(route, callOf(), context));
  const frames = framesOf(got);
  const last = got.at(-1);
  const fold = createFold();
  fold.push(frames);
  return { asked, context, frames, error: last instanceof GatewayError ? last : null, fold };
}

const textOf = (frames: readonly Frame[]) =>
  frames.map((frame) => (frame.case === "textDelta" ? frame.value : "")).join("");

describe("an answer that is cut and restarted", () => {
  it("goes on where it was cut, without a word twice, with one start, one end and a notice", async () => {
    const { frames, error, asked } = await continuing({
      "a/m": [[started("first"), text("Hello ")], [text("wor")], cut],
      "b/m": [[started("second")], [text("Hel")], [text("lo world")], [text("!"), ...end]],
    });
    expect(error).toBeNull();
    expect(textOf(frames)).toBe("Hello world!");
    expect(frames.map((frame) => frame.case)).toEqual([
      "started",
      "textDelta",
      "textDelta",
      "notice",
      "textDelta",
      "textDelta",
      "finished",
      "usage",
      "completed",
    ]);
    const notice = frames.find((frame) => frame.case === "notice");
    expect(notice?.value).toMatchObject({
      code: "failover",
      detail: { from: "a/m", to: "b/m", error: "upstream_cut", how: "restart", sent_characters: "9" },
    });
    expect(asked.map(({ name }) => name)).toEqual(["a/m", "b/m"]);
  });

  it("costs both attempts: the cut one as counted or estimated", async () => {
    const { frames } = await continuing({
      "a/m": [[started(), text("four")], cut],
      "b/m": [[started(), text("four and more"), ...end]],
    });
    // 5 tokens of prompt and 1 of the answer, estimated; then 10 and 4, counted.
    expect(frames.at(-1)).toMatchObject({
      case: "completed",
      value: { usage: { inputTokens: 15, outputTokens: 5, estimated: true } },
    });
    const counted = await continuing({
      "a/m": [[started(), text("four"), usage(7, 1)], cut],
      "b/m": [[started(), text("four and more"), ...end]],
    });
    expect(counted.frames.at(-1)).toMatchObject({
      value: { usage: { inputTokens: 17, outputTokens: 5, estimated: false } },
    });
  });

  it.each([
    ["differs in its first character", [text("Xello world"), ...end]],
    ["differs later on", [text("Hello "), text("Wall, and all"), ...end]],
    ["ends before what was sent", [text("Hello"), ...end]],
    ["calls a tool instead", [callStarted(0, "call_1", "f"), ...end]],
    ["has another choice", [text("Hello world", { choice: 1 }), ...end]],
  ])("ends with the typed error when the new answer %s, and nothing of it is shown", async (_, second) => {
    const { frames, error } = await continuing({
      "a/m": [[started(), text("Hello w")], cut],
      "b/m": [[started(), ...second]],
    });
    expect(textOf(frames)).toBe("Hello w");
    expect(error).toMatchObject({ code: "upstream_cut" });
    expect(error?.message).toContain("Sent before: 7 characters of text.");
    expect(frames.some((frame) => frame.case === "finished" || frame.case === "completed")).toBe(false);
  });

  it("is cut again and again, up to the bound on attempts", async () => {
    const script = {
      "a/m": [[started(), text("one ")], cut],
      "b/m": [[started(), text("one two ")], cut],
      "c/m": [[started(), text("one two three"), ...end]],
    };
    const whole = await continuing(script, [a, b, c]);
    expect(textOf(whole.frames)).toBe("one two three");
    expect(whole.frames.filter((frame) => frame.case === "notice")).toHaveLength(2);
    const bounded = await continuing(script, [a, b, c], 2);
    expect(textOf(bounded.frames)).toBe("one two ");
    expect(bounded.error?.message).toContain("Sent before: 8 characters");
  });

  it("may go on at the same target when there is no other", async () => {
    let times = 0;
    const sender: Sender = {
      async *chat() {
        times++;
        yield [started(), text("Hello")];
        if (times === 1) throw cut;
        yield [text(" world"), ...end];
      },
      embed: async () => Promise.reject(cut),
      countTokens: async () => Promise.reject(cut),
    };
    const attempt = createAttempt(attemptParts(sender));
    const got = await collect(attempt.chat(routeOf([a], { onCut: "continue" }), callOf(), contextOf()));
    expect(textOf(framesOf(got))).toBe("Hello world");
  });

  it("compares whole characters: a delta that ends in the middle of what was sent is not shown twice", async () => {
    const { frames } = await continuing({
      "a/m": [[started(), text("😀é")], cut],
      "b/m": [
        [started(), text("😀")],
        [text("é🎉"), ...end],
      ],
    });
    expect(textOf(frames)).toBe("😀é🎉");
  });

  it("does not show reasoning again, and goes on with it when it was cut in the middle", async () => {
    const told = await continuing({
      "a/m": [[started(), reasoningStarted, reasoning("so"), reasoningFinished, text("He", { part: 1 })], cut],
      "b/m": [
        [started(), reasoningStarted, reasoning("other thoughts"), reasoningFinished, text("Hey", { part: 1 }), ...end],
      ],
    });
    expect(told.error).toBeNull();
    expect(told.fold.response("r").choices[0]?.message?.parts.map(({ kind }) => kind.case)).toEqual([
      "reasoning",
      "text",
    ]);
    expect(told.frames.filter((frame) => frame.case === "reasoningDelta")).toHaveLength(1);
    const midway = await continuing({
      "a/m": [[started(), reasoningStarted, reasoning("so it")], cut],
      "b/m": [
        [started(), reasoningStarted, reasoning("so it is"), reasoningFinished, text("Hey", { part: 1 }), ...end],
      ],
    });
    expect(midway.frames.flatMap((frame) => (frame.case === "reasoningDelta" ? [frame.value] : []))).toEqual([
      "so it",
      " is",
    ]);
    expect(textOf(midway.frames)).toBe("Hey");
  });
});

describe("an answer that is continued by prefill", () => {
  it("asks with what was sent as the last message, without white space at its end, and shows what follows", async () => {
    const { frames, asked } = await continuing(
      { "a/m": [[started(), text("Hello ")], cut], "b/m": [[started(), text(" world"), ...end]] },
      [a, { ...b, ...prefills }],
    );
    expect(textOf(frames)).toBe("Hello world");
    const messages = asked[1]?.call.request.messages ?? [];
    expect(messages.at(-1)).toMatchObject({
      role: Role.ASSISTANT,
      parts: [{ kind: { case: "text", value: "Hello" } }],
    });
    expect(messages).toHaveLength(2);
    expect(asked[0]?.call.request.messages).toHaveLength(1);
  });

  it.each([
    ["one piece", [text(" world")]],
    ["two pieces", [text(" "), text("world")]],
  ])("does not double white space of which the continuation has a part, in %s", async (_, second) => {
    const { frames } = await continuing(
      { "a/m": [[started(), text("Hello  ")], cut], "b/m": [[started(), ...second, ...end]] },
      [a, { ...b, ...prefills }],
    );
    expect(textOf(frames)).toBe("Hello  world");
  });

  it("takes a continuation without the white space, too", async () => {
    const { frames } = await continuing(
      { "a/m": [[started(), text("Hello \n")], cut], "b/m": [[started(), text("world"), ...end]] },
      [a, { ...b, ...prefills }],
    );
    expect(textOf(frames)).toBe("Hello \nworld");
  });
});

describe("an answer that cannot be continued", () => {
  it.each<[string, readonly Frame[], string]>([
    ["a tool call", [callStarted(0, "call_1", "f")], "a tool call had begun"],
    ["text and a tool call", [text("Hi"), callStarted(1, "call_1", "f")], "a tool call had begun"],
    ["several choices", [text("Hi"), text("Ho", { choice: 1 })], "it has several choices"],
    ["an end", [text("Hi"), finished()], "it had finished"],
  ])("because it holds %s ends with the typed error, and nobody else is asked", async (_, said, why) => {
    const { error, asked, frames } = await continuing({
      "a/m": [[started(), ...said], cut],
      "b/m": [[started(), text("Hi"), ...end]],
    });
    expect(error).toMatchObject({ code: "upstream_cut" });
    expect(error?.message).toContain(why);
    expect(asked.map(({ name }) => name)).toEqual(["a/m"]);
    expect(frames).toHaveLength(1 + said.length);
  });

  it("because of whom it is cut by ends as that does: a caller's departure is no reason to go on", async () => {
    const caller = new AbortController();
    const gone = new GatewayError("canceled", "gone");
    const sender: Sender = {
      async *chat() {
        yield [started(), text("Hi")];
        caller.abort(gone);
        throw gone;
      },
      embed: async () => Promise.reject(cut),
      countTokens: async () => Promise.reject(cut),
    };
    const attempt = createAttempt(attemptParts(sender));
    const context = contextOf(caller.signal);
    const got = await collect(attempt.chat(routeOf([a, b], { onCut: "continue" }), callOf(), context));
    expect(got.at(-1)).toBe(gone);
    expect(context.trail.count("retried")).toBe(0);
  });

  it("has what all attempts used on its trail", async () => {
    const used = async (...args: Parameters<typeof continuing>) =>
      (await continuing(...args)).context.trail.last("usage")?.usage;
    const first = [[started(), text("Hello"), usage(7, 1)], cut];
    const diverging = { "a/m": first, "b/m": [[started(), text("Bye"), usage(9, 2)], cut] };
    expect(await used(diverging)).toMatchObject({ inputTokens: 16, outputTokens: 3 });
    const calling = {
      "a/m": first,
      "b/m": [[started(), text("Hello, "), usage(9, 2)], [callStarted(1, "call_1", "f")], cut],
    };
    expect(await used(calling)).toMatchObject({ inputTokens: 16, outputTokens: 3 });
    expect(
      await used({ "a/m": first, "b/m": [[started(), text("Hello"), usage(9, 2)], cut] }, [a, b], 2),
    ).toMatchObject({
      inputTokens: 16,
      outputTokens: 3,
    });
  });

  it("has what all attempts used on its trail when the caller leaves in the middle of a further one", async () => {
    const sender: Sender = {
      async *chat({ name }) {
        yield [started(), text(name === "a/m" ? "Hello" : "Hello world"), usage(7, 1)];
        if (name === "a/m") throw cut;
        yield [text(" and all"), ...end];
      },
      embed: async () => Promise.reject(cut),
      countTokens: async () => Promise.reject(cut),
    };
    const context = contextOf();
    const answer = createAttempt(attemptParts(sender)).chat(routeOf([a, b], { onCut: "continue" }), callOf(), context);
    for await (const frames of answer) if (textOf(frames) === " world") break;
    expect(context.trail.last("usage")?.usage).toMatchObject({ inputTokens: 14, outputTokens: 2 });
  });

  it("was said after its provider had counted, and is estimated from there", async () => {
    const { frames } = await continuing({
      "a/m": [[started(), usage(7, 1), text("twelve chars")], cut],
      "b/m": [[started(), text("twelve chars and more"), ...end]],
    });
    // 7 and 1 as counted when it began, 3 for the twelve characters; then 10 and 4.
    expect(frames.at(-1)).toMatchObject({
      value: { usage: { inputTokens: 17, outputTokens: 8, estimated: true } },
    });
  });

  it("because it is too long is not kept for it, and the error still says how much was sent", async () => {
    const piece = "x".repeat(600_000);
    const said = new Said(callOf().request);
    for (let i = 0; i < 5; i++) said.push([text(piece)]);
    expect(said.text.length).toBeLessThanOrEqual(1024 * 1024);
    const { error } = await continuing({ "a/m": [[started()], ...Array(5).fill([text(piece)]), cut], "b/m": [] });
    expect(error?.message).toContain("Sent before: 3000000 characters of text. Not continued, because it is too long.");
  });
});
