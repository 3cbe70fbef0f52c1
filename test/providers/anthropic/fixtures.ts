import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type ChatRequest, ChatRequestSchema, type ChatResponse } from "../../../gen/trunkline/v1/chat_pb.ts";
import { type ChatMessageSchema, type PartSchema, Role, ToolCallKind } from "../../../gen/trunkline/v1/message_pb.ts";
import type { Frame } from "../../../src/domain/chat.ts";
import { GatewayError } from "../../../src/domain/errors.ts";
import { createFold } from "../../../src/domain/fold.ts";
import type { ModelFacts } from "../../../src/domain/model-facts.ts";
import type { Target } from "../../../src/domain/target.ts";
import { anthropic } from "../../../src/providers/anthropic/adapter.ts";
import type { DecodeMemory } from "../../../src/providers/provider.ts";
import { packageFacts } from "../../fakes/facts.ts";

/** Before efforts: thinks by a budget, takes sampling. */
export const older = "claude-sonnet-4-5";
/** Thinks by efforts, refuses sampling. */
export const newer = "claude-opus-4-7";
/** Thinks unless told not to, takes instructions between turns. */
export const newest = "claude-opus-5";

/** @param facts what the provider's own list says over the family's facts */
export function targetOf(model: string, facts: ModelFacts = {}): Target {
  const base = { name: `anthropic/${model}`, instance: "anthropic", provider: "anthropic", model };
  return { ...base, wire: "exact", facts: { ...packageFacts("anthropic", model), ...facts } };
}

type RequestInit = MessageInitShape<typeof ChatRequestSchema>;
type MessageInit = MessageInitShape<typeof ChatMessageSchema>;
type PartInit = MessageInitShape<typeof PartSchema>;

// Return types are inferred: tests spread these to add cache marks, which the init types do not allow.
export const text = (value: string) => ({ kind: { case: "text" as const, value } });
export const user = (...parts: (PartInit | string)[]): MessageInit => message(Role.USER, parts);
export const system = (...parts: (PartInit | string)[]): MessageInit => message(Role.SYSTEM, parts);
export const assistant = (...parts: (PartInit | string)[]): MessageInit => message(Role.ASSISTANT, parts);
export const toolTurn = (...parts: PartInit[]): MessageInit => message(Role.TOOL, parts);

function message(role: Role, parts: readonly (PartInit | string)[]): MessageInit {
  return { role, parts: parts.map((part) => (typeof part === "string" ? text(part) : part)) };
}

export function call(id: string, name: string, args = "{}", kind: ToolCallKind = ToolCallKind.FUNCTION) {
  return { kind: { case: "toolCall" as const, value: { id, name, kind, arguments: args } } };
}

export function result(callId: string, ...parts: (PartInit | string)[]) {
  const filled = parts.map((part) => (typeof part === "string" ? text(part) : part));
  return { kind: { case: "toolResult" as const, value: { callId, parts: filled } } };
}

export function thinking(value: string, signature: string, issuer = "anthropic"): PartInit {
  const proof = { issuer, format: "signature", data: new TextEncoder().encode(signature) };
  return { kind: { case: "reasoning", value: { text: value } }, proof };
}

export function functionTool(name: string, parametersSchema = "") {
  return { kind: { case: "function" as const, value: { name, parametersSchema } } };
}

/** A request body as a test reads it. */
// biome-ignore lint/suspicious/noExplicitAny: tests look into foreign JSON; each assertion says what should be there.
export type Body = Record<string, any>;

export interface Translated {
  readonly body: Body;
  readonly text: string;
  readonly headers: Readonly<Record<string, string>>;
  /** `field;action` of each loss. */
  readonly losses: readonly string[];
  readonly memory: DecodeMemory;
}

/** Translates a request with one user's turn, unless it brings its own messages. */
export function translate(init: RequestInit, model = newer, facts: ModelFacts = {}): Translated {
  const request: ChatRequest = create(ChatRequestSchema, { model, messages: [user("Hi")], ...init });
  const { body, headers, losses, memory } = anthropic.toRequest({ request, stream: true }, targetOf(model, facts));
  return {
    body: JSON.parse(String(body)),
    text: String(body),
    headers,
    losses: losses.map(({ field, action }) => `${field};${action}`),
    memory,
  };
}

/** The error with which a translation is refused. */
export function refusal(init: RequestInit, model = newer): GatewayError {
  return failure(() => translate(init, model));
}

export function failure(action: () => unknown): GatewayError {
  try {
    action();
  } catch (error) {
    if (error instanceof GatewayError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

/** A wire event with its `type`. */
export type Event = Readonly<Record<string, unknown>> & { readonly type: string };

export const start = (usage: object = { input_tokens: 25, output_tokens: 1 }): Event => ({
  type: "message_start",
  message: { id: "msg_1", type: "message", role: "assistant", model: newer, content: [], usage },
});
export const open = (index: number, block: object): Event => ({
  type: "content_block_start",
  index,
  content_block: block,
});
export const delta = (index: number, change: object): Event => ({ type: "content_block_delta", index, delta: change });
export const textDelta = (index: number, value: string): Event => delta(index, { type: "text_delta", text: value });
export const jsonDelta = (index: number, value: string): Event =>
  delta(index, { type: "input_json_delta", partial_json: value });
export const stop = (index: number): Event => ({ type: "content_block_stop", index });
export const end = (reason: string | null, usage: object = { output_tokens: 5 }, more: object = {}): Event => ({
  type: "message_delta",
  delta: { stop_reason: reason, stop_sequence: null, ...more },
  usage,
});
export const finish: Event = { type: "message_stop" };
export const ping: Event = { type: "ping" };
export const textBlock = (index: number, value: string): Event[] => [
  open(index, { type: "text", text: "" }),
  textDelta(index, value),
  stop(index),
];

export const plainMemory: DecodeMemory = { target: targetOf(newer), stream: true };

export function decode(events: readonly Event[], memory: DecodeMemory = plainMemory): readonly Frame[] {
  const decoder = anthropic.createDecoder(memory);
  const frames = events.flatMap((event) => [...decoder.push({ event: event.type, data: JSON.stringify(event) })]);
  return [...frames, ...decoder.end()];
}

/** The frames that say something. */
export function said(frames: readonly Frame[]): readonly Frame[] {
  return frames.filter((frame) => frame.case !== "heartbeat");
}

/** The unary answer of a stream. */
export function answer(events: readonly Event[], memory: DecodeMemory = plainMemory): ChatResponse {
  const fold = createFold();
  fold.push(decode(events, memory));
  return fold.response("req_1");
}

/** `id name arguments` of each tool call of an answer. */
export function callsOf(response: ChatResponse): readonly string[] {
  return (response.choices[0]?.message?.parts ?? []).flatMap(({ kind }) =>
    kind.case === "toolCall" ? [`${kind.value.id} ${kind.value.name} ${kind.value.arguments}`] : [],
  );
}

export function textOf(response: ChatResponse): string {
  return (response.choices[0]?.message?.parts ?? [])
    .map(({ kind }) => (kind.case === "text" ? kind.value : ""))
    .join("");
}
