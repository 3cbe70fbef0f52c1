import type { Dispatcher } from "undici";
import type { Clock } from "../domain/clock.ts";
import { GatewayError } from "../domain/errors.ts";
import { toFailure } from "./failures.ts";
import type { Waiting, Way } from "./line-client.ts";

/** An answer whose head has arrived. Its body is read once, by `for await`; leaving the loop closes the connection. */
export interface Incoming {
  readonly status: number;
  /** Lower-case names; repeated headers are joined by comma. */
  readonly headers: Readonly<Record<string, string>>;
  /** One array per turn of the event loop in which bytes came. @throws GatewayError `upstream_cut` */
  readonly body: AsyncIterable<readonly Uint8Array[]>;
  /** No more is wanted: a little that still comes is thrown away, so that the connection can be used again. */
  release(): void;
  /** No more is wanted, at once: closes the connection. A reader that still waits gets `canceled`. */
  abort(): void;
}

/** Response heads above this are refused. Bytes. */
export const maxHeaderBytes = 64 * 1024;
/** Unread body above this pauses the provider's socket. With what a reader holds, about 256 KiB a stream. Bytes. */
const highWaterBytes = 48 * 1024;
/** What may still come after a release, and for how long, before the connection is given up. */
const maxReleasedBytes = 64 * 1024;
const maxReleasedMs = 1000;

export interface ExchangeParts {
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** The head has arrived. */
  readonly resolve: (incoming: Incoming) => void;
  readonly reject: (error: unknown) => void;
  /** Called once, when undici holds nothing of the request any more. */
  readonly over: () => void;
}

/** What an exchange needs of undici's controllers. */
type Controller = Pick<Dispatcher.DispatchController, "abort" | "pause" | "resume" | "rawHeaders">;

/** One request and its answer: undici's callbacks on one side, a pulled body on the other. */
export class Exchange implements Waiting, Incoming, AsyncIterator<readonly Uint8Array[]> {
  status = 0;
  way: Way | null = null;
  headers: Record<string, string> = {};
  readonly body: AsyncIterable<readonly Uint8Array[]> = { [Symbol.asyncIterator]: () => this };

  readonly #parts: ExchangeParts;
  #controller: Controller | null = null;
  #chunks: Uint8Array[] = [];
  #bytes = 0;
  #paused = false;
  #ended = false;
  #over = false;
  #released = false;
  #error: unknown = null;
  #wake: (() => void) | null = null;
  #cancelTimer: (() => void) | null = null;

  constructor(parts: ExchangeParts) {
    this.#parts = parts;
    parts.signal.addEventListener("abort", this.#onAbort, { once: true });
  }

  readonly #onAbort = () => this.#fail(this.#parts.signal.reason);

  get givenUp(): boolean {
    return this.#error !== null;
  }

  /** Called once it has been dispatched: bounds the time until it may be written to a connection. Milliseconds. */
  boundConnecting(ms: number): void {
    if (this.#controller !== null || this.#error !== null) return;
    this.#cancelTimer = this.#parts.clock.after(ms, () => this.#fail(notInTime(this.way?.isConnecting ?? false, ms)));
  }

  onRequestStart(controller: Controller): void {
    this.#controller = controller;
    this.#cancelTimer?.();
    // Aborted while it was queued: undici has no way to take a request out of its queue, so it ends here, unsent.
    if (this.#error !== null) controller.abort(asError(this.#error)); // Ends in onResponseError.
  }

  onResponseStart(controller: Controller, status: number, headers: Record<string, unknown>): void {
    if (status < 200) return; // 1xx: the real answer follows.
    this.status = status;
    controller.rawHeaders = null; // undici would hold its buffers until the answer has ended.
    for (const name in headers) {
      const value = headers[name];
      this.headers[name] = Array.isArray(value) ? value.join(", ") : String(value);
    }
    this.#parts.resolve(this);
  }

  onResponseData(controller: Controller, chunk: Uint8Array): void {
    this.#bytes += chunk.length;
    if (this.#released) {
      if (this.#bytes > maxReleasedBytes) this.abort();
      return;
    }
    this.#chunks.push(chunk);
    if (this.#bytes > highWaterBytes && !this.#paused) {
      this.#paused = true;
      controller.pause();
    }
    this.#awake();
  }

  onResponseEnd(): void {
    this.#ended = true;
    this.#tidy();
    this.#leave();
    this.#awake();
  }

  onResponseError(_controller: Controller | null, error: Error): void {
    this.#fail(error);
    this.#leave();
  }

  async next(): Promise<IteratorResult<readonly Uint8Array[]>> {
    while (this.#chunks.length === 0) {
      if (this.#error !== null) throw this.#error;
      if (this.#ended) return { done: true, value: undefined };
      await new Promise<void>((wake) => {
        this.#wake = wake;
      });
    }
    const value = this.#chunks;
    this.#chunks = [];
    this.#bytes = 0;
    this.#resume();
    return { done: false, value };
  }

  async return(): Promise<IteratorResult<readonly Uint8Array[]>> {
    if (!this.#released) this.abort();
    return { done: true, value: undefined };
  }

  release(): void {
    if (this.#ended || this.#released || this.#error !== null) return;
    this.#released = true;
    this.#bytes = 0;
    this.#cancelTimer = this.#parts.clock.after(maxReleasedMs, () => this.abort());
    this.#resume();
  }

  abort(): void {
    if (this.#ended || this.#error !== null) return; // An error costs its stack, used or not.
    this.#fail(new GatewayError("canceled", "The answer is not read any further."));
  }

  /** Called last, when all counters are true: bytes that undici held back come in before this returns. */
  #resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#controller?.resume();
  }

  #fail(cause: unknown): void {
    if (this.#ended || this.#error !== null) return;
    const { signal, reject } = this.#parts;
    this.#error = signal.aborted ? signal.reason : toFailure(cause, this.#phase());
    this.#tidy();
    if (this.#controller !== null) this.#controller.abort(asError(this.#error));
    // Not called while undici reports the very failure: it has let go of the connection by then.
    else this.way?.giveUp(this);
    reject(this.#error);
    this.#awake();
  }

  #phase(): "connecting" | "sent" | "answered" {
    if (this.#controller === null) return "connecting";
    return this.status === 0 ? "sent" : "answered";
  }

  #tidy(): void {
    this.#parts.signal.removeEventListener("abort", this.#onAbort);
    this.#cancelTimer?.();
  }

  #leave(): void {
    if (this.#over) return;
    this.#over = true;
    this.#parts.over();
  }

  #awake(): void {
    this.#wake?.();
    this.#wake = null;
  }
}

/** @param connecting whether a connection was being opened for it, or all were taken */
function notInTime(connecting: boolean, ms: number): GatewayError {
  return connecting
    ? new GatewayError("timeout", `The provider could not be reached within ${ms} ms.`, { phase: "connect" })
    : new GatewayError("timeout", `Waited ${ms} ms for a free connection to the provider.`, { phase: "queue" });
}

/** A signal may carry any value as its reason; undici takes errors only. */
function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error("aborted", { cause: reason });
}
