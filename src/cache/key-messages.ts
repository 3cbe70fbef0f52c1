import type { Frame } from "../domain/chat.ts";
import type { TrailEntry } from "../domain/context.ts";
import type { ErrorCode, ErrorDetail } from "../domain/errors.ts";

/** A request with an idempotency key, as a worker asks for it. */
export interface KeyClaim {
  /** Tells the claims of one worker apart. */
  readonly id: number;
  /** The caller's id and its key. */
  readonly key: string;
  readonly fingerprint: string;
  readonly requestId: string;
}

/** A failure on its way between processes; its cause stays where it happened. */
export interface PackedError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly detail: ErrorDetail;
}

/** What a reader gets: pieces, then one end. `notes` are what belongs into its trail before it. */
export type Piece =
  | { readonly kind: "frames"; readonly frames: readonly Frame[]; readonly notes: readonly TrailEntry[] }
  | { readonly kind: "end"; readonly notes: readonly TrailEntry[] }
  | { readonly kind: "fail"; readonly error: PackedError; readonly notes: readonly TrailEntry[] };

/** What a worker says about keys. */
export type KeyAsk =
  | ({ readonly kind: "claim" } & KeyClaim)
  /** The reader has taken so much of the answer. Bytes. */
  | { readonly kind: "taken"; readonly id: number; readonly bytes: number }
  /** The reader has gone, or has all of it. */
  | { readonly kind: "leave"; readonly id: number }
  /** The owner has nothing under this key any more. */
  | { readonly kind: "free"; readonly key: string }
  /** The owner's side of a reading. */
  | { readonly kind: "piece"; readonly reading: number; readonly piece: Piece }
  /** The owner has nothing to read under the key that was asked for. */
  | { readonly kind: "gone"; readonly reading: number };

/** What a worker is told. */
export type KeyAnswer =
  /** The key is its own: it makes the answer, or has it. */
  | { readonly kind: "yours"; readonly id: number }
  /** The key is another's, and this is a piece of its answer. */
  | { readonly kind: "piece"; readonly id: number; readonly piece: Piece }
  /** To the owner: somebody else reads. */
  | { readonly kind: "read"; readonly reading: number; readonly claim: KeyClaim }
  | { readonly kind: "taken"; readonly reading: number; readonly bytes: number }
  | { readonly kind: "leave"; readonly reading: number };

/** What those get who read the answer of a process that is gone. */
export const ownerEnded: PackedError = {
  code: "service_unavailable",
  message: "The process that made the answer of this idempotency key has ended. Send the request again.",
  detail: { retryable: true },
};
