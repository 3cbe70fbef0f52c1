import type { PromptCache } from "./prompt-cache.ts";

/** One request to the simulator. */
export interface Exchange {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** Parsed JSON, or the members of a form; undefined when the request has no body. */
  readonly body: unknown;
  /** As it came, for signatures over it. */
  readonly raw: { readonly url: string; readonly bytes: Uint8Array };
  readonly requestId: string;
  /** Rises by one with each request: makes ids that differ and are the same in every run. */
  readonly sequence: number;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly cache: PromptCache;
}

export type Reply = WholeReply | StreamReply;

export interface WholeReply {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** Written as JSON. */
  readonly body: unknown;
}

export interface StreamReply {
  /** Media type of the stream; that of server-sent events by default. */
  readonly contentType?: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly events: Iterable<StreamEvent>;
  /** The event by which this provider reports a failure after the head. */
  readonly errorEvent: string | Uint8Array;
}

export interface StreamEvent {
  /** The event in full, with what ends it. */
  readonly text: string | Uint8Array;
  /** Whether it carries a token: those come at the configured pace. */
  readonly token: boolean;
}

/** One provider's wire format. */
export interface Dialect {
  /** @returns null where the provider has no such route */
  readonly route: (exchange: Exchange) => (() => Reply) | null;
  /** @throws WireError when the request shows no key, or one that is known to be wrong */
  readonly authenticate: (headers: Readonly<Record<string, string>>, exchange: Exchange) => void;
  readonly renderError: (error: Error, requestId: string) => WholeReply;
  /** How this provider says that it fails with a status. */
  readonly failureOf: (status: number, retryAfterSeconds: number) => Error;
  /** The model that the request names, in its body or its path. */
  readonly modelOf: (body: unknown, path?: string) => string | null;
}
