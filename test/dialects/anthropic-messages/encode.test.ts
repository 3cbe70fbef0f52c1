import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { ChatResponseSchema } from "../../../gen/trunkline/v1/chat_pb.ts";
import { type Part, PartSchema } from "../../../gen/trunkline/v1/message_pb.ts";
import { FinishReason, PartFinishedSchema, PartStartedSchema } from "../../../gen/trunkline/v1/stream_pb.ts";
import { UsageSchema } from "../../../gen/trunkline/v1/usage_pb.ts";
import { encodeMessagesResponse } from "../../../src/dialects/anthropic-messages/encode-response.ts";
import { createMessagesEncoder } from "../../../src/dialects/anthropic-messages/encode-stream.ts";
import { type Frame, withWire } from "../../../src/domain/chat.ts";
import { GatewayError } from "../../../src/domain/errors.ts";
import { unfold } from "../../../src/domain/fold.ts";
import { callStarted, completed, finished, started, text, usage } from "../../fakes/frames.ts";
import { createRandom } from "../../tooling/random.ts";
import { partsOf } from "./parsing.ts";
import { proofOf as proof, randomParts } from "./random-parts.ts";
import { eventsOf, messageOf } from "./reading.ts";

const end = [finished(), completed({ input: 3, output: 2 })];
const encode = (...frames: Frame[]) => createMessagesEncoder("req_1").push(frames);
const args = (value: string, part: number): Frame => ({ case: "argumentsDelta", value, choice: 0, part });
const thought = (value: string, part: number): Frame => ({ case: "reasoningDelta", value, choice: 0, part });
const partStarted = (part: number, kind: Part["kind"]): Frame => ({
  case: "partStarted",
  value: create(PartStartedSchema, { part: create(PartSchema, { kind }) }),
  choice: 0,
  part,
});
const partFinished = (part: number, given?: ReturnType<typeof proof>): Frame => ({
  case: "partFinished",
  value: create(PartFinishedSchema, given ? { proof: given } : {}),
  choice: 0,
  part,
});
const reasoning = (fields: object = {}): Part["kind"] =>
  create(PartSchema, { kind: { case: "reasoning", value: { text: "", ...fields } } }).kind;
const content = (...frames: Frame[]) => messageOf(encode(started(), ...frames, ...end)).content;

describe("a stream for Messages", () => {
  it("has Anthropic's events in Anthropic's order", () => {
    const sse = encode(started("chatcmpl-1", "sim"), text("Hel"), text("lo"), ...end);
    expect(eventsOf(sse).map(({ type }) => type)).toEqual([
      ...["message_start", "content_block_start", "content_block_delta", "content_block_delta", "content_block_stop"],
      ...["message_delta", "message_stop"],
    ]);
    expect(messageOf(sse)).toMatchObject({
      ...{ id: "msg_chatcmpl1", type: "message", role: "assistant", model: "sim" },
      content: [{ type: "text", text: "Hello" }],
      ...{ stop_reason: "end_turn", stop_sequence: null, stop_details: null },
      usage: { input_tokens: 3, output_tokens: 2 },
    });
  });

  it("edge cases 91 and 92: begins once, with the thinking that came first", () => {
    const frames = [started(), started(), partStarted(0, reasoning()), thought("hm", 0), partFinished(0)];
    expect(content(...frames, text("x", { part: 1 }))).toMatchObject([
      { type: "thinking", thinking: "hm", signature: "" },
      { type: "text", text: "x" },
    ]);
  });

  it("edge case 93: ends the text before a call, and loses nothing of the event between them", () => {
    const blocks = content(text("a"), callStarted(1, "c1", "f"), args('{"x"', 1), args(":1}", 1), partFinished(1));
    expect(blocks).toMatchObject([
      { type: "text", text: "a" },
      { type: "tool_use", id: "c1", name: "f", input: { x: 1 } },
    ]);
  });

  it("edge case 31: gives interleaved calls one after the other, each with its own arguments", () => {
    const blocks = content(
      ...[callStarted(0, "c0", "f"), args('{"a":', 0), callStarted(1, "c1", "g"), args('{"b":', 1), args("1}", 0)],
      ...[args("2}", 1), partFinished(0), partFinished(1)],
    );
    expect(blocks).toMatchObject([
      { id: "c0", input: { a: 1 } },
      { id: "c1", input: { b: 2 } },
    ]);
  });

  it("holds back no more of interleaved calls than its bound", () => {
    const open = [started(), callStarted(0, "c0", "f"), callStarted(1, "c1", "g")];
    const encoder = createMessagesEncoder("req_1");
    encoder.push(open);
    const piece = args("x".repeat(1024 * 1024), 1);
    expect(() => encoder.push(Array(5).fill(piece))).toThrow(/mixed calls/);
  });

  it("edge case 38: has the arguments of a call that came whole", () => {
    const call = create(PartSchema, {
      kind: { case: "toolCall", value: { id: "c", name: "f", arguments: '{"a":1}' } },
    });
    expect(content(partStarted(0, call.kind))).toMatchObject([{ type: "tool_use", input: { a: 1 } }]);
    expect(content(callStarted(0, "c", "f"), partFinished(0))).toMatchObject([{ type: "tool_use", input: {} }]);
  });

  it("edge case 94: tells the counts that come after the finish reason", () => {
    const sse = encode(started(), text("x"), finished(), usage(7, 5), completed());
    expect(messageOf(sse).usage).toMatchObject({ input_tokens: 7, output_tokens: 5 });
  });

  it("edge case 95: ends in an error where the answer was not finished, with no end of a message", () => {
    const encoder = createMessagesEncoder("req_1");
    const sse = encoder.push([started(), text("x")]) + encoder.error(new GatewayError("upstream_cut", "It hung up."));
    const types = eventsOf(sse).map(({ type }) => type);
    expect(types.at(-1)).toBe("error");
    expect(types).not.toContain("message_stop");
    expect(eventsOf(sse).at(-1)).toEqual({
      type: "error",
      error: { type: "api_error", message: "It hung up.", details: { error_code: "upstream_cut" } },
      request_id: "req_1",
    });
  });

  it("edge case 46: says that the model declined, with its words", () => {
    const refused: Frame = { case: "refusalDelta", value: "No.", choice: 0, part: 0 };
    const start = partStarted(0, create(PartSchema, { kind: { case: "refusal", value: {} } }).kind);
    expect(messageOf(encode(started(), start, refused, ...end))).toMatchObject({
      content: [{ type: "text", text: "No." }],
      stop_reason: "refusal",
      stop_details: { type: "refusal", category: null, explanation: null },
    });
  });

  it.each([
    [FinishReason.LENGTH, "max_tokens"],
    [FinishReason.TOOL_CALLS, "tool_use"],
    [FinishReason.CONTENT_FILTER, "refusal"],
    [FinishReason.PAUSE, "pause_turn"],
    [FinishReason.UNSPECIFIED, "end_turn"],
  ])("ends with reason %s as %s", (reason, stop) => {
    expect(messageOf(encode(started(), finished(reason), completed())).stop_reason).toBe(stop);
  });

  it("tells no characters that readers may take for the end of a line", () => {
    const sse = encode(started(), text("a\u2028b\u0085c\nd"), ...end);
    expect(sse).not.toMatch(/[\u2028\u0085]/);
    expect(messageOf(sse).content[0].text).toBe("a\u2028b\u0085c\nd");
  });
});

describe("proofs", () => {
  it("of Anthropic stand where Anthropic puts them", () => {
    const blocks = content(
      ...[partStarted(0, reasoning()), thought("hm", 0), partFinished(0, proof("anthropic/claude-opus", "sig"))],
      ...[partStarted(1, reasoning({ redacted: true })), partFinished(1, proof("anthropic", "xyz", "redacted"))],
    );
    expect(blocks).toEqual([
      { type: "thinking", thinking: "hm", signature: "sig" },
      { type: "redacted_thinking", data: "xyz" },
    ]);
  });

  it("of another provider survive the way through a client, streamed and whole", () => {
    const signed = proof("gemini", "\u0000thought");
    const frames = [
      ...[partStarted(0, reasoning()), thought("hm", 0), partFinished(0, signed)],
      ...[text("x", { part: 1 }), partFinished(1, proof("gemini", "of text"))],
      ...[callStarted(2, "c1", "f"), args("{}", 2), callStarted(3, "c2", "g"), args("{}", 3)],
      ...[partFinished(2, proof("gemini", "of c1")), partFinished(3)],
    ];
    const parts = partsOf(content(...frames), "assistant");
    expect(parts.map(({ kind, proof: given }) => [kind.case, given && Buffer.from(given.data).toString()])).toEqual([
      ["reasoning", "\u0000thought"],
      ["text", "of text"],
      ["toolCall", "of c1"],
      ["toolCall", undefined],
    ]);
    expect(parts[0]?.proof).toEqual(signed);
  });

  it("that were changed on the way are refused, and not guessed at", () => {
    const [block] = content(partStarted(0, reasoning({ redacted: true })), partFinished(0, proof("gemini", "abc")));
    for (const data of [`${block.data.slice(0, 20)}`, "trunkline:", `trunkline:${"A".repeat(50)}`]) {
      expect(() => partsOf([{ type: "redacted_thinking", data }], "assistant")).toThrow(/sent back as it was received/);
    }
    const nested = Buffer.from(`${"\x5a\x7f".repeat(2_000)}`).toString("base64url");
    expect(() => partsOf([{ type: "redacted_thinking", data: `trunkline:${nested}` }], "assistant")).toThrow(
      GatewayError,
    );
  });
});

describe("what came from Anthropic as it was", () => {
  const wired = (type: string, fields: object, frames: Frame[]) =>
    withWire(frames, "anthropic-messages", `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`);
  const message = { id: "msg_1", type: "message", role: "assistant", model: "m", content: [], usage: {}, novel: 1 };
  const stream = [
    wired("message_start", { message }, [started("msg_1")]),
    wired("ping", {}, []),
    wired("content_block_start", { index: 0, content_block: { type: "text", text: "", novel: 2 } }, []),
    wired("content_block_delta", { index: 0, delta: { type: "text_delta", text: "secret" } }, [text("secret")]),
    wired("content_block_delta", { index: 0, delta: { type: "text_delta", text: "!" } }, [text("!")]),
    wired("content_block_stop", { index: 0 }, []),
    wired("message_delta", { delta: { stop_reason: "end_turn", novel3: 3 }, usage: { output_tokens: 2 } }, [
      finished(),
    ]),
    wired("message_stop", {}, [completed()]),
  ];
  const wires = (frames: readonly (readonly Frame[])[]) => frames.map(([frame]) => frame?.wire?.text ?? "").join("");

  it("is written byte for byte, however it is batched", () => {
    expect(createMessagesEncoder("r").push(stream.flat())).toBe(wires(stream));
    const encoder = createMessagesEncoder("r");
    expect(stream.map((frames) => encoder.push(frames)).join("")).toBe(wires(stream));
  });

  it("stays so around a text that a stage replaced", () => {
    const masked = stream.map((frames, i) => (i === 3 ? [text("[masked]")] : frames));
    const sse = createMessagesEncoder("r").push(masked.flat());
    expect(messageOf(sse)).toMatchObject({ novel: 1, content: [{ text: "[masked]!", novel: 2 }] });
    expect(sse).toContain('"novel3":3');
  });

  it("is written anew from the first event on that was replaced by something else", () => {
    const call = [callStarted(1, "c", "f"), args("{}", 1), partFinished(1)];
    const changed = [...stream.slice(0, 4), call, ...stream.slice(4)].filter((_, i) => i !== 5);
    expect(messageOf(createMessagesEncoder("r").push(changed.flat()))).toMatchObject({
      content: [
        { type: "text", text: "secret" },
        { type: "tool_use", id: "c" },
      ],
      stop_reason: "end_turn",
    });
  });

  it("goes on from a provider that broke off", () => {
    const rest = [text(" and more"), ...end];
    const sse = createMessagesEncoder("r").push([...stream.slice(0, 4).flat(), ...rest]);
    expect(messageOf(sse).content).toMatchObject([{ type: "text", text: "secret and more" }]);
  });
});

describe("a whole answer", () => {
  const response = (parts: Part[], more: object = {}) =>
    create(ChatResponseSchema, {
      ...{ id: "msg_7", model: "m", choices: [{ message: { role: 4, parts }, finishReason: FinishReason.STOP }] },
      ...more,
    });
  const part = (kind: Part["kind"], more: object = {}) => create(PartSchema, { kind, ...more });

  it("counts the prompt without what was cached, as edge case 63 has it", () => {
    const counts = create(UsageSchema, {
      ...{ inputTokens: 10_007, outputTokens: 5, cacheReadTokens: 9_000, cacheWriteTokens: 1_000, reasoningTokens: 2 },
      cacheWriteByTtl: [{ ttl: { seconds: 3_600n }, tokens: 1_000 }],
      hostedToolUses: [{ type: "web_search", count: 2 }],
    });
    expect(JSON.parse(encodeMessagesResponse(response([], { usage: counts, serviceTier: "default" }))).usage).toEqual({
      ...{ input_tokens: 7, output_tokens: 5, cache_read_input_tokens: 9_000, cache_creation_input_tokens: 1_000 },
      cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 1_000 },
      output_tokens_details: { thinking_tokens: 2 },
      server_tool_use: { web_search_requests: 2, web_fetch_requests: 0 },
      ...{ service_tier: "standard", inference_geo: null, speed: null },
    });
  });

  it("has arguments that are no object in one, and big numbers as they are", () => {
    const call = (text: string) => part({ case: "toolCall", value: { id: "c", name: "f", arguments: text } } as never);
    const json = encodeMessagesResponse(response([call('{"a":90071992547409931}'), call('{"a":'), call("")]));
    expect(json).toContain('"input":{"a":90071992547409931}');
    expect(JSON.parse(json).content.slice(1)).toMatchObject([{ input: { raw_arguments: '{"a":' } }, { input: {} }]);
  });

  it("cites pages of the web as Anthropic does, whoever found them, and takes that back as somebody else's", () => {
    const annotations = [{ type: "url_citation", uri: "https://x.example", title: "X", citedText: "c", end: 1 }];
    const cited = part({ case: "text", value: "t" }, { annotations });
    const [block] = JSON.parse(encodeMessagesResponse(response([cited]))).content;
    expect(block.citations).toMatchObject([{ type: "web_search_result_location", url: "https://x.example" }]);
    expect(partsOf([block], "assistant")[0]?.annotations).toMatchObject([{ type: "url_citation", title: "X" }]);
  });

  it("is what its stream adds up to, and comes back from a client as it was", () => {
    const random = createRandom(7);
    for (let round = 0; round < 300; round++) {
      const parts = randomParts(random);
      const answer = response(parts);
      const whole = JSON.parse(encodeMessagesResponse(answer));
      const streamed = messageOf(createMessagesEncoder("r").push(unfold(answer)));
      expect(streamed.content).toEqual(whole.content);
      expect(streamed).toMatchObject({ id: whole.id, stop_reason: whole.stop_reason });
      expect(partsOf(whole.content, "assistant")).toEqual(parts);
    }
  });
});
