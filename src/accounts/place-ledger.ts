import type { PlaceAnswer, PlaceAsk } from "./place-messages.ts";

export interface PlaceLimits {
  /** Requests that run at the same time, in all workers together. */
  readonly maxInFlight: number;
  /** Requests that may wait beyond those. */
  readonly maxQueued: number;
}

/** Places that a worker keeps at hand at most, and so asks and gives back at a time. */
const maxBatch = 32;

interface Holder {
  readonly send: (answer: PlaceAnswer) => void;
  /** Places that it has, whether requests run on them or not. */
  held: number;
  /** Whether it was asked to give back what it does not need, and has not said that it has. */
  isRecalled: boolean;
}

interface Waiter {
  readonly holder: Holder;
  readonly id: number;
  readonly priority: number;
  /** Whether it had to wait longer than it takes to ask everybody. */
  stood: boolean;
}

/**
 * Who has the places of the running requests, over all workers: never more than there are. While there is plenty,
 * workers keep a few at hand and need not ask. When they run out, all of them give back what they do not need, and from
 * then on each place goes to the request of largest priority that has waited longest, in whichever worker it is.
 */
export class PlaceLedger {
  readonly #holders = new Set<Holder>();
  /** Largest priority first; within one, oldest first. */
  readonly #queue: Waiter[] = [];
  #limits: PlaceLimits;
  #isScarce = false;
  #saidFull = false;
  #flushing = false;

  constructor(limits: PlaceLimits) {
    this.#limits = limits;
  }

  /** Other limits from now on. Requests that run go on. */
  limit(limits: PlaceLimits): void {
    this.#limits = limits;
    this.#settle();
  }

  /** A worker that wants places. @returns who takes what it says, and its end */
  join(send: (answer: PlaceAnswer) => void): { take(ask: PlaceAsk): void; end(): void } {
    const holder: Holder = { send, held: 0, isRecalled: false };
    this.#holders.add(holder);
    if (this.#isScarce) send({ kind: "scarce" });
    if (this.#saidFull) send({ kind: "full", full: true });
    this.#lease(holder);
    return { take: (ask) => this.#take(holder, ask), end: () => this.#end(holder) };
  }

  get #free(): number {
    let held = 0;
    for (const holder of this.#holders) held += holder.held;
    return this.#limits.maxInFlight - held;
  }

  /** Small beside the limit, so that running out is rare; none where the limit is small: then all ask for each place. */
  get #batch(): number {
    return Math.min(maxBatch, Math.floor(this.#limits.maxInFlight / (8 * Math.max(1, this.#holders.size))));
  }

  #take(holder: Holder, ask: PlaceAsk): void {
    switch (ask.kind) {
      case "want":
        return this.#want({ holder, id: ask.id, priority: ask.priority, stood: false });
      case "leave": {
        const at = this.#queue.findIndex((waiter) => waiter.holder === holder && waiter.id === ask.id);
        if (at >= 0) this.#queue.splice(at, 1);
        return this.#settle();
      }
      case "back":
        // A worker cannot give what it does not have.
        holder.held -= Math.min(ask.count, holder.held);
        return this.#settle();
      case "recalled":
        holder.isRecalled = false;
        return this.#settle();
      case "more":
        return this.#lease(holder);
    }
  }

  #want(waiter: Waiter): void {
    if (this.#queue.length === 0 && this.#free > 0) {
      this.#admit(waiter);
      return this.#lease(waiter.holder);
    }
    const place = this.#queue.findLastIndex(({ priority }) => priority >= waiter.priority) + 1;
    this.#queue.splice(place, 0, waiter);
    if (!this.#isScarce) this.#recall();
    this.#settle();
  }

  #admit({ holder, id, stood }: Waiter): void {
    holder.held++;
    holder.send({ kind: "enter", id, queued: stood });
  }

  /** Some to keep at hand, while everybody can have as many. */
  #lease(holder: Holder): void {
    const count = this.#batch;
    if (count === 0 || this.#isScarce || this.#free < count * this.#holders.size) return;
    holder.held += count;
    holder.send({ kind: "lease", count, batch: count });
  }

  #recall(): void {
    this.#isScarce = true;
    for (const holder of this.#holders) {
      holder.isRecalled = true;
      holder.send({ kind: "scarce" });
    }
  }

  #end(holder: Holder): void {
    this.#holders.delete(holder);
    this.#queue.splice(0, this.#queue.length, ...this.#queue.filter((waiter) => waiter.holder !== holder));
    this.#settle();
  }

  #settle(): void {
    while (this.#queue.length > 0 && this.#free > 0) {
      const next = this.#queue.shift();
      if (next !== undefined) this.#admit(next);
    }
    const room = this.#limits.maxQueued + this.#hoped();
    while (this.#queue.length > room) {
      const last = this.#queue.pop();
      last?.holder.send({ kind: "refuse", id: last.id });
    }
    if (this.#hoped() === 0) for (const waiter of this.#queue) stand(waiter);
    if (this.#isScarce && this.#isPlenty()) {
      this.#isScarce = false;
      for (const holder of this.#holders) holder.send({ kind: "plenty" });
    }
    this.#tellFull();
  }

  /** Not at the first free place: it would be lent, and asked back with the next request. */
  #isPlenty(): boolean {
    const isAsking = this.#queue.length > 0 || [...this.#holders].some(({ isRecalled }) => isRecalled);
    return !isAsking && this.#free >= Math.max(1, 2 * this.#batch * this.#holders.size);
  }

  /** Places that may still come back from those who were asked: until they have answered, requests wait for these. */
  #hoped(): number {
    let hoped = 0;
    for (const { isRecalled, held } of this.#holders) if (isRecalled) hoped += Math.min(held, 2 * maxBatch);
    return hoped;
  }

  /** Once for all that happens in one turn: at the limit it changes with every request. */
  #tellFull(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    setImmediate(() => {
      this.#flushing = false;
      const full = this.#isScarce && this.#free <= 0 && this.#queue.length >= this.#limits.maxQueued + this.#hoped();
      if (full === this.#saidFull) return;
      this.#saidFull = full;
      for (const holder of this.#holders) holder.send({ kind: "full", full });
    });
  }
}

function stand(waiter: Waiter): void {
  if (waiter.stood) return;
  waiter.stood = true;
  waiter.holder.send({ kind: "stand", id: waiter.id });
}
