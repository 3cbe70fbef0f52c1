import { type RequestContext, Trail, type TrailEntry } from "../domain/context.ts";
import { GatewayError, toGatewayError } from "../domain/errors.ts";
import type { Log } from "../domain/log.ts";
import type { KeyAsk, KeyClaim, Piece } from "./key-messages.ts";
import type { OwnOnce } from "./once.ts";
import { maxAheadBytes, sizeOfBatch } from "./shared-answer.ts";

interface Reader {
  readonly leaving: AbortController;
  unreadBytes: number;
  wake: () => void;
}

/** Those in other processes who read an answer that is made here, no further ahead than a reader here may be. */
export class KeyReaders {
  readonly #once: OwnOnce;
  readonly #ask: (ask: KeyAsk) => void;
  readonly #log: Log;
  readonly #readers = new Map<number, Reader>();
  #waiting: (() => void)[] = [];

  constructor(once: OwnOnce, ask: (ask: KeyAsk) => void, log: Log) {
    this.#once = once;
    this.#ask = ask;
    this.#log = log;
  }

  async serve(reading: number, { key, fingerprint, requestId }: KeyClaim): Promise<void> {
    const reader: Reader = { leaving: new AbortController(), unreadBytes: 0, wake: () => {} };
    this.#readers.set(reading, reader);
    const context = contextFor(requestId, reader.leaving.signal, this.#log);
    const send = (piece: Piece) => this.#ask({ kind: "piece", reading, piece });
    const notes = unsentOf(context.trail);
    try {
      // A request here that has just been told that the key is its own begins before this turn is over.
      await new Promise((resolve) => setImmediate(resolve));
      const answer = this.#once.join(key, fingerprint, context);
      if (answer === null) return this.#ask({ kind: "gone", reading });
      for await (const frames of answer) {
        reader.unreadBytes += sizeOfBatch(frames);
        send({ kind: "frames", frames, notes: notes() });
        while (reader.unreadBytes > maxAheadBytes && !reader.leaving.signal.aborted) {
          await new Promise<void>((wake) => {
            reader.wake = wake;
          });
        }
      }
      send({ kind: "end", notes: notes() });
    } catch (error) {
      // Its cause stays here, where it is logged.
      const { code, message, detail } = toGatewayError(error);
      send({ kind: "fail", error: { code, message, detail }, notes: notes() });
    } finally {
      this.#readers.delete(reading);
      if (this.#readers.size === 0) for (const done of this.#waiting.splice(0)) done();
    }
  }

  taken(reading: number, bytes: number): void {
    const reader = this.#readers.get(reading);
    if (reader === undefined) return;
    reader.unreadBytes -= bytes;
    reader.wake();
  }

  leave(reading: number): void {
    const reader = this.#readers.get(reading);
    reader?.leaving.abort(new GatewayError("canceled", "The reader went away."));
    reader?.wake();
  }

  leaveAll(): void {
    for (const reading of this.#readers.keys()) this.leave(reading);
  }

  /** Resolves when nobody reads any more. */
  gone(): Promise<void> {
    return this.#readers.size === 0 ? Promise.resolve() : new Promise((done) => this.#waiting.push(done));
  }
}

/** What has been noted since it was last asked. */
function unsentOf({ entries }: Trail): () => readonly TrailEntry[] {
  let sent = 0;
  return () => {
    const notes = entries.slice(sent);
    sent += notes.length;
    return notes;
  };
}

/** The reader, as the answer's maker sees it; its deadline and hang-up come as its leaving. */
function contextFor(requestId: string, signal: AbortSignal, log: Log): RequestContext {
  const trail = new Trail();
  return { requestId, operation: "chat", protocol: "rest", signal, deadlineMs: null, startedMs: 0, log, trail };
}
