import type { ChatCall, Frame } from "../domain/chat.ts";
import type { Caller, RequestContext } from "../domain/context.ts";
import { GatewayError } from "../domain/errors.ts";
import type { Log } from "../domain/log.ts";
import { type KeyAnswer, type KeyAsk, ownerEnded, type PackedError, type Piece } from "./key-messages.ts";
import { KeyReaders } from "./key-readers.ts";
import { checkKey, fingerprintOf, keyOf, type Once, type OwnOnce } from "./once.ts";
import { sizeOfBatch } from "./shared-answer.ts";

type Answer = AsyncIterable<readonly Frame[]>;
type Life = (own: RequestContext) => Answer;

export interface SharedOnceParts {
  /** What this process makes and remembers. @param forgotten told when it has nothing under a key any more */
  readonly own: (forgotten: (key: string) => void) => OwnOnce;
  /** Sends to the owners' register; its answers come to `take`. */
  readonly ask: (ask: KeyAsk) => void;
  readonly log: Log;
}

/** A request here that asked whose its key is. */
interface Claim {
  readonly id: number;
  readonly pieces: Piece[];
  isOurs: boolean;
  /** Whether it has been told anything. */
  isTold: boolean;
  wake: () => void;
}

/**
 * Requests with the same idempotency key are made once, whichever workers they come to: the first worker that asks owns
 * the key, and the others read its answer. Requests without a key are none of its business.
 */
export class SharedOnce implements Once {
  readonly #once: OwnOnce;
  readonly #ask: (ask: KeyAsk) => void;
  readonly #readers: KeyReaders;
  readonly #claims = new Map<number, Claim>();
  /** How many requests here hold on to a key, whatever is remembered under it. */
  readonly #holds = new Map<string, number>();
  #lastClaim = 0;
  #isAlone = false;

  constructor({ own, ask, log }: SharedOnceParts) {
    this.#ask = ask;
    this.#once = own((key) => {
      if (!this.#holds.has(key)) ask({ kind: "free", key });
    });
    this.#readers = new KeyReaders(this.#once, ask, log);
  }

  single(call: ChatCall, caller: Caller, context: RequestContext, life: Life): Answer {
    return this.#once.single(call, caller, context, life);
  }

  keyed(call: ChatCall, caller: Caller, context: RequestContext, life: Life): Answer {
    return context.idempotencyKey === undefined ? life(context) : this.#held(call, caller, context, life);
  }

  /** What the register says. */
  take(answer: KeyAnswer): void {
    switch (answer.kind) {
      case "yours":
      case "piece":
        return this.#told(answer);
      case "read":
        return void this.#readers.serve(answer.reading, answer.claim);
      case "taken":
        return this.#readers.taken(answer.reading, answer.bytes);
      case "leave":
        return this.#readers.leave(answer.reading);
    }
  }

  /** The register is gone: from now on this process is alone. */
  lose(): void {
    this.#isAlone = true;
    for (const claim of this.#claims.values()) {
      if (claim.isTold) claim.pieces.push({ kind: "fail", error: ownerEnded, notes: [] });
      else claim.isOurs = true;
      claim.wake();
    }
    this.#claims.clear();
    this.#readers.leaveAll();
  }

  /** Resolves when nobody elsewhere reads an answer of this process. */
  unread(): Promise<void> {
    return this.#readers.gone();
  }

  /** While a request may still begin under a key, the key is not given up. */
  async *#held(call: ChatCall, caller: Caller, context: RequestContext, life: Life): Answer {
    checkKey(context.idempotencyKey);
    const key = keyOf(caller, context);
    this.#holds.set(key, (this.#holds.get(key) ?? 0) + 1);
    try {
      if (!this.#isAlone && !this.#once.has(key)) {
        const isOurs = yield* this.#elsewhere(key, call, context);
        if (!isOurs) return;
      }
      yield* this.#once.keyed(call, caller, context, life);
    } finally {
      const left = (this.#holds.get(key) ?? 1) - 1;
      if (left > 0) this.#holds.set(key, left);
      else this.#holds.delete(key);
      if (left <= 0 && !this.#once.has(key)) this.#ask({ kind: "free", key });
    }
  }

  /** The answer that another worker makes. @returns whether there is none, and the key is our own */
  async *#elsewhere(key: string, call: ChatCall, context: RequestContext): AsyncGenerator<readonly Frame[], boolean> {
    const { signal, requestId, trail } = context;
    const claim: Claim = { id: ++this.#lastClaim, pieces: [], isOurs: false, isTold: false, wake: () => {} };
    const { id } = claim;
    const leave = () => {
      if (this.#claims.delete(id)) this.#ask({ kind: "leave", id });
      claim.wake();
    };
    this.#claims.set(id, claim);
    signal.addEventListener("abort", leave, { once: true });
    this.#ask({ kind: "claim", id, key, fingerprint: fingerprintOf(call), requestId });
    try {
      for (;;) {
        const piece = claim.pieces.shift();
        // Whoever has all of it has nothing to be told any more.
        if (signal.aborted && piece?.kind !== "end") throw signal.reason;
        if (claim.isOurs) return true;
        if (piece === undefined) {
          await new Promise<void>((wake) => {
            claim.wake = wake;
          });
          continue;
        }
        for (const note of piece.notes) trail.note(note);
        if (piece.kind === "end") return false;
        if (piece.kind === "fail") throw unpacked(piece.error);
        yield piece.frames;
        this.#ask({ kind: "taken", id, bytes: sizeOfBatch(piece.frames) });
      }
    } finally {
      signal.removeEventListener("abort", leave);
      leave();
    }
  }

  #told(answer: Extract<KeyAnswer, { kind: "yours" | "piece" }>): void {
    const claim = this.#claims.get(answer.id);
    if (claim === undefined) return;
    claim.isTold = true;
    if (answer.kind === "yours") claim.isOurs = true;
    else claim.pieces.push(answer.piece);
    const isLast = answer.kind === "yours" || answer.piece.kind !== "frames";
    if (isLast) this.#claims.delete(answer.id);
    claim.wake();
  }
}

function unpacked({ code, message, detail }: PackedError): GatewayError {
  return new GatewayError(code, message, detail);
}
