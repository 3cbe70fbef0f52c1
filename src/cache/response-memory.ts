import type { Clock } from "../domain/clock.ts";
import type { ResponseBounds, StoredResponse } from "../domain/response-store.ts";

interface Entry {
  readonly callerId: string;
  readonly stored: StoredResponse;
  readonly bytes: number;
  readonly endsMs: number;
}

/** Beside what a response holds itself. Bytes, about. */
const entryBytes = 512;

/**
 * Responses in memory, oldest first. When there are too many, too large or too old ones, the oldest go. Age counts from
 * the keeping, not from the last use: what is gone does not depend on who looked.
 */
export class ResponseMemory {
  readonly #clock: Clock;
  #bounds: ResponseBounds;
  /** In the order in which they were kept, which is that of their ends. */
  readonly #entries = new Map<string, Entry>();
  readonly #byItem = new Map<string, string>();
  #bytes = 0;

  constructor(clock: Clock, bounds: ResponseBounds) {
    this.#clock = clock;
    this.#bounds = bounds;
  }

  get count(): number {
    return this.#entries.size;
  }

  put(callerId: string, stored: StoredResponse): void {
    const key = keyOf(callerId, stored.id);
    this.#remove(key);
    const bytes = sizeOf(stored);
    // One that has no room beside all others must not push them out.
    if (bytes > this.#bounds.maxBytes) return;
    this.#entries.set(key, { callerId, stored, bytes, endsMs: this.#clock.nowMs() + this.#bounds.ttlMs });
    this.#bytes += bytes;
    for (const id of stored.itemIds) this.#byItem.set(keyOf(callerId, id), key);
    this.#tidy();
  }

  get(callerId: string, id: string): StoredResponse | null {
    this.#tidy();
    return this.#entries.get(keyOf(callerId, id))?.stored ?? null;
  }

  holding(callerId: string, itemId: string): StoredResponse | null {
    this.#tidy();
    const key = this.#byItem.get(keyOf(callerId, itemId));
    return key === undefined ? null : (this.#entries.get(key)?.stored ?? null);
  }

  delete(callerId: string, id: string): boolean {
    this.#tidy();
    return this.#remove(keyOf(callerId, id));
  }

  /** Other bounds from now on; ends that are set stay. */
  limit(bounds: ResponseBounds): void {
    this.#bounds = bounds;
    this.#tidy();
  }

  #tidy(): void {
    const nowMs = this.#clock.nowMs();
    for (const [key, { endsMs }] of this.#entries) {
      const { maxCount, maxBytes } = this.#bounds;
      if (this.#entries.size <= maxCount && this.#bytes <= maxBytes && endsMs > nowMs) return;
      this.#remove(key);
    }
  }

  #remove(key: string): boolean {
    const entry = this.#entries.get(key);
    if (entry === undefined) return false;
    this.#entries.delete(key);
    this.#bytes -= entry.bytes;
    for (const id of entry.stored.itemIds) {
      const item = keyOf(entry.callerId, id);
      if (this.#byItem.get(item) === key) this.#byItem.delete(item);
    }
    return true;
  }
}

/** No id of a caller holds a line end. */
function keyOf(callerId: string, id: string): string {
  return `${callerId}\n${id}`;
}

/** At most two bytes for each UTF-16 unit. */
function sizeOf({ id, response, input, itemIds }: StoredResponse): number {
  const units = itemIds.reduce((sum, one) => sum + 2 * one.length, id.length + response.length + input.length);
  return 2 * units + entryBytes;
}
