import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import {
  AnnotationSchema,
  PartSchema,
  ProofSchema,
  ToolCallKind,
  ToolCallSchema,
} from "../../../gen/trunkline/v1/message_pb.ts";
import { FinishReason, PartFinishedSchema, PartStartedSchema } from "../../../gen/trunkline/v1/stream_pb.ts";
import { ModerationResultSchema, TokenLogprobSchema } from "../../../gen/trunkline/v1/usage_pb.ts";
import { createStreamEncoder, type StreamOptions } from "../../../src/dialects/openai-chat/encode-stream.ts";
import { type Frame, withWire } from "../../../src/domain/chat.ts";
import { GatewayError } from "../../../src/domain/errors.ts";
import { callStarted, completed, finished, started, text, usage } from "../../fakes/frames.ts";
import { requestOf } from "./parsing.ts";

const plain: StreamOptions = { includeUsage: false, legacyFunctions: false, requestId: "req_1" };
const asked: StreamOptions = { ...plain, includeUsage: true };

function encode(frames: readonly Frame[], options = plain): string {
  return createStreamEncoder(options).push(frames);
}

/** The data of the events, parsed; `[DONE]` as it is. */
// biome-ignore lint/suspicious/noExplicitAny: JSON under test
function chunks(sse: string): any[] {
  const events = sse.split("\n\n");
  expect(events.pop()).toBe("");
  return events.map((event) => {
    expect(event.startsWith("data: ")).toBe(true);
    const data = event.slice("data: ".length);
    return data === "[DONE]" ? data : JSON.parse(data);
  });
}

// biome-ignore lint/suspicious/noExplicitAny: JSON under test
const deltas = (sse: string): any[] => chunks(sse).flatMap((chunk) => chunk.choices?.[0]?.delta ?? []);

function argumentsDelta(value: string, part: number): Frame {
  return { case: "argumentsDelta", value, choice: 0, part };
}

describe("moderation", () => {
  it("is told where it happened, in a chunk without a choice", () => {
    const value = create(ModerationResultSchema, {
      direction: "output",
      model: "mod-1",
      flagged: true,
      scores: [{ category: "violence", flagged: true, score: 0.5 }],
    });
    const frames: Frame[] = [started(), text("Hi"), { case: "moderation", value, choice: 0, part: 0 }, finished()];
    const chunk = chunks(encode(frames)).find(({ moderation }) => moderation !== undefined);
    expect(chunk).toMatchObject({
      choices: [],
      moderation: { output: { model: "mod-1", results: [{ flagged: true, category_scores: { violence: 0.5 } }] } },
    });
  });
});

describe("chunks made here", () => {
  it("carry the id, time and model that the answer began with, and end with [DONE]", () => {
    const all = chunks(encode([started("id-1", "sim-2"), text("Hi"), finished(), completed()]));
    expect(all.pop()).toBe("[DONE]");
    for (const chunk of all) {
      expect(chunk).toMatchObject({
        id: "id-1",
        object: "chat.completion.chunk",
        created: 1_700_000_000,
        model: "sim-2",
      });
      expect("usage" in chunk).toBe(false);
    }
    expect(all.map((chunk) => chunk.choices[0].finish_reason)).toEqual([null, "stop"]);
  });

  it("edge case 42: the role comes once a choice, in its first chunk", () => {
    const sse = encode([
      started(),
      text("a"),
      text("b"),
      text("c", { choice: 1 }),
      finished(),
      finished(FinishReason.STOP, 1),
    ]);
    expect(chunks(sse).map(({ choices }) => [choices[0].index, choices[0].delta.role])).toEqual([
      [0, "assistant"],
      [0, undefined],
      [1, "assistant"],
      [0, undefined],
      [1, undefined],
    ]);
  });

  it("edge case 37: tool indexes are dense from 0, whatever the part numbers", () => {
    const sse = encode([
      started(),
      text("x"),
      callStarted(3, "a", "f"),
      argumentsDelta("{}", 3),
      callStarted(7, "b", "g"),
      argumentsDelta('{"x":', 7),
      argumentsDelta("{}", 3),
      argumentsDelta("1}", 7),
      finished(FinishReason.TOOL_CALLS),
    ]);
    const calls = deltas(sse).flatMap((delta) => delta.tool_calls ?? []);
    expect(calls[0]).toEqual({ index: 0, id: "a", type: "function", function: { name: "f", arguments: "" } });
    expect(calls.map(({ index }) => index)).toEqual([0, 0, 1, 1, 0, 1]);
    expect(chunks(sse).at(-1).choices[0].finish_reason).toBe("tool_calls");
  });

  it("edge case 26: the usage chunk is last and without choices; the earlier ones say null", () => {
    const all = chunks(
      encode([started(), text("x"), usage(1, 1), finished(), completed({ input: 7, output: 2 })], asked),
    );
    expect(all.pop()).toBe("[DONE]");
    const last = all.pop();
    expect(last).toMatchObject({ choices: [], usage: { prompt_tokens: 7, completion_tokens: 2, total_tokens: 9 } });
    for (const chunk of all) expect(chunk.usage).toBeNull();
  });

  it("no usage chunk comes when the usage is unknown", () => {
    expect(chunks(encode([started(), finished(), completed()], asked))).toHaveLength(2);
  });

  it.each([
    [FinishReason.STOP, "stop"],
    [FinishReason.LENGTH, "length"],
    [FinishReason.TOOL_CALLS, "tool_calls"],
    [FinishReason.CONTENT_FILTER, "content_filter"],
    [FinishReason.REFUSAL, "content_filter"],
    [FinishReason.PAUSE, "stop"],
    [FinishReason.UNSPECIFIED, "stop"],
  ])("finish reason %i is %s", (reason, word) => {
    expect(chunks(encode([started(), finished(reason)])).at(-1).choices[0].finish_reason).toBe(word);
  });

  it("edge case 59: why the model declined is told as its refusal, unless it said so itself", () => {
    const declined = finished(FinishReason.REFUSAL, 0, "not this");
    expect(deltas(encode([started(), declined]))).toMatchObject([{ refusal: "not this" }, {}]);
    const own: Frame = { case: "refusalDelta", value: "no", choice: 0, part: 0 };
    expect(deltas(encode([started(), own, declined])).map((delta) => delta.refusal)).toEqual(["no", undefined]);
  });

  it("custom tools stream their input, deprecated functions their function_call", () => {
    const value = create(PartStartedSchema, {
      part: create(PartSchema, {
        kind: { case: "toolCall", value: create(ToolCallSchema, { id: "c", name: "n", kind: ToolCallKind.CUSTOM }) },
      }),
    });
    const custom: Frame = { case: "partStarted", value, choice: 0, part: 0 };
    expect(deltas(encode([custom, argumentsDelta("ab", 0)])).flatMap((delta) => delta.tool_calls)).toEqual([
      { index: 0, id: "c", type: "custom", custom: { name: "n", input: "" } },
      { index: 0, custom: { input: "ab" } },
    ]);
    const legacy = { ...plain, legacyFunctions: true };
    const sse = encode([callStarted(0, "a", "f"), argumentsDelta("{}", 0), finished(FinishReason.TOOL_CALLS)], legacy);
    expect(deltas(sse)).toMatchObject([
      { function_call: { name: "f", arguments: "" } },
      { function_call: { arguments: "{}" } },
      {},
    ]);
    expect(chunks(sse).at(-1).choices[0].finish_reason).toBe("function_call");
  });

  it("citations and log probabilities travel with their text", () => {
    const annotation = create(AnnotationSchema, {
      type: "url_citation",
      uri: "https://a.test",
      title: "A",
      start: 0,
      end: 2,
    });
    const logprobs = [create(TokenLogprobSchema, { token: "Hi", raw: new Uint8Array([72, 105]), logprob: -0.5 })];
    const all = chunks(
      encode([
        { ...text("Hi"), logprobs },
        { case: "annotation", value: annotation, choice: 0, part: 0 },
      ]),
    );
    expect(all[0].choices[0].logprobs).toEqual({
      content: [{ token: "Hi", bytes: [72, 105], logprob: -0.5, top_logprobs: [] }],
      refusal: null,
    });
    expect(all[1].choices[0].delta.annotations).toEqual([
      { type: "url_citation", url_citation: { url: "https://a.test", title: "A", start_index: 0, end_index: 2 } },
    ]);
  });

  it("attack 55: content can neither end its line nor forge an event", () => {
    const hostile = 'x\n\ndata: {"choices":[]}\r\n\r\nevent: error\u0085\u2028\u2029data: [DONE]\n\n';
    const sse = encode([text(hostile)]);
    expect(sse.split(/\r\n|[\n\r\u0085\u2028\u2029]/).filter((line) => line !== "")).toHaveLength(1);
    expect(deltas(sse)[0].content).toBe(hostile);
  });
});

describe("proofs of reasoning", () => {
  const reasoning = (part: number, redacted: boolean): Frame => {
    const kind = { case: "reasoning", value: { redacted } } as const;
    return {
      case: "partStarted",
      value: create(PartStartedSchema, { part: create(PartSchema, { kind }) }),
      choice: 0,
      part,
    };
  };
  const proof = (part: number, format: string, data: string): Frame => ({
    case: "partFinished",
    value: create(PartFinishedSchema, {
      proof: create(ProofSchema, { issuer: "anthropic/claude", format, data: new TextEncoder().encode(data) }),
    }),
    choice: 0,
    part,
  });

  it("come once and whole before the end, and what comes back is what was sent", () => {
    const sse = encode([
      started(),
      reasoning(0, false),
      { case: "reasoningDelta", value: "wh", choice: 0, part: 0 },
      { case: "reasoningDelta", value: "y", choice: 0, part: 0 },
      proof(0, "signature", "sig"),
      reasoning(1, true),
      proof(1, "redacted", "hidden"),
      text("x", { part: 2 }),
      finished(),
    ]);
    const all = deltas(sse);
    expect(all.map((delta) => delta.reasoning_content ?? "").join("")).toBe("why");
    const details = all.flatMap((delta) => delta.reasoning_details ?? []);
    expect(details).toEqual([
      { type: "reasoning.text", text: "why", signature: "sig", format: "anthropic/claude", index: 0 },
      { type: "reasoning.encrypted", data: "hidden", format: "anthropic/claude", index: 1 },
    ]);
    const back = requestOf({ messages: [{ role: "assistant", content: "x", reasoning_details: details }] }).messages[0];
    expect(
      back?.parts.map((part) => [part.proof?.issuer, part.proof?.format, new TextDecoder().decode(part.proof?.data)]),
    ).toEqual([
      ["anthropic/claude", "signature", "sig"],
      ["anthropic/claude", "redacted", "hidden"],
      [undefined, undefined, ""],
    ]);
  });

  describe("of calls", () => {
    const data = new TextEncoder().encode("sig");
    const value = create(PartFinishedSchema, { proof: { issuer: "gemini/gemini-3", format: "signature", data } });
    const signed: Frame = { case: "partFinished", value, choice: 0, part: 0 };
    const call = [callStarted(0, "call_1", "f"), argumentsDelta("{}", 0)];
    const proven = { google: { thought_signature: expect.any(String) } };
    const fragments = (sse: string) =>
      deltas(sse)
        .flatMap((delta) => delta.tool_calls ?? [])
        .map((fragment) => [fragment.function?.arguments, fragment.extra_content]);

    it("come with the name where they are known by then, as clients of Google's endpoint expect them", () => {
      expect(fragments(encode([...call, signed, finished()]))).toEqual([
        ["", proven],
        ["{}", undefined],
      ]);
    });

    it("come later in a fragment that has a function, as strict clients demand of every fragment", () => {
      const encoder = createStreamEncoder(plain);
      expect(fragments(encoder.push(call) + encoder.push([signed]) + encoder.push([finished()]))).toEqual([
        ["", undefined],
        ["{}", undefined],
        ["", proven],
      ]);
    });
  });

  it("are not made up: text without a proof is reasoning_content alone", () => {
    const sse = encode([{ case: "reasoningDelta", value: "why", choice: 0, part: 0 }, finished()]);
    expect(sse).not.toContain("reasoning_details");
  });
});

describe("the provider's own bytes", () => {
  const wire = (frames: readonly Frame[], data: string) => withWire(frames, "openai-chat", `data: ${data}\n\n`);

  it("edge case 45: are written untouched, unknown fields and unknown events included", () => {
    const first = wire(
      [started()],
      '{"id":"u","obfuscation":"abc","choices":[{"index":0,"delta":{"role":"assistant"}}]}',
    );
    const second = wire([text("a"), text("b")], '{"x_new":9007199254740993,"choices":[]}');
    const third = wire([], '{"object":"something.new"}');
    const done = wire([completed()], "[DONE]");
    const batch = [...first, ...second, ...third, ...done];
    expect(encode(batch)).toBe([first, second, third, done].map((group) => group[0]?.wire?.text).join(""));
  });

  it("are left when a stage replaced a frame of the event", () => {
    const [a, b] = wire([text("secret"), text("b")], '{"secret":true}');
    const masked = text("[masked]");
    const sse = encode([masked, b ?? masked]);
    expect(sse).not.toContain("secret");
    expect(deltas(sse).map((delta) => delta.content)).toEqual(["[masked]", "b"]);
    expect(a?.wire?.frames).toBe(2);
  });

  it("are left when they are of another dialect, or a whole answer", () => {
    const other = withWire([text("a")], "anthropic-messages", "event: x\ndata: {}\n\n");
    const whole = withWire([text("a")], "openai-chat", '{"object":"chat.completion"}', true);
    for (const frames of [other, whole]) expect(deltas(encode(frames))[0].content).toBe("a");
  });

  it("edge case 23: a usage event is withheld from who did not ask, and passed to who did", () => {
    const end = wire([usage(3, 4)], '{"choices":[],"usage":{"prompt_tokens":3,"x":1}}');
    const batch = [started(), text("x"), finished(), ...end, completed({ input: 3, output: 4 })];
    expect(encode(batch)).not.toContain("prompt_tokens");
    expect(encode(batch, asked).match(/prompt_tokens/g)).toHaveLength(1);
    expect(encode(batch, asked)).toContain('"x":1');
  });

  it("edge case 24: usage beside the finish reason is told in a chunk of its own, or not at all", () => {
    const batch = [
      started(),
      ...wire([finished(), usage(3, 4)], '{"choices":[{}],"usage":{"prompt_tokens":3}}'),
      completed(),
    ];
    expect(encode(batch)).not.toContain("prompt_tokens");
    const all = chunks(encode(batch, asked));
    expect(all.map((chunk) => chunk.usage?.prompt_tokens)).toEqual([undefined, 3, undefined]);
    expect(all[0].choices[0].finish_reason).toBe("stop");
    expect(all[1].choices).toEqual([]);
  });

  it("count for what is made here later: roles are not repeated and tools go on counting", () => {
    const opening = wire([started(), callStarted(0, "a", "f")], '{"first":true}');
    const sse = encode([...opening, callStarted(1, "b", "g")]);
    const [, made] = chunks(sse);
    expect(made.choices[0].delta).toEqual({
      tool_calls: [{ index: 1, id: "b", type: "function", function: { name: "g", arguments: "" } }],
    });
  });
});

describe("a stream that fails", () => {
  it("ends with the error and without [DONE]", () => {
    const encoder = createStreamEncoder(plain);
    encoder.push([started(), text("x")]);
    const sse = encoder.error(new GatewayError("upstream_cut", "The provider\nhung up."));
    expect(chunks(sse)).toEqual([
      { error: { message: "The provider\nhung up.", type: "upstream_error", param: null, code: "upstream_cut" } },
    ]);
  });
});
