import type { Clock } from "../../src/domain/clock.ts";
import { GatewayError } from "../../src/domain/errors.ts";
import type { Dialer, Outgoing } from "../../src/net/dial.ts";
import type { Incoming } from "../../src/net/incoming.ts";

/** One thing that happens on a connection, some time after the one before. */
export type Step = { readonly afterMs: number } & (
  | { readonly does: "refuse" | "reset" | "end" | "stall" }
  | { readonly does: "connect" }
  | { readonly does: "head"; readonly status: number; readonly headers: Readonly<Record<string, string>> }
  | { readonly does: "say"; readonly bytes: Uint8Array }
);

/** One call to a provider, and what became of it. */
export interface Call {
  readonly request: Outgoing;
  readonly beganMs: number;
  /** When nothing was left of it: read to its end, broken or aborted; null while it is open. */
  endedMs: number | null;
}

export interface SimulatedNetwork {
  readonly dialer: Dialer;
  readonly calls: readonly Call[];
}

/** A network that does what it is told, on a clock that is wound by hand. @param plan what happens to a request */
export function createNetwork(clock: Clock, plan: (request: Outgoing) => readonly Step[]): SimulatedNetwork {
  const calls: Call[] = [];
  return {
    calls,
    dialer: {
      open(request, signal) {
        if (signal.aborted) return Promise.reject(signal.reason);
        const call: Call = { request, beganMs: clock.nowMs(), endedMs: null };
        calls.push(call);
        return new Promise((resolve, reject) => {
          new Connection({ call, clock, signal, steps: plan(request), resolve, reject }).run();
        });
      },
      close: async () => {},
    },
  };
}

interface ConnectionParts {
  readonly call: Call;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly steps: readonly Step[];
  readonly resolve: (incoming: Incoming) => void;
  readonly reject: (error: unknown) => void;
}

/** A connection as src/net/ gives one: the same errors, the same order of things. */
class Connection implements Incoming, AsyncIterator<readonly Uint8Array[]> {
  status = 0;
  headers: Record<string, string> = {};
  readonly body: AsyncIterable<readonly Uint8Array[]> = { [Symbol.asyncIterator]: () => this };
  readonly #parts: ConnectionParts;
  #at = 0;
  #connected = false;
  #chunks: Uint8Array[] = [];
  #ended = false;
  #error: unknown = null;
  #wake = () => {};
  #cancelStep = () => {};
  #cancelConnect = () => {};

  constructor(parts: ConnectionParts) {
    this.#parts = parts;
  }

  run(): void {
    const { clock, signal, call } = this.#parts;
    signal.addEventListener("abort", this.#onAbort, { once: true });
    this.#cancelConnect = clock.after(call.request.connectTimeoutMs, () => {
      this.#fail(new GatewayError("timeout", "not in time", { phase: "connect" }));
    });
    this.#schedule();
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
    return { done: false, value };
  }

  async return(): Promise<IteratorResult<readonly Uint8Array[]>> {
    this.abort();
    return { done: true, value: undefined };
  }

  release(): void {
    this.abort();
  }

  abort(): void {
    this.#fail(new GatewayError("canceled", "not read any further"));
  }

  readonly #onAbort = () => this.#fail(this.#parts.signal.reason);

  #schedule(): void {
    const step = this.#parts.steps[this.#at++];
    if (step === undefined || this.#ended || this.#error !== null) return;
    this.#cancelStep = this.#parts.clock.after(step.afterMs, () => {
      this.#do(step);
      this.#schedule();
    });
  }

  #do(step: Step): void {
    switch (step.does) {
      case "connect":
        this.#connected = true;
        this.#cancelConnect();
        return;
      case "refuse":
        return this.#fail(new GatewayError("service_unavailable", "unreachable"));
      case "head":
        this.status = step.status;
        this.headers = { ...step.headers };
        this.#parts.resolve(this);
        return;
      case "say":
        this.#chunks.push(step.bytes);
        this.#wake();
        return;
      case "reset":
        return this.#fail(broken(this.#connected, this.status));
      case "end":
        if (this.status === 0) return this.#fail(broken(this.#connected, 0));
        this.#ended = true;
        this.#close();
        this.#wake();
        return;
      case "stall":
    }
  }

  #fail(error: unknown): void {
    if (this.#ended || this.#error !== null) return;
    const { signal, reject } = this.#parts;
    this.#error = signal.aborted ? signal.reason : error;
    this.#close();
    reject(this.#error);
    this.#wake();
  }

  #close(): void {
    const { call, clock, signal } = this.#parts;
    signal.removeEventListener("abort", this.#onAbort);
    this.#cancelStep();
    this.#cancelConnect();
    call.endedMs ??= clock.nowMs();
  }
}

function broken(connected: boolean, status: number): GatewayError {
  if (!connected) return new GatewayError("service_unavailable", "unreachable");
  return status === 0 ? new GatewayError("upstream_error", "silent") : new GatewayError("upstream_cut", "cut");
}
