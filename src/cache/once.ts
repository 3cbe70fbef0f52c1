import { createHash } from "node:crypto";
import { toBinary } from "@bufbuild/protobuf";
import { ChatRequestSchema } from "../../gen/trunkline/v1/chat_pb.ts";
import type { ChatCall, Frame } from "../domain/chat.ts";
import type { Clock } from "../domain/clock.ts";
import type { Caller, RequestContext } from "../domain/context.ts";
import { GatewayError } from "../domain/errors.ts";
import { SharedAnswer } from "./shared-answer.ts";

type Answer = AsyncIterable<readonly Frame[]>;
type Life = (own: RequestContext) => Answer;

export interface OnceOptions {
  readonly clock: Clock;
  /** How long a complete answer is replayed. Milliseconds. */
  readonly ttlMs: number;
  /** Memory for complete answers. Bytes. */
  readonly maxBytes: number;
  /** Told when nothing is remembered under a key any more. */
  readonly forgotten?: (key: string) => void;
}

/** Answers that are made once, however often they are asked for. */
export interface Once {
  /**
   * A request with an idempotency key joins the one that is under way with the same key, or gets its finished answer
   * again. Keys belong to their caller: another caller's equal key means nothing. Without a key, the life itself.
   * @throws GatewayError `invalid_value` for a key that is none; `idempotency_key_reused` when the key came with another request; `conflict` when the answer
   *   under way can no longer be joined
   */
  keyed(call: ChatCall, caller: Caller, context: RequestContext, life: Life): Answer;
  /** Identical requests of one caller that are under way at the same time are made once. */
  single(call: ChatCall, caller: Caller, context: RequestContext, life: Life): Answer;
}

/** What this process makes and remembers, for those who come from elsewhere. */
export interface OwnOnce extends Once {
  has(key: string): boolean;
  /** Joins the answer under a key; null when there is none. Fails as `keyed` does. */
  join(key: string, fingerprint: string, context: RequestContext): Answer | null;
  /** Other bounds from now on. */
  limit(bounds: Pick<OnceOptions, "ttlMs" | "maxBytes">): void;
}

/** Answers under way and remembered, together. A further one is made without being shared. */
const maxAnswers = 100_000;

export function createOnce(options: OnceOptions): OwnOnce {
  const memory = new Memory(options);
  const { answers } = memory;

  async function* keyed(key: string, call: ChatCall, context: RequestContext, life: Life): Answer {
    checkKey(context.idempotencyKey);
    memory.tidy();
    const fingerprint = fingerprintOf(call);
    const known = answers.get(key);
    if (known !== undefined && known.fingerprint !== fingerprint) throw reused();
    // One that everybody left is on its way out: who comes back at once must not be told that it is under way.
    if (known !== undefined && !(known.state === "running" && known.left)) {
      yield* joinedIfSame(known, fingerprint, context);
    } else if (answers.size >= maxAnswers) yield* life(context);
    else {
      const answer = new SharedAnswer(fingerprint, context);
      answers.set(key, answer);
      yield* made(answer, life, () => {
        if (answers.get(key) !== answer) return; // It has been replaced.
        if (answer.state === "complete") memory.keep(key, answer);
        else memory.forget(key);
      });
    }
  }

  async function* single(key: string, context: RequestContext, life: Life): Answer {
    const known = answers.get(key);
    if (known?.open) yield* joined(known, context);
    else if (answers.size >= maxAnswers) yield* life(context);
    else {
      const answer = new SharedAnswer("", context);
      answers.set(key, answer);
      yield* made(answer, life, () => {
        // One that could not be joined any more has been replaced.
        if (answers.get(key) === answer) answers.delete(key);
      });
    }
  }

  return {
    keyed(call, caller, context, life) {
      if (context.idempotencyKey === undefined) return life(context);
      return keyed(keyOf(caller, context), call, context, life);
    },
    single(call, caller, context, life) {
      if (call.request.temperature !== 0) return life(context);
      return single(`${caller.id}\0\0${fingerprintOf(call)}`, context, life);
    },
    has: (key) => answers.has(key),
    join(key, fingerprint, context) {
      memory.tidy();
      const known = answers.get(key);
      return known === undefined ? null : joinedIfSame(known, fingerprint, context);
    },
    limit: (bounds) => memory.limit(bounds),
  };
}

/** Answers under way, and complete ones for a time. */
class Memory {
  readonly answers = new Map<string, SharedAnswer>();
  /** Complete ones, oldest first, and when they are forgotten. */
  readonly #kept = new Map<string, number>();
  #keptBytes = 0;
  #options: OnceOptions;

  constructor(options: OnceOptions) {
    this.#options = options;
  }

  limit(bounds: Pick<OnceOptions, "ttlMs" | "maxBytes">): void {
    this.#options = { ...this.#options, ...bounds };
    this.tidy();
  }

  keep(key: string, answer: SharedAnswer): void {
    const { clock, ttlMs, maxBytes } = this.#options;
    if (!answer.open || answer.bytes > maxBytes || ttlMs === 0) return this.forget(key);
    this.#kept.set(key, clock.nowMs() + ttlMs);
    this.#keptBytes += answer.bytes;
    this.tidy();
  }

  forget(key: string): void {
    if (this.#kept.delete(key)) this.#keptBytes -= this.answers.get(key)?.bytes ?? 0;
    this.answers.delete(key);
    this.#options.forgotten?.(key);
  }

  /** Forgets what is too old, and the oldest while there is too much. */
  tidy(): void {
    const nowMs = this.#options.clock.nowMs();
    for (const [key, untilMs] of this.#kept) {
      if (untilMs > nowMs && this.#keptBytes <= this.#options.maxBytes) return;
      this.forget(key);
    }
  }
}

/** The answer, for the request that makes it. @param over called when it has been made, or has failed */
async function* made(answer: SharedAnswer, life: Life, over: () => void): Answer {
  const reading = answer.read(answer.owner)[Symbol.asyncIterator]();
  try {
    // Its reader is there before it is made: an answer without readers is aborted.
    let next = reading.next();
    void answer.make(life, over);
    for (let batch = await next; !batch.done; batch = await next) {
      yield batch.value;
      next = reading.next();
    }
  } finally {
    await reading.return?.();
  }
}

/** @throws GatewayError `idempotency_key_reused`, `conflict` */
async function* joinedIfSame(known: SharedAnswer, fingerprint: string, context: RequestContext): Answer {
  if (known.fingerprint !== fingerprint) throw reused();
  if (!known.open) throw notJoinable();
  yield* joined(known, context);
}

/** An answer that another request makes or has made. */
async function* joined(answer: SharedAnswer, context: RequestContext): Answer {
  const status = answer.state === "running" ? "joined" : "replayed";
  context.trail.note({ kind: "replayed", status, of: answer.owner.requestId });
  let told = false;
  for await (const frames of answer.read(context)) {
    // By now it is known who answers; the headers say so here as they do there.
    if (!told) for (const entry of answer.owner.trail.entries) if (isOfAnswer(entry.kind)) context.trail.note(entry);
    told = true;
    yield frames;
  }
}

function isOfAnswer(kind: string): boolean {
  return kind === "answered" || kind === "loss";
}

/** Under what a request with an idempotency key is remembered. */
export function keyOf(caller: Caller, { idempotencyKey }: RequestContext): string {
  return `${caller.id}\0${idempotencyKey}`;
}

/** Equal for equal requests: the caller's own bytes and what headers added to it, else the message's bytes. */
export function fingerprintOf({ request, stream, source }: ChatCall): string {
  const hash = createHash("sha256").update(stream ? "stream" : "whole");
  if (!source) return hash.update(toBinary(ChatRequestSchema, request)).digest("base64");
  const { lossPolicy, routing } = request;
  const added = `\0${source.dialect}\0${lossPolicy}\0${routing?.sessionId ?? ""}\0`;
  const headers = source.headers === undefined ? "" : JSON.stringify(source.headers);
  return hash.update(added).update(headers).update(source.bytes).digest("base64");
}

/** @throws GatewayError `invalid_value` */
export function checkKey(key = ""): void {
  if (/^[\x21-\x7e]{1,255}$/.test(key)) return;
  throw new GatewayError("invalid_value", "idempotency-key must be 1 to 255 visible ASCII characters.", {
    param: "idempotency-key",
  });
}

function reused(): GatewayError {
  return new GatewayError("idempotency_key_reused", "This idempotency key came with another request. Use a new one.", {
    param: "idempotency-key",
    retryable: false,
  });
}

function notJoinable(): GatewayError {
  const words = "The request with this idempotency key is under way, and its answer is too long to be joined.";
  return new GatewayError("conflict", words, { param: "idempotency-key", retryAfterMs: 1_000 });
}
