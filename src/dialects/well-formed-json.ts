/**
 * JSON text whose strings hold no half of a character: `\ud83d` without its other half becomes `\ufffd`. No UTF-8 and no
 * proto string can carry a half, and callers fail on it in places that they do not expect to.
 */
export function toWellFormedJson(text: string): string {
  if (!mayHoldHalves.test(text)) return text;
  return text.replace(escapes, (found) => (half.test(found) ? "\\ufffd" : found));
}

const mayHoldHalves = /\\u[dD][89a-fA-F]/;
/** Pairs first, then every other escape: a backslash that is escaped begins nothing. */
const escapes = /\\u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}|\\(?:u[\da-fA-F]{4}|.)/g;
const half = /^\\u[dD][89a-fA-F][\da-fA-F]{2}$/;
