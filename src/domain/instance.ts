import type { Secret } from "./secret.ts";

/** A configured provider: one base URL with its credential. Several may share a kind. */
export interface ProviderInstance {
  /** Name in `instance/model`, such as `openai-east`. */
  readonly name: string;
  /** Provider kind, such as `openai`: which adapter translates. */
  readonly provider: string;
  /** As the official SDKs take it: `https://api.openai.com/v1`, `https://api.anthropic.com`. No trailing slash. */
  readonly baseUrl: string;
  /** Unix socket to connect to instead of the base URL's host; for the embedded simulator. */
  readonly socketPath: string | null;
  readonly apiKey: Secret | null;
  /** Configured models: served even if the provider's own list cannot be read. */
  readonly models: readonly string[];
  readonly wire: "exact" | "repair";
  /** Whether answers come from the simulator and say so. */
  readonly simulated: boolean;
  /** Further request headers, such as `anthropic-version`. Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
}

/** How long each phase of an attempt may take. Milliseconds; null is no bound. */
export interface Bounds {
  readonly connectMs: number;
  /** Streams: until the response headers. Unary answers are bounded by `totalMs`: their headers come last. */
  readonly firstByteMs: number;
  /** Streams: until the first event with content, reasoning or a tool call. */
  readonly firstTokenMs: number;
  /** Streams: between two network reads. */
  readonly idleMs: number;
  readonly totalMs: number;
}
