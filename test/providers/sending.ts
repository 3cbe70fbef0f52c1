import { create } from "@bufbuild/protobuf";
import { onTestFinished } from "vitest";
import { type ChatRequest, ChatRequestSchema } from "../../gen/trunkline/v1/chat_pb.ts";
import { ChatMessageSchema, PartSchema, Role } from "../../gen/trunkline/v1/message_pb.ts";
import type { ChatCall, Frame } from "../../src/domain/chat.ts";
import { type Clock, systemClock } from "../../src/domain/clock.ts";
import { type RequestContext, Trail } from "../../src/domain/context.ts";
import { GatewayError } from "../../src/domain/errors.ts";
import type { ProviderInstance } from "../../src/domain/instance.ts";
import type { Log } from "../../src/domain/log.ts";
import { Secret } from "../../src/domain/secret.ts";
import type { Target } from "../../src/domain/target.ts";
import type { Bounds } from "../../src/domain/time-bounds.ts";
import { createDialer } from "../../src/net/dial.ts";
import { providerOf } from "../../src/providers/catalog.ts";
import { Sender } from "../../src/providers/send.ts";
import { type Asked, piece, startRawUpstream } from "../fakes/upstream.ts";

/** Parts of a call to a provider, for tests of sending and routing. */

const quiet: Log = { debug() {}, info() {}, warn() {}, error() {}, with: () => quiet };

export const bounds: Bounds = {
  connectMs: 5_000,
  firstByteMs: 1_000,
  firstTokenMs: 2_000,
  idleMs: 3_000,
  totalMs: 10_000,
};

export function instanceAt(baseUrl: string, more: Partial<ProviderInstance> = {}): ProviderInstance {
  return {
    name: "openai-east",
    provider: "openai",
    baseUrl,
    socketPath: null,
    keys: [{ name: "default", secret: new Secret("sk-upstream"), weight: 1 }],
    models: [],
    wire: "repair",
    simulated: false,
    headers: {},
    ...more,
  };
}

export function targetOf({ name, provider, wire }: ProviderInstance, model = "gpt-4o"): Target {
  return { name: `${name}/${model}`, instance: name, provider, model, wire, facts: {} };
}

export function callOf(more: Partial<Pick<ChatRequest, "topK" | "model" | "routing">> = {}, stream = true): ChatCall {
  const text = create(PartSchema, { kind: { case: "text", value: "four" } });
  const messages = [create(ChatMessageSchema, { role: Role.USER, parts: [text] })];
  return { request: create(ChatRequestSchema, { model: "gpt-4o", messages, ...more }), stream };
}

export function contextOf(
  signal: AbortSignal = new AbortController().signal,
  clock: Clock = systemClock,
): RequestContext {
  return {
    requestId: "req_1",
    operation: "chat",
    protocol: "rest",
    signal,
    deadlineMs: null,
    startedMs: clock.nowMs(),
    log: quiet,
    trail: new Trail(),
  };
}

/** Everything up to the end; a failure comes as the last element. */
export async function collect(answer: AsyncIterable<readonly Frame[]>): Promise<(readonly Frame[] | GatewayError)[]> {
  const got: (readonly Frame[] | GatewayError)[] = [];
  try {
    for await (const frames of answer) got.push(frames);
  } catch (thrown) {
    if (!(thrown instanceof GatewayError)) throw thrown;
    got.push(thrown);
  }
  return got;
}

/** The frames of all batches. */
export function framesOf(got: readonly (readonly Frame[] | GatewayError)[]): readonly Frame[] {
  return got.flatMap((one) => (one instanceof GatewayError ? [] : one));
}

/** The error that a promise or an answer ends with. */
export async function failureOf(work: Promise<unknown> | AsyncIterable<readonly Frame[]>): Promise<GatewayError> {
  const thrown =
    Symbol.asyncIterator in work ? (await collect(work)).at(-1) : await work.catch((error: unknown) => error);
  if (!(thrown instanceof GatewayError)) throw new Error("It did not fail as a GatewayError.", { cause: thrown });
  return thrown;
}

export const chunk = (delta: unknown, finish: string | null = null) =>
  piece(
    `data: ${JSON.stringify({ id: "c1", object: "chat.completion.chunk", created: 1, model: "gpt-4o", choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`,
  );
export const hi = chunk({ role: "assistant", content: "Hi" });
export const stop = chunk({}, "stop");
export const done = piece("data: [DONE]\n\n");
export const whole = JSON.stringify({
  id: "c1",
  object: "chat.completion",
  created: 1,
  model: "gpt-4o",
  choices: [{ index: 0, message: { role: "assistant", content: "Hi" }, finish_reason: "stop" }],
});

/** A sender for one instance at a raw upstream. */
export async function startSender(more: Partial<ProviderInstance> = {}, clock: Clock = systemClock) {
  const upstream = await startRawUpstream();
  const dialer = createDialer({ clock, maxConnections: 1, maxQueued: 8 });
  onTestFinished(() => dialer.close());
  const instance = instanceAt(`${upstream.origin}/v1`, more);
  const sender = new Sender({ dialer, clock, bounds, instances: new Map([[instance.name, instance]]), providerOf });
  const caller = new AbortController();
  const context = contextOf(caller.signal, clock);
  const target = targetOf(instance);
  return {
    upstream,
    sender,
    instance,
    target,
    context,
    caller,
    chat: (call = callOf()) => sender.chat(target, call, context),
  };
}

/** Answers a call, once it has come. */
export async function answered(asked: Promise<Asked>, ...pieces: (string | Uint8Array)[]): Promise<Asked> {
  const one = await asked;
  for (const bytes of pieces) await one.write(bytes);
  return one;
}
