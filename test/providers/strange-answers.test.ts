import { describe, expect, it } from "vitest";
import type { ChatResponse } from "../../gen/trunkline/v1/chat_pb.ts";
import type { GatewayError } from "../../src/domain/errors.ts";
import { createFold } from "../../src/domain/fold.ts";
import { providerOf } from "../../src/providers/catalog.ts";
import { randomFrom } from "../domain/random-messages.ts";
import { type Answered, checkAnswer, readStreamed, readWhole } from "../fuzz/answers.ts";
import { tellCallers } from "../fuzz/edges.ts";

/** What fuzzing found: answers that no provider should give, and that made a caller's answer fail or lie. */

function memoryOf(kind: string) {
  const base = { name: `${kind}/m`, instance: kind, provider: kind, model: "m", wire: "repair" as const };
  return { target: { ...base, facts: {} }, stream: true };
}

function told(answered: Answered, bytes: number): Answered {
  checkAnswer(answered, bytes);
  tellCallers(answered.frames, answered.failure, randomFrom(1));
  return answered;
}

function whole(kind: string, answer: unknown): Answered {
  const text = typeof answer === "string" ? answer : JSON.stringify(answer);
  return told(readWhole(providerOf(kind), memoryOf(kind), text), text.length);
}

function streamed(kind: string, ...events: readonly unknown[]): Answered {
  const lines = events.map((event) => `data: ${typeof event === "string" ? event : JSON.stringify(event)}\n\n`);
  const bytes = Buffer.from(lines.join(""));
  return told(readStreamed(providerOf(kind), memoryOf(kind), [bytes], "sse"), bytes.length);
}

function answerOf({ frames, failure }: Answered): ChatResponse {
  if (failure) throw failure;
  const fold = createFold();
  fold.push(frames);
  return fold.response("r");
}

const completion = (message: object, more: object = {}) => ({
  ...{ id: "c", object: "chat.completion", created: 1, model: "m" },
  choices: [{ index: 0, message: { role: "assistant", content: "x", ...message }, finish_reason: "stop" }],
  ...more,
});
const deep = `${"[".repeat(20_000)}${"]".repeat(20_000)}`;

describe("an answer that nests deeper than any stack", () => {
  it.each([
    ["openai", '{"choices":[{"message":{"tool_calls":[{"function":{"name":"f","arguments":DEEP}}]}}]}'],
    ["anthropic", '{"content":[{"type":"tool_use","id":"t","name":"f","input":DEEP}],"stop_reason":"end_turn"}'],
    ["gemini", '[{"candidates":[{"content":{"parts":[{"text":DEEP}]}}]}]'],
    ["ollama", '{"message":{"content":"x"},"done":true,"new":DEEP}'],
    ["cohere", '{"message":{"content":DEEP},"finish_reason":"COMPLETE"}'],
  ])("is a typed error of %s", (kind, text) => {
    expect(whole(kind, text.replace("DEEP", deep)).failure?.code).toBe("upstream_error");
    const refusal = { status: 500, headers: {}, body: `{"error":{"message":${deep}}}` };
    expect(providerOf(kind).fromError(refusal, memoryOf(kind)).message).toBe("The provider answered with HTTP 500.");
  });
});

describe("a chat completion", () => {
  it("without any choice is no answer, whole or streamed", () => {
    const refusals: readonly (GatewayError | null)[] = [
      whole("openai", completion({}, { choices: [] })).failure,
      streamed("openai", { id: "c", choices: [] }, "[DONE]").failure,
    ];
    expect(refusals.map((refusal) => refusal?.code)).toEqual(["upstream_error", "upstream_error"]);
  });

  it("that begins with its usage begins all the same", () => {
    const chunk = { choices: [{ index: 0, delta: { content: "x" }, finish_reason: "stop" }] };
    const answer = answerOf(streamed("openai", { usage: { prompt_tokens: 3 } }, chunk, "[DONE]"));
    expect(answer.usage?.inputTokens).toBe(3);
  });

  it("may cite before it says a word", () => {
    const annotations = [{ type: "url_citation", url_citation: { url: "https://a.example", start_index: 0.25 } }];
    const answer = answerOf(whole("openai", completion({ content: "", annotations })));
    expect(answer.choices[0]?.message?.parts[0]?.annotations[0]?.uri).toBe("https://a.example");
  });

  it("made in no year that a calendar has is made at no time that it tells", () => {
    for (const created of [2 ** 50, 1e300, -(2 ** 50)]) {
      expect(Number(answerOf(whole("openai", completion({}, { created }))).created?.seconds)).toBe(0);
    }
  });

  it("may cost more than there is, which is no price", () => {
    const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2, cost: "C" };
    const text = JSON.stringify(completion({}, { usage })).replace('"C"', "1e999");
    expect(answerOf(whole("openrouter", text)).usage?.costNanoUsd).toBeUndefined();
  });

  it("that counts beyond an int32 counts nothing", () => {
    const usage = { prompt_tokens: 2 ** 31 - 1, completion_tokens: 2 ** 31 - 1, total_tokens: 7 };
    expect(answerOf(whole("xai", completion({}, { usage }))).usage?.inputTokens).toBeUndefined();
  });

  it("is refused with faults at places that are no places", () => {
    const detail = [{ loc: [JSON.parse('{"toString":null}'), "body", "messages", 0], msg: "no" }];
    const refusal = { status: 422, headers: {}, body: JSON.stringify({ detail }) };
    expect(providerOf("mistral").fromError(refusal, memoryOf("mistral")).message).toContain("no: messages.0");
  });
});

describe("what is no chat", () => {
  const reply = (answer: string) => ({ status: 200, headers: {}, body: answer });

  it.each([
    ["openai", '{"data":[{"embedding":[1,1e308]}]}'],
    ["gemini", '{"embeddings":[{"values":[1e308]}]}'],
    ["ollama", '{"embeddings":[[-1e308]]}'],
    ["cohere", '{"embeddings":{"float":[[1e308]]}}'],
  ])("a vector of %s with numbers beyond 32-bit floats is unreadable", (kind, answer) => {
    const read = () => providerOf(kind).embeddings?.fromResponse(reply(answer), memoryOf(kind));
    expect(read).toThrow("no readable embeddings");
  });

  it("a context window beyond an int32 is none", () => {
    const detail = providerOf("ollama").models?.detail;
    expect(detail?.fromResponse(reply('{"model_info":{"x.context_length":4294967296}}'))).toEqual({});
  });
});

describe("an answer of others", () => {
  it("Gemini begins with its usage, or in no year", () => {
    const rest = { responseId: "r", candidates: [{ content: { parts: [{ text: "x" }] }, finishReason: "STOP" }] };
    for (const first of [{ usageMetadata: { promptTokenCount: 3 } }, { createTime: "+099999-01-01T00:00:00Z" }]) {
      expect(answerOf(streamed("gemini", first, rest)).choices).toHaveLength(1);
      expect(answerOf(whole("gemini", { ...rest, ...first })).choices).toHaveLength(1);
    }
  });

  it("Cohere has token ids that are no int32", () => {
    const logprobs = [{ text: "x", token_ids: [2 ** 32], logprobs: [-1] }];
    const message = { role: "assistant", content: [{ type: "text", text: "x" }] };
    const answer = answerOf(whole("cohere", { id: "c", finish_reason: "COMPLETE", message, logprobs }));
    expect(answer.choices[0]?.logprobs[0]?.tokenId).toBeUndefined();
  });

  it("Anthropic cuts off the input of its own tool, which stays what it is: a text", () => {
    const begun = { type: "server_tool_use", id: "srvtoolu_1", name: "web_search", input: {} };
    const piece = { type: "input_json_delta", partial_json: '{"query":"wea' };
    const answer = answerOf(
      streamed(
        "anthropic",
        { type: "message_start", message: { id: "m", model: "m", usage: { input_tokens: 1, output_tokens: 1 } } },
        { type: "content_block_start", index: 0, content_block: begun },
        { type: "content_block_delta", index: 0, delta: piece },
        { type: "content_block_stop", index: 0 },
        { type: "message_delta", delta: { stop_reason: "max_tokens" }, usage: { output_tokens: 9 } },
        { type: "message_stop" },
      ),
    );
    const kind = answer.choices[0]?.message?.parts[0]?.kind;
    expect(kind?.case === "hostedCall" && kind.value.inputJson).toBe('{"raw_arguments":"{\\"query\\":\\"wea"}');
  });

  it("Ollama was made in no year", () => {
    const line = { model: "m", created_at: "+099999-01-01T00:00:00Z", message: { content: "x" }, done: true };
    expect(answerOf(whole("ollama", line)).id).toMatch(/^ollama-/);
  });
});
