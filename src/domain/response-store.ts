/** An answer that later requests can go on from, in the words of the Responses API. */
export interface StoredResponse {
  readonly id: string;
  /** The response, JSON. */
  readonly response: string;
  /** The items that it answered, JSON of an array; those of earlier responses among them. */
  readonly input: string;
  /** Ids of the items that it holds, to be found by. */
  readonly itemIds: readonly string[];
}

/**
 * Answers that are kept for those who asked. What a caller has kept is found under its own id alone: to others there is
 * no such thing. Nothing here fails: what cannot be kept is not found later.
 */
export interface ResponseStore {
  /** Keeps a response in place of an earlier one of the same id. Resolves when it can be found. */
  put(callerId: string, stored: StoredResponse): Promise<void>;
  get(callerId: string, id: string): Promise<StoredResponse | null>;
  /** The latest response that holds an item of this id. */
  holding(callerId: string, itemId: string): Promise<StoredResponse | null>;
  /** @returns whether there was one */
  delete(callerId: string, id: string): Promise<boolean>;
}

/** How much is kept, and for how long. */
export interface ResponseBounds {
  /** Responses of all callers; 0 keeps none. */
  readonly maxCount: number;
  /** Memory for all of them. Bytes. */
  readonly maxBytes: number;
  /** Milliseconds. */
  readonly ttlMs: number;
}
