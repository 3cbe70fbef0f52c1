import type { PlaceAnswer, PlaceAsk } from "../accounts/place-messages.ts";
import type { KeyAnswer, KeyAsk } from "../cache/key-messages.ts";
import type { ResponseAnswer, ResponseAsk } from "../cache/response-stores.ts";
import type { ConfigFlags, ConfigText } from "../config/load.ts";

/** What a worker starts with. Secrets are not in it: a worker reads them where the configuration says. */
export interface WorkerSetup {
  /** From 1; those that live at the same time have different ones, and a later one gets the number of one that is gone. */
  readonly number: number;
  /** The configuration as the primary read it, so that all workers have the same whatever happens to the file. */
  readonly file: ConfigText | null;
  readonly flags: ConfigFlags;
  readonly folder: string;
}

/** What the primary asks a worker. */
export type Question = "metrics" | "details";

export type ToWorker =
  | { readonly kind: "start"; readonly setup: WorkerSetup }
  /** Comes with the connection. */
  | { readonly kind: "connection" }
  /** It is about to drain: probes are told, requests are still served. */
  | { readonly kind: "unready" }
  /** End what runs, and go. `replaced`: others serve already, so that callers need not notice. */
  | { readonly kind: "drain"; readonly replaced: boolean }
  | { readonly kind: "places"; readonly answer: PlaceAnswer }
  | { readonly kind: "keys"; readonly answer: KeyAnswer }
  | { readonly kind: "responses"; readonly answer: ResponseAnswer }
  | { readonly kind: "ask"; readonly id: number; readonly question: Question };

export type FromWorker =
  /** It runs and waits for `start`. */
  | { readonly kind: "hello" }
  /** It serves. */
  | { readonly kind: "ready" }
  /** It cannot start. */
  | { readonly kind: "failed"; readonly sentence: string; readonly exitCode: number }
  /** It will end because of a fault of its own: it takes no more connections. */
  | { readonly kind: "crashing"; readonly reason: string }
  | { readonly kind: "places"; readonly ask: PlaceAsk }
  | { readonly kind: "keys"; readonly ask: KeyAsk }
  | { readonly kind: "responses"; readonly ask: ResponseAsk }
  | { readonly kind: "answer"; readonly id: number; readonly value: unknown }
  /** It goes; what it has counted, for the last time. */
  | { readonly kind: "bye"; readonly metrics: string };
