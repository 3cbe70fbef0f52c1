import type { Random } from "./random.ts";

/** What a simulated provider says to one request, byte for byte, and where it may be cut. */
export interface Spoken {
  readonly contentType: string;
  readonly text: string;
  /** Tokens that it counts. */
  readonly usage: { readonly input: number; readonly output: number };
}

export interface Question {
  readonly anthropic: boolean;
  readonly stream: boolean;
  /** The words of the whole answer. */
  readonly words: readonly string[];
  /** The text that the request wants to be continued; empty for none. */
  readonly prefill: string;
}

/** The most that a provider counts of a prompt. Tokens. */
export const maxPromptTokens = 11;
/** The least that is counted of one: what the gateway estimates where nobody counted. Tokens. */
export const minPromptTokens = 6;

/** A good answer in the provider's wire format, with signs of life and line ends as they come. */
export function answerTo(question: Question, random: Random): Spoken {
  const words = remaining(question);
  const usage = { input: maxPromptTokens - random.below(5), output: Math.max(1, words.length) };
  const text = question.anthropic ? anthropic(question, words, usage, random) : openai(question, words, usage, random);
  return { contentType: question.stream ? "text/event-stream" : "application/json", text, usage };
}

function remaining({ words, prefill }: Question): readonly string[] {
  const whole = words.join("");
  if (prefill === "") return words;
  // In the middle of another's words a model goes on in its own.
  return [whole.startsWith(prefill) ? whole.slice(prefill.length) : goesOn];
}

/** How a model goes on with what it did not begin. */
export const goesOn = " …";

type Usage = Spoken["usage"];

const head = { id: "c1", object: "chat.completion.chunk", created: 1, model: "m" };

function openai({ stream }: Question, words: readonly string[], usage: Usage, random: Random): string {
  const counts = {
    prompt_tokens: usage.input,
    completion_tokens: usage.output,
    total_tokens: usage.input + usage.output,
  };
  if (!stream) {
    const message = { role: "assistant", content: words.join("") };
    const choices = [{ index: 0, message, finish_reason: "stop" }];
    return JSON.stringify({ ...head, object: "chat.completion", choices, usage: counts });
  }
  const chunk = (delta: unknown, finish: string | null) =>
    event({ ...head, choices: [{ index: 0, delta, finish_reason: finish }] }, random);
  return [
    chunk({ role: "assistant", content: "" }, null),
    ...words.map((word) => noise(random) + chunk({ content: word }, null)),
    chunk({}, "stop"),
    event({ ...head, choices: [], usage: counts }, random),
    "data: [DONE]\n\n",
  ].join("");
}

function anthropic({ stream }: Question, words: readonly string[], usage: Usage, random: Random): string {
  const counts = { input_tokens: usage.input, output_tokens: usage.output };
  const message = { id: "msg_1", type: "message", role: "assistant", model: "m", stop_sequence: null };
  if (!stream) {
    const content = [{ type: "text", text: words.join("") }];
    return JSON.stringify({ ...message, content, stop_reason: "end_turn", usage: counts });
  }
  const named = (type: string, rest: object) => `event: ${type}\n${event({ type, ...rest }, random)}`;
  return [
    named("message_start", {
      message: { ...message, content: [], stop_reason: null, usage: { ...counts, output_tokens: 1 } },
    }),
    named("content_block_start", { index: 0, content_block: { type: "text", text: "" } }),
    ...words.map(
      (word) =>
        (random.chance(0.1) ? named("ping", {}) : "") +
        named("content_block_delta", { index: 0, delta: { type: "text_delta", text: word } }),
    ),
    named("content_block_stop", { index: 0 }),
    named("message_delta", { delta: { stop_reason: "end_turn", stop_sequence: null }, usage: counts }),
    named("message_stop", {}),
  ].join("");
}

function event(data: unknown, random: Random): string {
  const end = random.chance(0.1) ? "\r\n" : "\n";
  return `data: ${JSON.stringify(data)}${end}${end}`;
}

function noise(random: Random): string {
  return random.chance(0.1) ? ": keep-alive\n\n" : "";
}

/** What breaks an answer from within, in the provider's wire format. */
export function errorEvent(anthropic: boolean): string {
  return anthropic
    ? 'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n'
    : 'data: {"error":{"message":"It broke.","type":"server_error","code":"server_error"}}\n\n';
}
