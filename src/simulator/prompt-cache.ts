import { createHash } from "node:crypto";

const maxEntries = 1_024;

/** Remembers which beginnings of prompts were sent before, as the providers' prompt caches do. */
export class PromptCache {
  readonly #seen = new Set<string>();

  /** Whether this beginning was there already; from now on it is. */
  visit(beginning: string): boolean {
    const key = createHash("sha256").update(beginning).digest("base64");
    const known = this.#seen.delete(key);
    this.#seen.add(key);
    const [oldest] = this.#seen;
    if (this.#seen.size > maxEntries && oldest !== undefined) this.#seen.delete(oldest);
    return known;
  }
}
