import { type Answer, type AnswerCall, compose } from "../compose.ts";
import type { Exchange, Reply, StreamEvent } from "../exchange.ts";
import { isJsonObject } from "../json.ts";
import type { ChatAsk } from "./chat-request.ts";

/** Answers an `/api/chat` request, whole or line by line. */
export function answerChat(ask: ChatAsk, exchange: Exchange): Reply {
  // The clock of the server has nanoseconds; these differ from answer to answer.
  const createdAt = `${new Date(exchange.now).toISOString().slice(0, -1)}${String(exchange.sequence % 1e6).padStart(6, "0")}Z`;
  const head = { model: ask.model, created_at: createdAt };
  if (ask.prompt === null) {
    const reason = ask.unloads ? "unload" : "load";
    const body = { ...head, message: { role: "assistant", content: "" }, done_reason: reason, done: true };
    return { status: 200, headers: {}, body };
  }
  const answer = compose(ask.prompt);
  const ending = endingOf(ask, answer, exchange);
  if (ask.stream) {
    const errorEvent = line({ error: "This failure is simulated." });
    return { contentType: "application/x-ndjson", headers: {}, events: lines(ask, answer, head, ending), errorEvent };
  }
  const logprobs = ask.topLogprobs === null ? {} : { logprobs: spoken(answer).map((token) => logprob(token, ask)) };
  return { status: 200, headers: {}, body: { ...head, message: messageOf(answer), ...logprobs, ...ending } };
}

function spoken({ text, refusal }: Answer): readonly string[] {
  return [...text, ...refusal];
}

function messageOf(answer: Answer): object {
  const thinking = answer.reasoning.join("");
  return {
    role: "assistant",
    content: spoken(answer).join(""),
    ...(thinking !== "" && { thinking }),
    ...(answer.calls.length > 0 && { tool_calls: answer.calls.map(callOf) }),
  };
}

function callOf({ name, input }: AnswerCall, index: number): object {
  const text = input.join("");
  return { function: { index, name, arguments: isJsonObject(text) ? JSON.parse(text) : { input: text } } };
}

/** A call ends with `stop` as a text does; a prompt that is in the cache is not counted. */
function endingOf({ promptText, promptTokens, model }: ChatAsk, answer: Answer, { cache }: Exchange): object {
  const parts = [answer.reasoning, answer.text, answer.refusal, ...answer.calls.map(({ input }) => input)];
  const isCached = cache.visit(`ollama\n${model}\n${promptText}`);
  return {
    done: true,
    done_reason: answer.finish === "length" ? "length" : "stop",
    total_duration: 5_000_000,
    load_duration: 1_000_000,
    ...(!isCached && { prompt_eval_count: promptTokens }),
    prompt_eval_duration: 1_000_000,
    eval_count: parts.reduce((sum, tokens) => sum + tokens.length, 0),
    eval_duration: 3_000_000,
  };
}

function* lines(ask: ChatAsk, answer: Answer, head: object, ending: object): Generator<StreamEvent> {
  const say = (message: object, more: object = {}) =>
    line({ ...head, message: { role: "assistant", content: "", ...message }, done: false, ...more });
  for (const thinking of answer.reasoning) yield { text: say({ thinking }), token: true };
  for (const content of spoken(answer)) {
    const logprobs = ask.topLogprobs === null ? {} : { logprobs: [logprob(content, ask)] };
    yield { text: say({ content }, logprobs), token: true };
  }
  for (const [index, call] of answer.calls.entries()) {
    yield { text: say({ tool_calls: [callOf(call, index)] }), token: true };
  }
  yield { text: line({ ...head, message: { role: "assistant", content: "" }, ...ending }), token: false };
}

/** Probabilities fall with the rank of an alternative. */
function logprob(token: string, { topLogprobs }: ChatAsk): object {
  const one = (text: string, rank: number) => ({
    token: text,
    logprob: -0.125 * 2 ** rank,
    bytes: [...Buffer.from(text)],
  });
  const top = Array.from({ length: topLogprobs ?? 0 }, (_, rank) => one(rank === 0 ? token : `${token}${rank}`, rank));
  return { ...one(token, 0), ...(top.length > 0 && { top_logprobs: top }) };
}

function line(value: object): string {
  return `${JSON.stringify(value)}\n`;
}
