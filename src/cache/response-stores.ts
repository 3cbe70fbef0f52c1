import type { Clock } from "../domain/clock.ts";
import type { ResponseBounds, ResponseStore, StoredResponse } from "../domain/response-store.ts";
import { ResponseMemory } from "./response-memory.ts";

/** The store of a process that serves alone. */
export interface OwnResponses extends ResponseStore {
  limit(bounds: ResponseBounds): void;
}

export function createOwnResponses(clock: Clock, bounds: ResponseBounds): OwnResponses {
  const memory = new ResponseMemory(clock, bounds);
  return {
    put: async (callerId, stored) => memory.put(callerId, stored),
    get: async (callerId, id) => memory.get(callerId, id),
    holding: async (callerId, itemId) => memory.holding(callerId, itemId),
    delete: async (callerId, id) => memory.delete(callerId, id),
    limit: (next) => memory.limit(next),
  };
}

type Wish =
  | { readonly kind: "put"; readonly stored: StoredResponse }
  | { readonly kind: "get" | "holding" | "delete"; readonly id: string };

/** What a worker wants of the store, which is its primary's. */
export type ResponseAsk = Wish & { readonly number: number; readonly callerId: string };

export interface ResponseAnswer {
  readonly number: number;
  readonly stored: StoredResponse | null;
  readonly done: boolean;
}

/** Does what a worker asks for. */
export function answerAsk(memory: ResponseMemory, ask: ResponseAsk): ResponseAnswer {
  const { number, callerId } = ask;
  switch (ask.kind) {
    case "put":
      memory.put(callerId, ask.stored);
      return { number, stored: null, done: true };
    case "get":
    case "holding": {
      const stored = memory[ask.kind](callerId, ask.id);
      return { number, stored, done: stored !== null };
    }
    case "delete":
      return { number, stored: null, done: memory.delete(callerId, ask.id) };
  }
}

/** A worker's way to the store. Without the primary nothing is found, and nothing kept. */
export class LinkedResponses implements ResponseStore {
  readonly #send: (ask: ResponseAsk) => void;
  readonly #waiting = new Map<number, (answer: ResponseAnswer) => void>();
  #last = 0;
  #isLost = false;

  constructor(send: (ask: ResponseAsk) => void) {
    this.#send = send;
  }

  async put(callerId: string, stored: StoredResponse): Promise<void> {
    await this.#ask(callerId, { kind: "put", stored });
  }

  async get(callerId: string, id: string): Promise<StoredResponse | null> {
    return (await this.#ask(callerId, { kind: "get", id })).stored;
  }

  async holding(callerId: string, id: string): Promise<StoredResponse | null> {
    return (await this.#ask(callerId, { kind: "holding", id })).stored;
  }

  async delete(callerId: string, id: string): Promise<boolean> {
    return (await this.#ask(callerId, { kind: "delete", id })).done;
  }

  take(answer: ResponseAnswer): void {
    this.#waiting.get(answer.number)?.(answer);
    this.#waiting.delete(answer.number);
  }

  /** The primary is gone. */
  lose(): void {
    this.#isLost = true;
    for (const number of [...this.#waiting.keys()]) this.take({ number, stored: null, done: false });
  }

  #ask(callerId: string, wish: Wish): Promise<ResponseAnswer> {
    const number = ++this.#last;
    if (this.#isLost) return Promise.resolve({ number, stored: null, done: false });
    return new Promise((resolve) => {
      this.#waiting.set(number, resolve);
      this.#send({ ...wish, number, callerId });
    });
  }
}
