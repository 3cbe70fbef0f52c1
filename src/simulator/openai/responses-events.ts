import type { Item } from "./responses-items.ts";

/** An event that has yet to get its number. */
export interface Numbered {
  readonly event: Readonly<Record<string, unknown>> & { readonly type: string };
  readonly token: boolean;
}

/** The events of an answer in OpenAI's order (wire.md §3.3). */
export function* eventsOf(
  items: readonly Item[],
  begun: object,
  whole: { readonly status: string },
): Generator<Numbered> {
  yield plain("response.created", { response: begun });
  yield plain("response.in_progress", { response: begun });
  for (const [index, item] of items.entries()) {
    yield plain("response.output_item.added", { output_index: index, item: item.begun });
    yield* growthOf(item, { item_id: item.begun.id, output_index: index });
    yield plain("response.output_item.done", { output_index: index, item: item.whole });
  }
  yield plain(`response.${whole.status}`, { response: whole });
}

/** One event as text. @param number its place in the stream, from 0 */
export function writeEvent(event: Numbered["event"], number: number): string {
  return `event: ${event.type}\ndata: ${JSON.stringify({ ...event, sequence_number: number })}\n\n`;
}

function plain(type: string, fields: object): Numbered {
  return { event: { type, ...fields }, token: false };
}

function token(type: string, fields: object): Numbered {
  return { event: { type, ...fields }, token: true };
}

function* growthOf({ growth }: Item, place: object): Generator<Numbered> {
  switch (growth.kind) {
    case "none":
      return;
    case "search":
      for (const state of ["in_progress", "searching", "completed"])
        yield plain(`response.web_search_call.${state}`, place);
      return;
    case "summary":
      return yield* summaryOf(growth.pieces, { ...place, summary_index: 0 });
    case "arguments":
      return yield* inputOf("response.function_call_arguments", growth, place);
    case "input":
      return yield* inputOf("response.custom_tool_call_input", growth, place);
    case "refusal":
      return yield* refusalOf(growth.pieces, { ...place, content_index: 0 });
    case "text":
      return yield* textOf(growth, { ...place, content_index: 0 });
  }
}

function* summaryOf(pieces: readonly string[], place: object): Generator<Numbered> {
  const text = pieces.join("");
  yield plain("response.reasoning_summary_part.added", { ...place, part: { type: "summary_text", text: "" } });
  for (const delta of pieces) yield token("response.reasoning_summary_text.delta", { ...place, delta });
  yield plain("response.reasoning_summary_text.done", { ...place, text });
  yield plain("response.reasoning_summary_part.done", { ...place, part: { type: "summary_text", text } });
}

function* inputOf(
  type: string,
  { kind, pieces }: { readonly kind: string; readonly pieces: readonly string[] },
  place: object,
): Generator<Numbered> {
  for (const delta of pieces) yield token(`${type}.delta`, { ...place, delta });
  yield plain(`${type}.done`, { ...place, [kind]: pieces.join("") });
}

function* refusalOf(pieces: readonly string[], place: object): Generator<Numbered> {
  const refusal = pieces.join("");
  yield plain("response.content_part.added", { ...place, part: { type: "refusal", refusal: "" } });
  for (const delta of pieces) yield token("response.refusal.delta", { ...place, delta });
  yield plain("response.refusal.done", { ...place, refusal });
  yield plain("response.content_part.done", { ...place, part: { type: "refusal", refusal } });
}

function* textOf(growth: Extract<Item["growth"], { kind: "text" }>, place: object): Generator<Numbered> {
  const { pieces, logprobs, annotations } = growth;
  const text = pieces.join("");
  const part = { type: "output_text", annotations: [], logprobs: [], text: "" };
  yield plain("response.content_part.added", { ...place, part });
  for (const [position, delta] of pieces.entries()) {
    yield token("response.output_text.delta", { ...place, delta, logprobs: logprobs(position) });
  }
  for (const [index, annotation] of annotations.entries()) {
    yield plain("response.output_text.annotation.added", { ...place, annotation_index: index, annotation });
  }
  const all = pieces.flatMap((_, position) => logprobs(position));
  yield plain("response.output_text.done", { ...place, text, logprobs: all });
  yield plain("response.content_part.done", { ...place, part: { ...part, annotations, logprobs: all, text } });
}
