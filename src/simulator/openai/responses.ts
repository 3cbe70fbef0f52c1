import { type Answer, compose } from "../compose.ts";
import type { Exchange, Reply, StreamEvent } from "../exchange.ts";
import { headersOf } from "./chat.ts";
import { eventsOf, type Numbered, writeEvent } from "./responses-events.ts";
import { itemsOf } from "./responses-items.ts";
import type { ResponseAsk } from "./responses-request.ts";
import { idOf } from "./sealed.ts";
import { countsOf } from "./usage.ts";

/** Answers a request of the Responses API, whole or as a stream. */
export function answerResponse(ask: ResponseAsk, exchange: Exchange): Reply {
  const answer = compose(ask.prompt);
  const seed = String(exchange.sequence);
  const items = itemsOf(ask, answer, seed);
  const createdAt = Math.floor(exchange.now / 1000);
  const head = { id: idOf("resp", seed), object: "response", created_at: createdAt, model: ask.model, ...ask.echo };
  const nothing = { error: null, incomplete_details: null, output: [], usage: null };
  const begun = { ...head, ...nothing, status: "in_progress", completed_at: null };
  const cut = answer.finish === "length";
  const whole = {
    ...head,
    status: cut ? "incomplete" : "completed",
    completed_at: cut ? null : createdAt,
    error: null,
    incomplete_details: cut ? { reason: "max_output_tokens" } : null,
    output: items.map((item) => item.whole),
    usage: usageOf(ask, answer, exchange),
  };
  const headers = headersOf(exchange);
  if (!ask.stream) return { status: 200, headers, body: whole };
  const failure = { type: "error", code: "server_error", message: "This failure is simulated.", param: null };
  return {
    headers,
    events: numbered(eventsOf(items, begun, whole)),
    errorEvent: writeEvent(failure, failureNumber),
  };
}

/** The failure comes anywhere in the stream; readers take numbers that rise. */
const failureNumber = 1_000_000;

function usageOf(ask: ResponseAsk, answer: Answer, { cache }: Exchange): object {
  const { prompt, cached, completion, reasoning } = countsOf(ask, answer, cache);
  return {
    input_tokens: prompt,
    input_tokens_details: { cached_tokens: cached, cache_write_tokens: 0 },
    output_tokens: completion,
    output_tokens_details: { reasoning_tokens: reasoning },
    total_tokens: prompt + completion,
  };
}

function* numbered(events: Iterable<Numbered>): Generator<StreamEvent> {
  let number = 0;
  for (const { event, token } of events) yield { text: writeEvent(event, number++), token };
}
