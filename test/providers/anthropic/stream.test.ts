import { describe, expect, it } from "vitest";
import { FinishReason } from "../../../gen/trunkline/v1/stream_pb.ts";
import { anthropic } from "../../../src/providers/anthropic/adapter.ts";
import { orderFaults } from "../../contract-order.ts";
import {
  answer,
  callsOf,
  decode,
  delta,
  type Event,
  end,
  failure,
  finish,
  functionTool,
  jsonDelta,
  open,
  ping,
  plainMemory,
  said,
  start,
  stop,
  textBlock,
  textDelta,
  textOf,
  translate,
} from "./fixtures.ts";

const toolUse = (index: number, id: string, name: string, input: object = {}): Event =>
  open(index, { type: "tool_use", id, name, input });

describe("tool calls in a stream", () => {
  it("edge case 47: a tool without arguments, streamed as one empty piece, gets {}", () => {
    const events = [start(), toolUse(0, "t1", "now"), jsonDelta(0, ""), stop(0), end("tool_use"), finish];
    expect(callsOf(answer(events))).toEqual(["t1 now {}"]);
  });

  it("edge case 48: the empty input of the block's start does not lead the arguments", () => {
    const events = [
      start(),
      toolUse(0, "t1", "f"),
      jsonDelta(0, '{"a"'),
      jsonDelta(0, ":1}"),
      stop(0),
      end("tool_use"),
      finish,
    ];
    expect(callsOf(answer(events))).toEqual(['t1 f {"a":1}']);
  });

  it("takes the input of the block's start where nothing else comes", () => {
    const events = [start(), toolUse(0, "t1", "f", { a: 1 }), stop(0), end("tool_use"), finish];
    expect(callsOf(answer(events))).toEqual(['t1 f {"a":1}']);
  });

  it("edge case 51: text at block 0 and tools at 1 and 2 become parts 0, 1 and 2, and calls in their order", () => {
    const calls = [
      toolUse(1, "t1", "f"),
      jsonDelta(1, "{}"),
      stop(1),
      toolUse(2, "t2", "g"),
      jsonDelta(2, "{}"),
      stop(2),
    ];
    const frames = decode([start(), ...textBlock(0, "Both"), ...calls, end("tool_use"), finish]);
    const begun = frames.flatMap((frame) => (frame.case === "partStarted" ? [frame.part] : []));
    expect(begun).toEqual([1, 2]);
  });

  it("edge case 52: a gap between block indexes leaves no gap between parts", () => {
    const events = [
      start(),
      ...textBlock(0, "A"),
      toolUse(3, "t1", "f"),
      jsonDelta(3, "{}"),
      stop(3),
      ...textBlock(7, "B"),
    ];
    const frames = decode([...events, end("tool_use"), finish]);
    expect(orderFaults(frames, true)).toEqual([]);
    const response = answer([...events, end("tool_use"), finish]);
    expect(textOf(response)).toBe("AB");
    expect(callsOf(response)).toEqual(["t1 f {}"]);
  });

  it("an empty text block between others takes no part number", () => {
    const empty = [open(0, { type: "text", text: "" }), stop(0)];
    const frames = decode([start(), ...empty, ...textBlock(1, "Yes"), end("end_turn"), finish]);
    expect(said(frames).find((frame) => frame.case === "textDelta")?.part).toBe(0);
  });

  it("gives names back as the caller knows them, without the provider's bytes", () => {
    const { memory } = translate({ tools: [functionTool("a.b/c")] });
    const frames = decode(
      [start(), toolUse(0, "t1", "a_b_c"), jsonDelta(0, "{}"), stop(0), end("tool_use"), finish],
      memory,
    );
    const begun = frames.find((frame) => frame.case === "partStarted");
    expect(begun?.value.part?.kind.value).toMatchObject({ name: "a.b/c" });
    expect(begun?.wire).toBeUndefined();
    expect(frames.find((frame) => frame.case === "argumentsDelta")?.wire).toBeDefined();
  });

  it("a custom tool cut off by the token limit shows what the model wrote", () => {
    const { memory } = translate({ tools: [{ kind: { case: "custom", value: { name: "sh" } } }] });
    const events = [start(), toolUse(0, "t1", "sh"), jsonDelta(0, '{"input":"rm'), stop(0), end("max_tokens"), finish];
    expect(callsOf(answer(events, memory))).toEqual(['t1 sh {"input":"rm']);
  });
});

describe("events beside the answer", () => {
  it("edge case 53: pings before, between and after the blocks say nothing", () => {
    const frames = decode([ping, start(), ping, ...textBlock(0, "Hi"), ping, end("end_turn"), ping, finish]);
    const quiet = decode([start(), ...textBlock(0, "Hi"), end("end_turn"), finish]);
    expect(said(frames).map(({ wire: _, ...frame }) => frame)).toEqual(
      said(quiet).map(({ wire: _, ...frame }) => frame),
    );
  });

  it("edge case 54: unknown events and blocks do not disturb the answer; the block is kept for its provider", () => {
    const unknown: Event = { type: "message_hint", hint: 1 };
    const compaction = [
      open(0, { type: "compaction", content: null }),
      delta(0, { type: "compaction_delta", content: "Sum" }),
      stop(0),
    ];
    const frames = decode([start(), unknown, ...compaction, ...textBlock(1, "Hi"), end("end_turn"), finish]);
    expect(orderFaults(frames, true)).toEqual([]);
    const opaque = frames.find((frame) => frame.case === "partStarted");
    expect(opaque?.value.part?.kind.value).toMatchObject({
      provider: "anthropic",
      type: "compaction",
      content: { case: "json", value: '{"type":"compaction","content":"Sum"}' },
    });
    expect(frames.filter((frame) => frame.case === "textDelta").map((frame) => frame.part)).toEqual([1]);
  });

  it("a delta of a block that was never opened is passed over", () => {
    const frames = decode([start(), textDelta(9, "lost"), ...textBlock(0, "Hi"), end("end_turn"), finish]);
    expect(said(frames).flatMap((frame) => (frame.case === "textDelta" ? [frame.value] : []))).toEqual(["Hi"]);
  });

  it("edge case 55: an error event after 200 is the provider's error, and nothing follows it", () => {
    const error: Event = { type: "error", error: { type: "overloaded_error", message: "Overloaded" } };
    const refused = failure(() => decode([start(), textDelta(0, "x"), error]));
    expect(refused).toMatchObject({ code: "overloaded", message: "The provider says: Overloaded" });
    expect(refused.detail).toMatchObject({ provider: "anthropic", upstreamCode: "overloaded_error" });
  });

  it("edge case 57: a second message_start does not begin a second message", () => {
    const frames = decode([
      start(),
      textDelta(0, "-"),
      ...textBlock(0, "A"),
      start(),
      ...textBlock(0, "B"),
      end("end_turn"),
      finish,
    ]);
    expect(orderFaults(frames, true)).toEqual([]);
    expect(frames.filter((frame) => frame.case === "started")).toHaveLength(1);
    // The joined stream's own bytes would show two messages, so they are no longer passed on.
    const after = frames.slice(frames.findIndex((frame) => frame.case === "textDelta" && frame.value === "B"));
    expect(after.every((frame) => frame.wire === undefined)).toBe(true);
  });
});

describe("how a stream ends", () => {
  const finished = (reason: string, more: object = {}) =>
    answer([start(), ...textBlock(0, "Hi"), end(reason, { output_tokens: 5 }, more), finish]).choices[0];

  it("edge case 58: pause_turn is a pause, never an error", () => {
    expect(finished("pause_turn")).toMatchObject({
      finishReason: FinishReason.PAUSE,
      nativeFinishReason: "pause_turn",
    });
  });

  it("edge case 59: a refusal without content carries its explanation and category", () => {
    const details = { type: "refusal", category: "bio", explanation: "Not this." };
    const choice = answer([start(), end("refusal", { output_tokens: 0 }, { stop_details: details }), finish])
      .choices[0];
    expect(choice).toMatchObject({ finishReason: FinishReason.REFUSAL, finishMessage: "Not this." });
    expect(choice?.safetyRatings).toMatchObject([{ category: "bio", blocked: true }]);
    expect(choice?.message?.parts ?? []).toEqual([]);
  });

  it("edge case 60: a full context window is a length stop", () => {
    expect(finished("model_context_window_exceeded")?.finishReason).toBe(FinishReason.LENGTH);
  });

  it("edge case 61: a stop sequence is a stop, and is named", () => {
    expect(finished("stop_sequence", { stop_sequence: "END" })).toMatchObject({
      finishReason: FinishReason.STOP,
      stopSequence: "END",
    });
  });

  it("a reason newer than this code is unspecified, with the provider's word", () => {
    expect(finished("tired")).toMatchObject({ finishReason: FinishReason.UNSPECIFIED, nativeFinishReason: "tired" });
  });

  it("the bytes ending before a finish reason is an error, with a tool call half sent too", () => {
    expect(failure(() => decode([start(), ...textBlock(0, "Hi")])).code).toBe("upstream_cut");
    expect(failure(() => decode([start(), toolUse(0, "t1", "f"), jsonDelta(0, '{"a')])).code).toBe("upstream_cut");
    expect(failure(() => decode([])).code).toBe("upstream_cut");
  });

  it("the bytes ending behind a finish reason is a whole answer", () => {
    expect(said(decode([start(), ...textBlock(0, "Hi"), end("end_turn")])).at(-1)?.case).toBe("completed");
  });

  it("ignores what follows the end", () => {
    const decoder = anthropic.createDecoder(plainMemory);
    const push = (event: Event) => decoder.push({ event: event.type, data: JSON.stringify(event) });
    for (const event of [start(), ...textBlock(0, "Hi"), end("end_turn"), finish]) push(event);
    expect(decoder.done).toBe(true);
    expect(push(start())).toEqual([]);
    expect(decoder.end()).toEqual([]);
  });

  it.each([
    ["no JSON", "{"],
    ["no object", "[1]"],
    ["a block before the message", JSON.stringify(open(0, { type: "text", text: "" }))],
    ["a block without a type", JSON.stringify(open(0, {}))],
    ["a delta without an index", '{"type":"content_block_delta","delta":{}}'],
  ])("%s is an upstream error", (_, data) => {
    const decoder = anthropic.createDecoder(plainMemory);
    expect(failure(() => decoder.push({ event: "", data })).code).toBe("upstream_error");
  });
});

describe("counts", () => {
  const usageOf = (events: readonly Event[]) => answer(events).usage;

  it("edge case 56: a larger input count at the end replaces the one of the start", () => {
    const events = [
      start({ input_tokens: 10, output_tokens: 1 }),
      ...textBlock(0, "x"),
      end("end_turn", { input_tokens: 410, output_tokens: 9 }),
    ];
    expect(usageOf([...events, finish])).toMatchObject({ inputTokens: 410, outputTokens: 9, totalTokens: 419 });
  });

  it("edge case 62: cached and written tokens are part of the prompt", () => {
    const usage = {
      input_tokens: 7,
      cache_read_input_tokens: 9000,
      cache_creation_input_tokens: 1000,
      output_tokens: 1,
    };
    expect(usageOf([start(usage), end("end_turn", { output_tokens: 3 }), finish])).toMatchObject({
      inputTokens: 10_007,
      cacheReadTokens: 9000,
      cacheWriteTokens: 1000,
      outputTokens: 3,
      totalTokens: 10_010,
    });
  });

  it("edge case 64: thinking tokens are counted once, inside the output", () => {
    const usage = { output_tokens: 40, output_tokens_details: { thinking_tokens: 25 } };
    expect(usageOf([start(), end("end_turn", usage), finish])).toMatchObject({ outputTokens: 40, reasoningTokens: 25 });
  });

  it("a provider that counts nothing leaves the usage to be estimated", () => {
    const frames = decode([start({}), ...textBlock(0, "Hi"), end("end_turn", {}), finish]);
    expect(frames.some((frame) => frame.case === "usage")).toBe(false);
    expect(answer([start({}), end("end_turn", {}), finish]).usage).toBeUndefined();
  });

  it("what the provider does not say stays unknown", () => {
    const usage = usageOf([start({ input_tokens: null, output_tokens: 1 }), end("end_turn", {}), finish]);
    expect(usage?.inputTokens).toBeUndefined();
    expect(usage?.totalTokens).toBeUndefined();
    expect(usage?.cacheReadTokens).toBeUndefined();
  });
});

describe("what is held back", () => {
  it("is bounded: an input that never ends is an upstream error", () => {
    const { memory } = translate({ tools: [{ kind: { case: "custom", value: { name: "sh" } } }] });
    const megabyte = "x".repeat(1024 * 1024);
    const endless = [start(), toolUse(0, "t1", "sh"), ...Array.from({ length: 5 }, () => jsonDelta(0, megabyte))];
    expect(failure(() => decode(endless, memory)).code).toBe("upstream_error");
  });

  it("members without a field come at the end, when they were asked for", () => {
    const container = { id: "container_1", expires_at: "2026-11-23T14:00:00Z" };
    const events = [start(), end("end_turn", { output_tokens: 1 }, { container }), finish];
    expect(answer(events).providerData).toEqual({});
    const { memory } = translate({ include: ["provider_data"] });
    expect(answer(events, memory).providerData).toEqual({ anthropic: JSON.stringify({ container }) });
  });
});

describe("the provider's bytes", () => {
  it("stay with every event that was not changed, so that the stream can be passed on as it came", () => {
    const events = [start(), ping, ...textBlock(0, "Hi 👋"), end("end_turn"), finish];
    const wires = [...new Set(decode(events).map((frame) => frame.wire))];
    const came = events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
    expect(wires.map((wire) => wire?.text)).toEqual(came);
    expect(wires.every((wire) => wire?.dialect === "anthropic-messages")).toBe(true);
  });
});
