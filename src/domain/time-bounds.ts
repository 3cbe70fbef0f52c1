/** How long each phase of an attempt may take. Milliseconds; null is no bound. */
export interface Bounds {
  readonly connectMs: number;
  /** Streams: until the response headers. Unary answers are bounded by `totalMs`: their headers come last. */
  readonly firstByteMs: number;
  /** Streams: until the first event with content, reasoning or a tool call. */
  readonly firstTokenMs: number;
  /** Streams: between two network reads, as far as the provider is waited for. */
  readonly idleMs: number;
  readonly totalMs: number;
}

/** Bounds that differ from what is configured above: a target's win over its route's, those over its instance's. */
export type BoundOverrides = Partial<Bounds>;
