import { type Answer, type AnswerCall, compose } from "../compose.ts";
import type { Exchange, Reply, StreamEvent } from "../exchange.ts";
import { countTokens } from "../tokens.ts";
import type { ChatAsk } from "./chat-request.ts";
import { logprobsOf } from "./logprobs.ts";
import { usageOf } from "./usage.ts";

/** Answers a chat completions request, whole or as a stream. */
export function answerChat(ask: ChatAsk, exchange: Exchange): Reply {
  const answer = compose(ask.prompt);
  const id = `chatcmpl-simulated-${exchange.sequence}`;
  const created = Math.floor(exchange.now / 1000);
  const head = { id, created, model: ask.model, service_tier: ask.serviceTier, system_fingerprint: "simulated" };
  const usage = usageOf(ask, answer, exchange.cache);
  const shown = ask.showsReasoning ? answer : { ...answer, reasoning: [] };
  const headers = headersOf(exchange);
  if (ask.stream) {
    const errorEvent = sse({
      error: { message: "This failure is simulated.", type: "server_error", param: null, code: null },
    });
    return { headers, events: events(ask, shown, head, usage), errorEvent };
  }
  const choices = Array.from({ length: ask.choices }, (_, index) => ({
    index,
    message: messageOf(shown, id),
    logprobs: ask.topLogprobs === null ? null : logprobsOf(answer, ask.topLogprobs),
    finish_reason: finishOf(answer),
  }));
  return { status: 200, headers, body: { ...head, object: "chat.completion", choices, usage } };
}

const requestsAMinute = 10_000;
const tokensAMinute = 2_000_000;

/** @returns headers of every answer, with limits that are never reached */
export function headersOf({ requestId }: Exchange): Record<string, string> {
  return {
    "x-request-id": requestId,
    "openai-processing-ms": "1",
    "openai-version": "2020-10-01",
    "x-ratelimit-limit-requests": String(requestsAMinute),
    "x-ratelimit-limit-tokens": String(tokensAMinute),
    "x-ratelimit-remaining-requests": String(requestsAMinute - 1),
    "x-ratelimit-remaining-tokens": String(tokensAMinute - countTokens(requestId)),
    "x-ratelimit-reset-requests": "6ms",
    "x-ratelimit-reset-tokens": "0s",
  };
}

function finishOf({ finish }: Answer): string {
  // OpenAI tells neither which sequence stopped it, nor by a reason of its own that it refused.
  return finish === "stop_sequence" || finish === "refusal" ? "stop" : finish;
}

function messageOf(answer: Answer, id: string): Record<string, unknown> {
  const text = answer.text.join("");
  const reasoning = answer.reasoning.join("");
  return {
    role: "assistant",
    content: answer.calls.length > 0 || answer.finish === "refusal" ? null : text,
    refusal: answer.refusal.length > 0 ? answer.refusal.join("") : null,
    annotations: [],
    // Not OpenAI's own: the form in which compatible servers show it.
    ...(reasoning === "" ? {} : { reasoning_content: reasoning }),
    ...(answer.calls.length === 0
      ? {}
      : { tool_calls: answer.calls.map((call, index) => callHead(call, id, index, call.input.join(""))) }),
  };
}

function callHead({ name, json }: AnswerCall, id: string, index: number, input: string): Record<string, unknown> {
  const callId = `call_${id.slice("chatcmpl-".length)}_${index}`;
  return json
    ? { id: callId, type: "function", function: { name, arguments: input } }
    : { id: callId, type: "custom", custom: { name, input } };
}

type Head = Readonly<Record<string, unknown>> & { readonly id: string };

function* events(ask: ChatAsk, answer: Answer, head: Head, usage: object): Generator<StreamEvent> {
  const withheld = ask.includeUsage ? { usage: null } : {};
  const chunk = (choices: readonly object[], more: object = withheld) =>
    sse({ ...head, object: "chat.completion.chunk", choices, ...more });

  const everyChoice = Array.from({ length: ask.choices }, (_, index) => index);
  const step = (delta: object, token: boolean, more: object = {}): readonly StreamEvent[] =>
    everyChoice.map((index) => ({
      text: chunk([{ index, delta, logprobs: null, finish_reason: null, ...more }]),
      token,
    }));

  yield* step({ role: "assistant", content: answer.calls.length > 0 ? null : "", refusal: null }, false);
  for (const piece of answer.reasoning) yield* step({ reasoning_content: piece }, true);
  for (const piece of answer.refusal) yield* step({ refusal: piece }, true);
  for (const [position, content] of answer.text.entries()) {
    const logprobs = ask.topLogprobs === null ? null : logprobsOf(answer, ask.topLogprobs, position);
    yield* step({ content }, true, { logprobs });
  }
  for (const [index, call] of answer.calls.entries()) {
    yield* step({ tool_calls: [{ index, ...callHead(call, head.id, index, "") }] }, false);
    for (const piece of call.input) {
      const part = call.json ? { function: { arguments: piece } } : { custom: { input: piece } };
      yield* step({ tool_calls: [{ index, ...part }] }, true);
    }
  }
  yield* step({}, false, { finish_reason: finishOf(answer) });
  if (ask.includeUsage) yield { text: chunk([], { usage }), token: false };
  yield { text: "data: [DONE]\n\n", token: false };
}

function sse(data: object): string {
  return `data: ${JSON.stringify(data)}\n\n`;
}
