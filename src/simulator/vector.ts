import { createHash } from "node:crypto";

/** The sum of a direction for each token, of length 1. */
export function vectorOf(tokens: readonly string[], dimensions: number): Float32Array {
  const vector = new Float64Array(dimensions);
  for (const token of new Set(tokens.map((text) => text.trim().toLowerCase()))) {
    let state = createHash("sha256").update(token).digest().readUInt32LE() || 1;
    for (let at = 0; at < dimensions; at++) {
      // Marsaglia's xorshift: quick, and the same everywhere.
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      vector[at] = (vector[at] ?? 0) + state / 2 ** 31;
    }
  }
  const length = Math.hypot(...vector) || 1;
  return Float32Array.from(vector, (value) => value / length);
}
