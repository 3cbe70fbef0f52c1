import { type Answer, compose } from "../compose.ts";
import type { Exchange, Reply, StreamEvent } from "../exchange.ts";
import { isJsonObject } from "../json.ts";
import type { PromptCache } from "../prompt-cache.ts";
import { countTokens } from "../tokens.ts";
import { signatureOf } from "./messages.ts";
import type { MessagesAsk } from "./request.ts";

const tokensAMessage = 3;

/** Tokens of everything that is sent to the model. */
export function countInput({ texts }: MessagesAsk): number {
  return texts.reduce((sum, text) => sum + tokensAMessage + countTokens(text), 0);
}

/** Answers a Messages request, whole or as a stream. */
export function answerMessages(ask: MessagesAsk, exchange: Exchange): Reply {
  const answer = compose(ask.prompt);
  const blocks = blocksOf(answer, exchange.sequence);
  const usage = usageOf(ask, answer, exchange.cache);
  const message = {
    id: `msg_simulated_${exchange.sequence}`,
    type: "message",
    role: "assistant",
    model: ask.model,
    container: null,
  };
  const ending = endingOf(answer);
  const headers = headersOf(exchange);
  if (ask.stream) {
    return { headers, events: events({ ...message, usage }, blocks, ending, usage), errorEvent };
  }
  return { status: 200, headers, body: { ...message, content: blocks.map(({ whole }) => whole), ...ending, usage } };
}

const errorEvent = sse("error", { type: "error", error: { type: "api_error", message: "This failure is simulated." } });
const requestsAMinute = 4_000;
const tokensAMinute = 2_000_000;

/** Headers of every answer, with limits that are never reached. */
export function headersOf({ requestId, now }: Exchange): Record<string, string> {
  const reset = new Date(now + 1_000).toISOString();
  const limit = (name: string, all: number) => ({
    [`anthropic-ratelimit-${name}-limit`]: String(all),
    [`anthropic-ratelimit-${name}-remaining`]: String(all - 1),
    [`anthropic-ratelimit-${name}-reset`]: reset,
  });
  return {
    "request-id": requestId,
    "anthropic-organization-id": "00000000-0000-4000-8000-000000000000",
    ...limit("requests", requestsAMinute),
    ...limit("tokens", tokensAMinute),
  };
}

/** A content block: as a whole, as it opens, and by its deltas. */
interface Block {
  readonly whole: object;
  readonly opening: object;
  readonly deltas: readonly { readonly delta: object; readonly token: boolean }[];
}

function blocksOf(answer: Answer, sequence: number): readonly Block[] {
  const blocks: Block[] = [];
  if (answer.reasoning.length > 0) blocks.push(thinkingBlock(answer.reasoning));
  if (answer.text.length > 0) blocks.push(textBlock(answer.text));
  for (const [index, { name, input }] of answer.calls.entries()) {
    // A call's input is an object by the format: other text stands in one.
    const text = input.join("");
    const pieces = isJsonObject(text) ? input : [JSON.stringify({ input: text })];
    const head = { type: "tool_use", id: `toolu_simulated_${sequence}_${index}`, name };
    blocks.push({
      whole: { ...head, input: JSON.parse(pieces.join("")) },
      opening: { ...head, input: {} },
      // The first delta of a call is empty, as Anthropic's mostly is.
      deltas: ["", ...pieces].map((piece) => ({
        delta: { type: "input_json_delta", partial_json: piece },
        token: piece !== "",
      })),
    });
  }
  return blocks;
}

function thinkingBlock(tokens: readonly string[]): Block {
  const thinking = tokens.join("");
  const signature = signatureOf(thinking);
  return {
    whole: { type: "thinking", thinking, signature },
    opening: { type: "thinking", thinking: "", signature: "" },
    deltas: [
      ...tokens.map((token) => ({ delta: { type: "thinking_delta", thinking: token }, token: true })),
      { delta: { type: "signature_delta", signature }, token: false },
    ],
  };
}

function textBlock(tokens: readonly string[]): Block {
  return {
    whole: { type: "text", text: tokens.join(""), citations: null },
    opening: { type: "text", text: "", citations: null },
    deltas: tokens.map((text) => ({ delta: { type: "text_delta", text }, token: true })),
  };
}

interface Ending {
  readonly stop_reason: string;
  readonly stop_sequence: string | null;
  readonly stop_details: object | null;
}

const reasons: Readonly<Record<Answer["finish"], string>> = {
  stop: "end_turn",
  stop_sequence: "stop_sequence",
  length: "max_tokens",
  tool_calls: "tool_use",
  refusal: "refusal",
};

function endingOf({ finish, stoppedBy, refusal }: Answer): Ending {
  const explanation = refusal.join("");
  return {
    stop_reason: reasons[finish],
    stop_sequence: stoppedBy,
    stop_details: finish === "refusal" ? { type: "refusal", category: null, explanation } : null,
  };
}

function usageOf(ask: MessagesAsk, answer: Answer, cache: PromptCache): object {
  const input = countInput(ask);
  const marked = ask.cached === null ? 0 : Math.min(countTokens(ask.cached), input);
  const known = ask.cached !== null && cache.visit(ask.cached);
  const parts = [answer.reasoning, answer.text, answer.refusal, ...answer.calls.map((call) => call.input)];
  return {
    input_tokens: input - marked,
    cache_creation_input_tokens: known ? 0 : marked,
    cache_read_input_tokens: known ? marked : 0,
    cache_creation: { ephemeral_5m_input_tokens: known ? 0 : marked, ephemeral_1h_input_tokens: 0 },
    output_tokens: parts.reduce((sum, tokens) => sum + tokens.length, 0),
    output_tokens_details: { thinking_tokens: answer.reasoning.length },
    server_tool_use: null,
    service_tier: "standard",
  };
}

function* events(message: object, blocks: readonly Block[], ending: Ending, usage: object): Generator<StreamEvent> {
  const event = (type: string, data: object, token = false) => ({ text: sse(type, { type, ...data }), token });
  const start = { ...message, content: [], stop_reason: null, stop_sequence: null, stop_details: null };
  yield event("message_start", { message: { ...start, usage: { ...usage, output_tokens: 1 } } });
  yield event("ping", {});
  for (const [index, { opening, deltas }] of blocks.entries()) {
    yield event("content_block_start", { index, content_block: opening });
    for (const { delta, token } of deltas) yield event("content_block_delta", { index, delta }, token);
    yield event("content_block_stop", { index });
  }
  yield event("message_delta", { delta: ending, usage });
  yield event("message_stop", {});
}

function sse(type: string, data: object): string {
  return `event: ${type}\ndata: ${JSON.stringify(data)}\n\n`;
}
