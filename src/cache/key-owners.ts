import { type KeyAnswer, type KeyAsk, type KeyClaim, ownerEnded } from "./key-messages.ts";

interface Worker {
  readonly send: (answer: KeyAnswer) => void;
  readonly keys: Set<string>;
  /** What it reads, by its own numbers. */
  readonly reads: Map<number, Reading>;
}

interface Ownership {
  readonly owner: Worker;
  /** When the owner was last told that the key is its own. Turns. */
  claimedAt: number;
}

/** Somebody who reads the answer of another worker. */
interface Reading {
  readonly number: number;
  readonly reader: Worker;
  readonly claim: KeyClaim;
  readonly owner: Worker;
  readonly askedAt: number;
}

/** Keys at most. Further answers are made without being shared, as in a single process. */
const maxKeys = 200_000;

/**
 * Which worker makes, or has, the answer of each idempotency key: the first that asks. The others are given what it
 * answers, piece by piece, through here.
 */
export class KeyOwners {
  readonly #owners = new Map<string, Ownership>();
  readonly #readings = new Map<number, Reading>();
  #lastReading = 0;
  /** Orders what the owner was told, so that an answer that crossed it is known for old. */
  #turn = 0;

  /** A worker. @returns who takes what it says, and its end */
  join(send: (answer: KeyAnswer) => void): { take(ask: KeyAsk): void; end(): void } {
    const worker: Worker = { send, keys: new Set(), reads: new Map() };
    return { take: (ask) => this.#take(worker, ask), end: () => this.#end(worker) };
  }

  #take(worker: Worker, ask: KeyAsk): void {
    switch (ask.kind) {
      case "claim":
        return this.#claim(worker, ask);
      case "taken":
        return this.#tellOwner(worker.reads.get(ask.id), (reading) => ({ kind: "taken", reading, bytes: ask.bytes }));
      case "leave":
        return this.#tellOwner(this.#close(worker.reads.get(ask.id)), (reading) => ({ kind: "leave", reading }));
      case "free":
        if (this.#owners.get(ask.key)?.owner === worker) this.#free(ask.key);
        return;
      case "piece": {
        const reading = this.#readings.get(ask.reading);
        if (reading?.owner !== worker) return;
        if (ask.piece.kind !== "frames") this.#close(reading);
        return reading.reader.send({ kind: "piece", id: reading.claim.id, piece: ask.piece });
      }
      case "gone":
        return this.#gone(worker, ask.reading);
    }
  }

  #claim(worker: Worker, claim: KeyClaim): void {
    const known = this.#owners.get(claim.key);
    if (known !== undefined && known.owner !== worker) return this.#read(worker, claim, known.owner);
    if (known !== undefined) known.claimedAt = ++this.#turn;
    else if (this.#owners.size < maxKeys) {
      this.#owners.set(claim.key, { owner: worker, claimedAt: ++this.#turn });
      worker.keys.add(claim.key);
    }
    worker.send({ kind: "yours", id: claim.id });
  }

  #read(reader: Worker, claim: KeyClaim, owner: Worker): void {
    const number = ++this.#lastReading;
    const reading = { number, reader, claim, owner, askedAt: ++this.#turn };
    this.#readings.set(number, reading);
    reader.reads.set(claim.id, reading);
    owner.send({ kind: "read", reading: number, claim });
  }

  /** The owner forgot the key before it was asked. Unless it has begun anew since, the reader may have it. */
  #gone(worker: Worker, number: number): void {
    const reading = this.#readings.get(number);
    if (reading?.owner !== worker) return;
    this.#close(reading);
    const { key } = reading.claim;
    const known = this.#owners.get(key);
    if (known?.owner === worker && known.claimedAt < reading.askedAt) this.#free(key);
    this.#claim(reading.reader, reading.claim);
  }

  #tellOwner(reading: Reading | undefined, answer: (reading: number) => KeyAnswer): void {
    reading?.owner.send(answer(reading.number));
  }

  #close(reading: Reading | undefined): Reading | undefined {
    if (reading === undefined) return undefined;
    this.#readings.delete(reading.number);
    reading.reader.reads.delete(reading.claim.id);
    return reading;
  }

  #free(key: string): void {
    this.#owners.get(key)?.owner.keys.delete(key);
    this.#owners.delete(key);
  }

  /** Its keys are free again; those who read from it are told that nothing more comes. */
  #end(worker: Worker): void {
    for (const key of worker.keys) this.#free(key);
    for (const reading of this.#readings.values()) {
      if (reading.owner !== worker && reading.reader !== worker) continue;
      this.#close(reading);
      if (reading.reader === worker) reading.owner.send({ kind: "leave", reading: reading.number });
      else
        reading.reader.send({
          kind: "piece",
          id: reading.claim.id,
          piece: { kind: "fail", error: ownerEnded, notes: [] },
        });
    }
  }
}
