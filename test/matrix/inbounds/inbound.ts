import type { Ask } from "../ask.ts";
import type { FeatureName } from "../features.ts";
import type { Seen } from "../seen.ts";

/** A protocol in which callers ask: how a question is written in it, and an answer read. */
export interface Inbound {
  readonly name: string;
  /** Features that its format has no words for, and why. */
  readonly cannot: Partial<Readonly<Record<FeatureName, string>>>;
  /** Providers that have another column for what it asks of them, and why. */
  readonly elsewhere?: Readonly<Record<string, string>>;
  /** Whether it can mark what the provider shall cache. */
  readonly marksCache: boolean;
  ask(ask: Ask, gateway: string): Promise<Seen>;
}

/** What came back over HTTP. */
export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

export async function post(url: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Reply> {
  const reply = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  return { status: reply.status, headers: reply.headers, text: await reply.text() };
}

/** The entries of the loss header. */
export function lossesIn(header: string | null): readonly string[] {
  return header === null || header === "" ? [] : header.split(", ");
}

/** Seconds of a `retry-after` header; null when there is none. */
export function retryAfterIn(headers: Headers): number | null {
  const value = headers.get("retry-after");
  return value === null ? null : Number(value);
}
