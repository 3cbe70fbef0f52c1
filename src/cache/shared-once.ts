import type { ChatCall, Frame } from "../domain/chat.ts";
import { type Caller, type RequestContext, Trail, type TrailEntry } from "../domain/context.ts";
import { GatewayError, toGatewayError } from "../domain/errors.ts";
import type { Log } from "../domain/log.ts";
import {
  type KeyAnswer,
  type KeyAsk,
  type KeyClaim,
  ownerEnded,
  type PackedError,
  type Piece,
} from "./key-messages.ts";
import { checkKey, fingerprintOf, keyOf, type Once, type OwnOnce } from "./once.ts";
import { maxAheadBytes, sizeOfBatch } from "./shared-answer.ts";

type Answer = AsyncIterable<readonly Frame[]>;
type Life = (own: RequestContext) => Answer;

export interface SharedOnceParts {
  /** What this process makes and remembers. @param forgotten told when it has nothing under a key any more */
  readonly own: (forgotten: (key: string) => void) => OwnOnce;
  /** Sends to the owners' register; its answers come to `take`. */
  readonly ask: (ask: KeyAsk) => void;
  readonly log: Log;
}

/** Answers that are made once over several workers. */
export interface SharedOnce extends Once {
  /** What the register says. */
  take(answer: KeyAnswer): void;
  /** The register is gone: from now on this process is alone. */
  lose(): void;
  /** Resolves when nobody elsewhere reads an answer of this process. */
  unread(): Promise<void>;
}

/** A request here that asked whose its key is. */
interface Claimed {
  readonly pieces: Piece[];
  isOurs: boolean;
  /** Whether it has been told anything of another's answer. */
  isTold: boolean;
  wake: () => void;
}

/** Somebody elsewhere who reads an answer of this process. */
interface Reader {
  readonly leaving: AbortController;
  unreadBytes: number;
  wake: () => void;
}

/**
 * Requests with the same idempotency key are made once, whichever workers they come to: the first worker that asks owns
 * the key, and the others read its answer. Requests without a key are none of its business.
 */
export function createSharedOnce({ own, ask, log }: SharedOnceParts): SharedOnce {
  const claims = new Map<number, Claimed>();
  const readers = new Map<number, Reader>();
  /** How many requests here hold on to a key, whatever is remembered under it. */
  const holds = new Map<string, number>();
  let lastClaim = 0;
  let isAlone = false;
  let allRead = Promise.withResolvers<void>();
  const once = own((key) => {
    if (!holds.has(key)) ask({ kind: "free", key });
  });

  /** While a request may still begin under a key, the key is not given up. @returns a function that lets it go */
  function hold(key: string): () => void {
    holds.set(key, (holds.get(key) ?? 0) + 1);
    return () => {
      const left = (holds.get(key) ?? 1) - 1;
      if (left > 0) return void holds.set(key, left);
      holds.delete(key);
      if (!once.has(key)) ask({ kind: "free", key });
    };
  }

  async function* keyed(call: ChatCall, caller: Caller, context: RequestContext, life: Life): Answer {
    checkKey(context.idempotencyKey);
    const key = keyOf(caller, context);
    const letGo = hold(key);
    try {
      if (isAlone || once.has(key)) yield* once.keyed(call, caller, context, life);
      else yield* claimed(key, call, caller, context, life);
    } finally {
      letGo();
    }
  }

  async function* claimed(key: string, call: ChatCall, caller: Caller, context: RequestContext, life: Life): Answer {
    const { signal, requestId, trail } = context;
    const id = ++lastClaim;
    const claim: Claimed = { pieces: [], isOurs: false, isTold: false, wake: () => {} };
    const leave = () => {
      if (claims.delete(id)) ask({ kind: "leave", id });
      claim.wake();
    };
    claims.set(id, claim);
    signal.addEventListener("abort", leave, { once: true });
    ask({ kind: "claim", id, key, fingerprint: fingerprintOf(call), requestId });
    try {
      for (;;) {
        const piece = claim.pieces.shift();
        if (signal.aborted && piece?.kind !== "end") throw signal.reason;
        if (claim.isOurs) return yield* once.keyed(call, caller, context, life);
        if (piece === undefined) {
          await new Promise<void>((wake) => {
            claim.wake = wake;
          });
          continue;
        }
        for (const note of piece.notes) trail.note(note);
        if (piece.kind === "end") return;
        if (piece.kind === "fail") throw unpacked(piece.error);
        yield piece.frames;
        ask({ kind: "taken", id, bytes: sizeOfBatch(piece.frames) });
      }
    } finally {
      signal.removeEventListener("abort", leave);
      leave();
    }
  }

  /** Reads an answer of this process for somebody elsewhere, no further ahead than a reader here may be. */
  async function serve(reading: number, { key, fingerprint, requestId }: KeyClaim): Promise<void> {
    const reader: Reader = { leaving: new AbortController(), unreadBytes: 0, wake: () => {} };
    readers.set(reading, reader);
    const context = contextFor(requestId, reader.leaving.signal, log);
    const send = (piece: Piece) => ask({ kind: "piece", reading, piece });
    const notes = unsentOf(context.trail);
    try {
      // A request here that has just been told that the key is its own begins before this turn is over.
      await new Promise((resolve) => setImmediate(resolve));
      const answer = once.join(key, fingerprint, context);
      if (answer === null) return ask({ kind: "gone", reading });
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
      send({ kind: "fail", error: packed(toGatewayError(error)), notes: notes() });
    } finally {
      readers.delete(reading);
      if (readers.size === 0) allRead.resolve();
    }
  }

  return {
    single: once.single,
    keyed(call, caller, context, life) {
      return context.idempotencyKey === undefined ? life(context) : keyed(call, caller, context, life);
    },
    take(answer) {
      switch (answer.kind) {
        case "yours":
        case "piece": {
          const claim = claims.get(answer.id);
          if (claim === undefined) return;
          if (answer.kind === "yours") claim.isOurs = true;
          else claim.pieces.push(answer.piece);
          claim.isTold = true;
          // Nobody waits any more for what the key was claimed for; whoever let go of it says so.
          if (isLast(answer)) claims.delete(answer.id);
          return claim.wake();
        }
        case "read":
          return void serve(answer.reading, answer.claim);
        case "taken": {
          const reader = readers.get(answer.reading);
          if (reader) reader.unreadBytes -= answer.bytes;
          return reader?.wake();
        }
        case "leave": {
          const reader = readers.get(answer.reading);
          reader?.leaving.abort(new GatewayError("canceled", "The reader went away."));
          return reader?.wake();
        }
      }
    },
    lose() {
      isAlone = true;
      for (const [id, claim] of claims) {
        claims.delete(id);
        if (claim.isTold) claim.pieces.push({ kind: "fail", error: ownerEnded, notes: [] });
        else claim.isOurs = true;
        claim.wake();
      }
      for (const { leaving, wake } of readers.values()) {
        leaving.abort(new GatewayError("canceled", "The reader cannot be reached."));
        wake();
      }
    },
    unread() {
      if (readers.size === 0) return Promise.resolve();
      allRead = Promise.withResolvers();
      return allRead.promise;
    },
  };
}

/** Whether it is the last thing that a claim is told. */
function isLast(answer: Extract<KeyAnswer, { kind: "yours" | "piece" }>): boolean {
  return answer.kind === "yours" || answer.piece.kind !== "frames";
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

function packed({ code, message, detail }: GatewayError): PackedError {
  return { code, message, detail };
}

function unpacked({ code, message, detail }: PackedError): GatewayError {
  return new GatewayError(code, message, detail);
}
