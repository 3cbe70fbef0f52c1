import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { PartSchema, Role, ToolCallKind } from "../../../gen/trunkline/v1/message_pb.ts";
import { FinishReason, PartFinishedSchema, PartStartedSchema } from "../../../gen/trunkline/v1/stream_pb.ts";
import { ResponseDecoder } from "../../../src/dialects/openai-responses/decode-answer.ts";
import { createResponsesEncoder } from "../../../src/dialects/openai-responses/encode-stream.ts";
import { blankChatResponse, blankChoice, chatMessage } from "../../../src/domain/blank.ts";
import type { Frame } from "../../../src/domain/chat.ts";
import { GatewayError } from "../../../src/domain/errors.ts";
import { unfold } from "../../../src/domain/fold.ts";
import { callStarted, completed, finished, started, text } from "../../fakes/frames.ts";
import { createRandom } from "../../tooling/random.ts";
import { proofOf, randomParts } from "../anthropic-messages/random-parts.ts";
import { encode, type Json, parse } from "./reading.ts";

const end = [finished(), completed({ input: 1, output: 2 })];
const args = (value: string, part: number): Frame => ({ case: "argumentsDelta", value, choice: 0, part });
const typesOf = (events: Json[]) => events.map(({ type }) => type.replace("response.", ""));

/** What must hold for every stream: numbers, places and ids that agree from an item's first event to its last. */
function checkGrammar(events: Json[]): void {
  expect(events.map(({ sequence_number }) => sequence_number)).toEqual(events.map((_, i) => i));
  const items = new Map<number, { id: string; done: boolean }>();
  for (const event of events) {
    if (event.type === "response.output_item.added") {
      expect(items.has(event.output_index)).toBe(false);
      expect([...items.values()].some(({ id }) => id === event.item.id)).toBe(false);
      items.set(event.output_index, { id: event.item.id, done: false });
    } else if (event.output_index !== undefined) {
      const item = items.get(event.output_index);
      expect(item).toMatchObject({ id: event.item_id ?? event.item.id, done: false });
      if (item && event.type === "response.output_item.done") item.done = true;
    }
  }
  expect([...items.values()].every(({ done }) => done)).toBe(true);
  const { output } = events.at(-1).response;
  expect(output.map(({ id }: Json) => id)).toEqual([...items].sort(([a], [b]) => a - b).map(([, { id }]) => id));
}

describe("a stream of Responses", () => {
  it("edge cases 135 to 137: has its events in order, content_index from 0 in each item, and ends with all of it", () => {
    const { events, answer } = encode([[started()], [text("Hel"), text("lo")], end]);
    expect(typesOf(events)).toEqual([
      ...[
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
      ],
      ...["output_text.done", "content_part.done", "output_item.done", "completed"],
    ]);
    checkGrammar(events);
    expect(answer).toEqual(events.at(-1).response);
    expect(answer).toMatchObject({
      ...{ id: "resp_chat-1", object: "response", model: "sim-1", status: "completed", error: null },
      output: [{ type: "message", role: "assistant", content: [{ type: "output_text", text: "Hello" }] }],
      usage: { input_tokens: 1, output_tokens: 2, total_tokens: 3 },
    });
    const calls = [callStarted(0, "a", "f"), callStarted(1, "b", "f"), callStarted(2, "c", "f")];
    const late = encode([[started(), ...calls, text("x", { part: 3 }), ...end]]).events;
    expect(late.find(({ type }) => type === "response.output_text.delta")).toMatchObject({
      output_index: 3,
      content_index: 0,
    });
    checkGrammar(late);
  });

  it("edge case 31: keeps the arguments of calls apart that come by turns", () => {
    const { events, answer } = encode([
      [started(), callStarted(0, "a", "f"), callStarted(1, "b", "g")],
      [args('{"x"', 0), args('{"y"', 1), args(":1}", 0), args(":2}", 1)],
      end,
    ]);
    checkGrammar(events);
    expect(answer.output.map((item: Json) => [item.call_id, item.arguments])).toEqual([
      ["a", '{"x":1}'],
      ["b", '{"y":2}'],
    ]);
  });

  it("edge case 46: tells a refusal as one", () => {
    const refusal: Frame = { case: "refusalDelta", value: "No.", choice: 0, part: 0 };
    const { events, answer } = encode([[started(), refusal, ...end]]);
    expect(typesOf(events)).toContain("refusal.delta");
    expect(answer.output[0].content).toEqual([{ type: "refusal", refusal: "No." }]);
  });

  it.each([
    [FinishReason.LENGTH, "max_output_tokens"],
    [FinishReason.CONTENT_FILTER, "content_filter"],
  ])("edge case 142: ends incomplete for finish reason %s", (reason, told) => {
    const { events, answer } = encode([[started(), text("x"), finished(reason), completed()]]);
    expect(events.at(-1).type).toBe("response.incomplete");
    expect(answer).toMatchObject({ status: "incomplete", incomplete_details: { reason: told } });
    expect(answer.output[0].status).toBe("incomplete");
  });

  it("edge case 142: fails with response.failed, and is no whole answer", () => {
    const encoder = createResponsesEncoder({ echo: {} }, "req_1");
    encoder.push([started(), text("x")]);
    const failed = encoder.error(new GatewayError("upstream_cut", "It hung up."));
    expect(JSON.parse(failed.split("data: ")[1] ?? "")).toMatchObject({
      type: "response.failed",
      response: { status: "failed", error: { code: "upstream_cut", message: "It hung up." } },
    });
    expect(encoder.answer).toBeNull();
  });

  it("goes on with a new item when text comes after its message ended", () => {
    const { events, answer } = encode([[started(), text("a"), callStarted(1, "c", "f"), text("b"), ...end]]);
    checkGrammar(events);
    expect(answer.output.map(({ type }: Json) => type)).toEqual(["message", "function_call", "message"]);
  });

  it("is numbered on where a provider's own events stand between others, and says what was replaced only once", () => {
    const decoder = new ResponseDecoder({
      kind: "openai",
      failure: () => new GatewayError("internal", ""),
      providerData: false,
    });
    const own = ownEvents();
    const batches = own.map(({ name, data, wire }) => decoder.pushEvent(name, data, wire));
    const untouched = createResponsesEncoder({ echo: {} }, "req_1");
    const written = batches.map((frames) => untouched.push(frames)).join("");
    expect(written).toBe(own.map(({ wire }) => wire).join(""));
    expect(JSON.parse(untouched.answer ?? "null")).toMatchObject({ id: "resp_9", extra: "kept" });
    // A stage that replaces one delta: later events must not repeat what it took out.
    const masked = batches.map((frames) =>
      frames.map((frame): Frame => {
        if (frame.case !== "textDelta") return frame;
        const { wire: _, ...bare } = frame;
        return { ...bare, value: "***" };
      }),
    );
    const { events, text: all, answer } = encode(masked);
    checkGrammar(events);
    expect(all).not.toContain("secret");
    expect(answer).toMatchObject({ id: "resp_9", output: [{ id: "msg_9", content: [{ text: "***" }] }] });
  });
});

/** What OpenAI would send for one message, with a member that nobody knows. */
function ownEvents() {
  const head = { id: "resp_9", object: "response", model: "gpt", created_at: 1, extra: "kept", output: [] };
  const at = { output_index: 0, item_id: "msg_9", content_index: 0 };
  const part = { type: "output_text", text: "secret", annotations: [] };
  const item = { id: "msg_9", type: "message", role: "assistant", status: "completed", content: [part] };
  return [
    { type: "response.created", response: { ...head, status: "in_progress" } },
    { type: "response.in_progress", response: { ...head, status: "in_progress" } },
    { type: "response.output_item.added", output_index: 0, item: { ...item, content: [] } },
    { type: "response.content_part.added", ...at, part: { ...part, text: "" } },
    { type: "response.output_text.delta", ...at, delta: "secret" },
    { type: "response.newer_than_us", ...at },
    { type: "response.output_text.done", ...at, text: "secret" },
    { type: "response.content_part.done", ...at, part },
    { type: "response.output_item.done", output_index: 0, item },
    { type: "response.completed", response: { ...head, status: "completed", output: [item] } },
  ].map(({ type, ...members }, sequence_number) => {
    const data = JSON.stringify({ type, sequence_number, ...members });
    return { name: type, data, wire: `event: ${type}\ndata: ${data}\n\n` };
  });
}

describe("an answer that is sent back as input", () => {
  it("is what it was, other providers' proofs included, whatever parts it had", () => {
    const random = createRandom(7);
    let proofs = 0;
    for (let i = 0; i < 400; i++) {
      const parts = randomParts(random).filter((part) => part.kind.case !== "image");
      const choice = blankChoice(0);
      choice.message = chatMessage(Role.ASSISTANT, parts);
      const frames = unfold({ ...blankChatResponse(), id: `a${i}`, choices: [choice] });
      const { answer, events } = encode([frames]);
      checkGrammar(events);
      if (answer.output.length === 0) continue;
      const back =
        parse({ input: [{ role: "user", content: "?" }, ...answer.output] }).call.request.messages[1]?.parts ?? [];
      expect(back.map(seen)).toEqual(parts.map(seen));
      proofs += back.filter(({ proof }) => proof).length;
    }
    expect(proofs).toBeGreaterThan(100);
  });

  it("gives a proof back to its call that came when the call had ended", () => {
    const proof = proofOf("gemini", "sig");
    const closed: Frame = { case: "partFinished", value: create(PartFinishedSchema, { proof }), choice: 0, part: 0 };
    const { answer } = encode([[started(), callStarted(0, "c1", "f"), args("{}", 0), closed, ...end]]);
    const back = parse({ input: answer.output }).call.request.messages[0]?.parts ?? [];
    expect(back).toHaveLength(1);
    expect(back[0]?.proof).toEqual(proof);
  });

  it("keeps free text of custom tools", () => {
    const kind = { case: "toolCall", value: { id: "c", name: "t", kind: ToolCallKind.CUSTOM } } as const;
    const value = create(PartStartedSchema, { part: create(PartSchema, { kind }) });
    const { answer } = encode([
      [started(), { case: "partStarted", value, choice: 0, part: 0 }, args("free\ntext", 0), ...end],
    ]);
    expect(answer.output).toMatchObject([{ type: "custom_tool_call", call_id: "c", name: "t", input: "free\ntext" }]);
  });
});

/** A part by what must survive. What was a summary comes back as the text that clients saw. */
function seen(part: ReturnType<typeof randomParts>[number]) {
  const { kind, proof } = part;
  const issuer = proof?.issuer === "openai" ? "openai/responses" : proof?.issuer;
  const proven = kind.case === "text" && issuer === "openai/responses" ? undefined : issuer;
  const bytes = proven && proof ? Buffer.from(proof.data).toString() : undefined;
  switch (kind.case) {
    case "reasoning": {
      const { text: words, summary, redacted } = kind.value;
      const isOwn = issuer === "openai/responses";
      return { case: "reasoning", words: words || summary.join("\n\n"), redacted: redacted && !isOwn, issuer, bytes };
    }
    case "toolCall": {
      const { id, name, arguments: given, callerJson } = kind.value;
      return { case: "toolCall", id, name, given, callerJson, issuer, bytes };
    }
    case "text":
      return { case: "text", words: kind.value, issuer: proven, bytes };
    default:
      return { case: kind.case };
  }
}
