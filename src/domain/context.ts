import type { Usage } from "../../gen/trunkline/v1/usage_pb.ts";
import type { ErrorCode } from "./errors.ts";
import type { Sizes } from "./estimate.ts";
import type { Log } from "./log.ts";
import type { Loss } from "./loss.ts";
import type { Target } from "./target.ts";

/** The head of a request: all that is known before a byte of its body is read. */
export interface RequestHead {
  /** Route or method, such as `/v1/chat/completions` or `/trunkline.v1.ChatService/Chat`. */
  readonly path: string;
  /** Lower-case header name → value. Repeated headers keep their repetition, so that two credentials are seen. */
  header(name: string): string | readonly string[] | undefined;
  readonly peerAddress: string | undefined;
}

/** Who asks. */
export interface Caller {
  /** Name for logs and metrics, never the credential: `master`, or `open` when no key is configured. */
  readonly name: string;
  /** Tells callers apart where answers or keys must not be shared: a digest of the credential. */
  readonly id: string;
}

export type Protocol = "rest" | "connect" | "grpc" | "grpc-web";
/** `unknown` where no route or method was found. */
export type Operation = "chat" | "embeddings" | "count_tokens" | "models" | "responses" | "unknown";

/** What a stage decided. Times are `Clock.nowMs()`. */
export type TrailEntry =
  | { readonly kind: "begun" }
  | { readonly kind: "admitted"; readonly caller: Caller }
  | { readonly kind: "received"; readonly bodyBytes: number }
  | { readonly kind: "asked"; readonly model: string; readonly stream: boolean }
  | { readonly kind: "resolved"; readonly model: string }
  /** A target was left out: the request asks for what its model cannot do, or its circuit is open (`circuit_open`). */
  | { readonly kind: "skipped"; readonly target: Target; readonly reason: string }
  /** A further attempt, why it is made and how long it waited. */
  | {
      readonly kind: "retried";
      readonly target: Target;
      readonly how: "retry" | "failover" | "hedge" | "continuation";
      readonly waitMs: number;
    }
  /** The request had to wait for a place among those that run. */
  | { readonly kind: "queued"; readonly waitedMs: number }
  /** The answer is that of another request, which makes it now (`joined`) or has made it (`replayed`). */
  | { readonly kind: "replayed"; readonly status: "joined" | "replayed"; readonly of: string }
  /** The request that made the joined answer was left by its caller: what it uses counts here. */
  | { readonly kind: "adopted" }
  /** A further attempt that the retry budget did not allow. */
  | { readonly kind: "retry_refused"; readonly target: Target }
  | { readonly kind: "attempt"; readonly target: Target; readonly atMs: number }
  | {
      readonly kind: "attempt_ended";
      readonly target: Target;
      readonly atMs: number;
      readonly outcome: "ok" | ErrorCode;
      readonly upstreamStatus?: number;
      readonly upstreamRequestId?: string;
    }
  | { readonly kind: "sent"; readonly atMs: number }
  | {
      readonly kind: "answered";
      readonly target: Target;
      readonly atMs: number;
      readonly model: string;
      /** Whether the simulator answered. */
      readonly simulated: boolean;
    }
  /** What the attempt under way has said so far: grows while it speaks, so that nobody has to count twice. */
  | { readonly kind: "streaming"; readonly target: Target; readonly sizes: Readonly<Sizes> }
  | { readonly kind: "first_token"; readonly atMs: number }
  /** What a target did not get of the request; without one, what an edge could not take. */
  | { readonly kind: "loss"; readonly target?: Target; readonly losses: readonly Loss[] }
  | { readonly kind: "rate_limit"; readonly headers: Readonly<Record<string, string>> }
  | { readonly kind: "usage"; readonly usage: Usage }
  | { readonly kind: "cache"; readonly status: "hit" | "miss" | "bypass" };

/**
 * The append-only record of a request. Accounting, metrics, response headers and the trace are made from it, so a stage
 * has one place to say what it did.
 */
export class Trail {
  readonly #entries: TrailEntry[] = [];

  note(entry: TrailEntry): void {
    this.#entries.push(entry);
  }

  get entries(): readonly TrailEntry[] {
    return this.#entries;
  }

  /** The latest entry of a kind. */
  last<K extends TrailEntry["kind"]>(kind: K): Extract<TrailEntry, { kind: K }> | undefined {
    for (let i = this.#entries.length - 1; i >= 0; i--) {
      const entry = this.#entries[i];
      // The kind decides the variant; TypeScript does not narrow a union by a generic literal.
      if (entry?.kind === kind) return entry as Extract<TrailEntry, { kind: K }>;
    }
    return undefined;
  }

  count(kind: TrailEntry["kind"]): number {
    let n = 0;
    for (const entry of this.#entries) if (entry.kind === kind) n++;
    return n;
  }
}

/** What travels with a request through every stage, as the last argument. Derived, never changed; `trail` alone grows. */
export interface RequestContext {
  readonly requestId: string;
  readonly operation: Operation;
  readonly protocol: Protocol;
  /** Aborts on hang-up, deadline and shutdown alike; its reason is a GatewayError (`canceled`, `timeout`, `draining`). */
  readonly signal: AbortSignal;
  /** When the caller gives up, on `Clock.nowMs()`; null without a deadline. */
  readonly deadlineMs: number | null;
  readonly startedMs: number;
  readonly log: Log;
  readonly trail: Trail;
  /** Names the request, so that sending it again gives the same answer. As the caller gave it, unchecked. */
  readonly idempotencyKey?: string;
  /** W3C trace context of the caller, passed on to the provider only where configured. */
  readonly traceparent?: string;
}
