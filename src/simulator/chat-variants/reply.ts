import type { Reply, StreamEvent, StreamReply } from "../exchange.ts";
import { type Fields, isFields } from "../json.ts";

/** How a variant answers otherwise than OpenAI. */
export interface AnswerForm {
  /** The member that holds the reasoning. */
  readonly reasoning: "reasoning_content" | "reasoning";
  /** Usage in this provider's words. */
  usage(usage: Fields): Fields;
  /** A message, or a delta: what is otherwise in it. */
  message?(message: Fields): Fields;
  /** An answer's or a chunk's own members. */
  head?(place: "first" | "between" | "last" | "whole", usage: Fields, sequence: number): Fields;
  /** The last chunk with a choice carries the usage, asked for or not. */
  readonly usageOnLast: boolean;
  /** Tool calls come whole in one delta. */
  readonly wholeCalls?: boolean;
  callId?(id: string, sequence: number): string;
  /** What is written before the first event and between events. */
  readonly comment?: string;
  readonly errorEvent?: unknown;
}

interface Telling {
  readonly headers: Readonly<Record<string, string>>;
  readonly sequence: number;
  readonly askedForUsage: boolean;
}

/** OpenAI's answer as the variant gives it. */
export function inForm(reply: Reply, form: AnswerForm, telling: Telling): Reply {
  if ("events" in reply) return streamed(reply, form, telling);
  const { choices, usage, ...rest } = reply.body as Fields;
  const counted = form.usage(isFields(usage) ? usage : {});
  const own = form.head?.("whole", counted, telling.sequence);
  const body = { ...bare(rest), choices: choicesOf(choices, "message", form, telling), usage: counted, ...own };
  return { status: 200, headers: telling.headers, body };
}

function streamed(reply: StreamReply, form: AnswerForm, telling: Telling): StreamReply {
  const errorEvent = form.errorEvent === undefined ? reply.errorEvent : event(form.errorEvent);
  return { headers: telling.headers, events: events(reply.events, form, telling), errorEvent };
}

function* events(given: Iterable<StreamEvent>, form: AnswerForm, telling: Telling): Generator<StreamEvent> {
  if (form.comment !== undefined) yield { text: form.comment, token: false };
  let held: Fields | null = null;
  let first = true;
  const calls: Fields[] = [];
  for (const { text, token } of given) {
    const chunk = parsed(String(text));
    if (chunk === null) {
      yield { text, token };
      continue;
    }
    const [choice] = Array.isArray(chunk.choices) ? chunk.choices.filter(isFields) : [];
    const delta = choice && isFields(choice.delta) ? choice.delta : {};
    if (form.wholeCalls && Array.isArray(delta.tool_calls)) {
      collect(calls, delta.tool_calls.filter(isFields));
      continue;
    }
    const ends = choice !== undefined && typeof choice.finish_reason === "string";
    if (ends) {
      // Of several choices only the last that ends carries the usage.
      if (held) yield { text: event(formed(held, "between", {}, form, telling)), token: false };
      const said = calls.length > 0 ? { ...choice, delta: { ...delta, tool_calls: calls } } : choice;
      held = { ...chunk, choices: [said] };
      continue;
    }
    const usage = isFields(chunk.usage) ? form.usage(chunk.usage) : null;
    if (usage === null) {
      yield { text: event(formed(chunk, first ? "first" : "between", {}, form, telling)), token };
      first = false;
      continue;
    }
    if (held) yield { text: event(formed(held, "last", usage, form, telling)), token: false };
    if (!form.usageOnLast && telling.askedForUsage)
      yield { text: event({ ...bare(chunk), choices: [], usage }), token: false };
  }
}

function formed(
  chunk: Fields,
  place: "first" | "between" | "last",
  usage: Fields,
  form: AnswerForm,
  telling: Telling,
): Fields {
  const { choices, usage: _, ...rest } = chunk;
  return {
    ...bare(rest),
    choices: choicesOf(choices, "delta", form, telling),
    ...(place === "last" && form.usageOnLast && { usage }),
    ...form.head?.(place, usage, telling.sequence),
  };
}

/** None of these has tiers or fingerprints of OpenAI's. */
function bare({ service_tier: _, ...rest }: Fields): Fields {
  return rest;
}

function choicesOf(choices: unknown, member: "message" | "delta", form: AnswerForm, { sequence }: Telling): unknown {
  if (!Array.isArray(choices)) return choices;
  return choices.filter(isFields).map((choice) => {
    const { reasoning_content, refusal, annotations, ...said } = isFields(choice[member]) ? choice[member] : {};
    const text = typeof refusal === "string" ? { content: refusal } : {};
    const thought = typeof reasoning_content === "string" ? { [form.reasoning]: reasoning_content } : {};
    const whole = { ...said, ...text, ...thought, ...renamed(said.tool_calls, form, sequence) };
    return { ...choice, [member]: form.message?.(whole) ?? whole };
  });
}

function renamed(calls: unknown, form: AnswerForm, sequence: number): Fields {
  if (!Array.isArray(calls) || !form.callId) return {};
  return {
    tool_calls: calls.map((call) =>
      isFields(call) && typeof call.id === "string" ? { ...call, id: form.callId?.(call.id, sequence) } : call,
    ),
  };
}

/** Adds the pieces of calls to what is there of them. */
function collect(calls: Fields[], pieces: readonly Fields[]): void {
  for (const piece of pieces) {
    const at = calls.findIndex(({ index }) => index === piece.index);
    const known = calls[at];
    if (!known) calls.push(piece);
    else {
      const [before, more] = [known.function, piece.function];
      if (!isFields(before) || !isFields(more)) continue;
      const text = `${String(before.arguments)}${String(more.arguments)}`;
      calls[at] = { ...known, function: { ...before, arguments: text } };
    }
  }
}

function parsed(text: string): Fields | null {
  const data = /^data: (.*)\n\n$/s.exec(text)?.[1];
  if (data === undefined || data === "[DONE]") return null;
  const value: unknown = JSON.parse(data);
  return isFields(value) ? value : null;
}

function event(data: unknown): string {
  return `data: ${JSON.stringify(data)}\n\n`;
}
