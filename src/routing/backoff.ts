/** Ceiling of the first wait; each further one may be twice as long. Milliseconds. */
const firstCeilingMs = 250;
/** No wait is longer than this, unless the provider asked for it. Milliseconds. */
const maxCeilingMs = 8_000;

/**
 * How long to wait before a retry: evenly spread between 0 and a ceiling that doubles (full jitter), so that callers who
 * failed together do not come back together.
 * @param retry which retry it is, from 0
 * @param random evenly spread in [0, 1)
 * @returns milliseconds
 */
export function backoffMs(retry: number, random: () => number): number {
  return random() * Math.min(firstCeilingMs * 2 ** Math.min(retry, 16), maxCeilingMs);
}
