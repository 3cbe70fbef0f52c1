import type { Frame } from "../domain/chat.ts";
import type { RequestContext } from "../domain/context.ts";

type Answer = AsyncIterable<readonly Frame[]>;

/**
 * What may be ahead of the slowest reader: then the provider waits, as for a single reader. With what the connection
 * itself holds, below 256 KiB. Bytes.
 */
export const maxAheadBytes = 128 * 1024;
/** Answers above this are not kept for those who come later. Bytes. */
const maxKeptBytes = 4 * 1024 * 1024;

interface Reader {
  /** Batches read so far, those that are not held any more included. */
  position: number;
  readonly context: RequestContext;
  wake: () => void;
}

/**
 * One answer for several requests. It is made once, under a signal of its own that aborts when nobody reads any more,
 * and as fast as its slowest reader reads.
 */
export class SharedAnswer {
  /** What the request that makes it was. */
  readonly fingerprint: string;
  readonly owner: RequestContext;
  readonly #batches: (readonly Frame[])[] = [];
  /** Bytes up to the end of each batch. */
  readonly #ends: number[] = [];
  /** Batches before the first that is held, and their bytes. */
  #dropped = 0;
  #droppedBytes = 0;
  readonly #readers = new Set<Reader>();
  readonly #abort = new AbortController();
  #state: "running" | "complete" | "failed" = "running";
  #error: unknown;
  #tooLong = false;
  #wakeMaker = () => {};
  /** The reader on whose trail the answer is counted; null once it is finished or that reader was the last. */
  #counted: Reader | null = null;

  constructor(fingerprint: string, owner: RequestContext) {
    this.fingerprint = fingerprint;
    this.owner = owner;
  }

  get state(): "running" | "complete" | "failed" {
    return this.#state;
  }

  /** Whether somebody who comes now gets all of it. */
  get open(): boolean {
    return !this.#tooLong && this.#state !== "failed" && !this.left;
  }

  /** Whether everybody went away before it was made. */
  get left(): boolean {
    return this.#abort.signal.aborted;
  }

  get bytes(): number {
    return this.#ends.at(-1) ?? this.#droppedBytes;
  }

  /** What of it is in memory. */
  get heldBytes(): number {
    return this.bytes - this.#droppedBytes;
  }

  /**
   * Makes the answer. Called once, when its first reader has come.
   * @param life the rest of the request's life, under a context that outlives its caller
   * @param over called when it has ended
   */
  async make(life: (own: RequestContext) => Answer, over: () => void): Promise<void> {
    const latest = () => this.#deadlineMs();
    const own: RequestContext = {
      ...this.owner,
      signal: this.#abort.signal,
      get deadlineMs() {
        return latest();
      },
    };
    try {
      for await (const frames of life(own)) {
        this.#batches.push(frames);
        this.#ends.push(this.bytes + sizeOfBatch(frames));
        if (this.bytes > maxKeptBytes) this.#tooLong = true;
        this.#wakeAll();
        while (this.#ahead() > maxAheadBytes && !this.#abort.signal.aborted) await this.#untilRead();
      }
      this.#state = "complete";
    } catch (error) {
      this.#state = "failed";
      this.#error = error;
    }
    this.#counted = null;
    over();
    this.#wakeAll();
  }

  /** All of the answer, then what is still to come. @throws what the answer failed with; the signal's reason */
  async *read(context: RequestContext): Answer {
    const reader: Reader = { position: 0, context, wake: () => {} };
    const { signal } = context;
    // Leaves at once, even while its consumer is busy: nobody else may be reading.
    const onAbort = () => {
      this.#leave(reader, signal.reason);
      reader.wake();
    };
    this.#enter(reader);
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      for (;;) {
        const batch = this.#batches[reader.position - this.#dropped];
        // Whoever has all of it has nothing to be told any more.
        const isOver = batch === undefined && this.#state === "complete";
        if (signal.aborted && !isOver) throw signal.reason;
        if (batch !== undefined) {
          reader.position++;
          this.#drop();
          this.#wakeMaker();
          yield batch;
        } else if (this.#state === "complete") return;
        else if (this.#state === "failed") throw this.#error;
        else {
          await new Promise<void>((wake) => {
            reader.wake = wake;
          });
        }
      }
    } finally {
      signal.removeEventListener("abort", onAbort);
      this.#leave(reader, undefined);
    }
  }

  #enter(reader: Reader): void {
    this.#readers.add(reader);
    if (this.#state === "running") this.#counted ??= reader;
  }

  #leave(reader: Reader, reason: unknown): void {
    if (!this.#readers.delete(reader)) return;
    const [heir] = this.#readers;
    if (this.#counted === reader) {
      this.#counted = heir ?? null;
      // What it uses must count once, with somebody who is still there.
      if (heir !== undefined) {
        reader.context.trail.note({ kind: "replayed", status: "joined", of: heir.context.requestId });
        heir.context.trail.note({ kind: "adopted" });
        // Grows with the answer: should it break off, what it used is estimated from there.
        const streaming = this.owner.trail.last("streaming");
        if (streaming !== undefined) heir.context.trail.note(streaming);
      }
    }
    if (heir === undefined && this.#state === "running") this.#abort.abort(reason ?? this.#left());
    this.#wakeMaker();
  }

  /** When the last of those who wait gives up; null while one has all the time. */
  #deadlineMs(): number | null {
    let latestMs = Number.NEGATIVE_INFINITY;
    for (const { context } of this.#readers) {
      if (context.deadlineMs === null) return null;
      latestMs = Math.max(latestMs, context.deadlineMs);
    }
    return this.#readers.size === 0 ? null : latestMs;
  }

  #left(): unknown {
    return new DOMException("Nobody reads the answer any more.", "AbortError");
  }

  /** Bytes that the slowest reader has not taken. */
  #ahead(): number {
    if (this.#readers.size === 0) return 0;
    return this.bytes - (this.#ends[this.#slowest() - this.#dropped - 1] ?? this.#droppedBytes);
  }

  /** Batches that every reader has. */
  #slowest(): number {
    let slowest = Number.POSITIVE_INFINITY;
    for (const { position } of this.#readers) slowest = Math.min(slowest, position);
    return slowest;
  }

  /** Lets go of what all readers have, once nobody can come to read it from its beginning. */
  #drop(): void {
    if (!this.#tooLong || this.#readers.size === 0) return;
    const read = this.#slowest() - this.#dropped;
    if (read <= 0) return;
    this.#droppedBytes = this.#ends[read - 1] ?? this.#droppedBytes;
    this.#dropped += read;
    this.#batches.splice(0, read);
    this.#ends.splice(0, read);
  }

  #untilRead(): Promise<void> {
    return new Promise((wake) => {
      this.#wakeMaker = wake;
    });
  }

  #wakeAll(): void {
    for (const reader of this.#readers) reader.wake();
  }
}

/** Memory that a batch holds, roughly. Bytes. */
export function sizeOfBatch(frames: readonly Frame[]): number {
  return frames.reduce((sum, frame) => sum + sizeOf(frame), 0);
}

/** Memory that a frame holds, roughly. Bytes. */
function sizeOf({ value, wire }: Frame): number {
  const own = typeof value === "string" ? value.length * 2 : value instanceof Uint8Array ? value.length : 256;
  return 64 + own + (wire?.text.length ?? 0) * 2;
}
