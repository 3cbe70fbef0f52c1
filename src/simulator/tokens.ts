/**
 * Cuts text into the simulator's tokens: up to eight characters of a word, with the white space before them. Joined
 * they give the text again; no token cuts a code point.
 */
export function tokenize(text: string): readonly string[] {
  return text.match(/\s*\S{1,8}|\s+$/gu) ?? [];
}

export function countTokens(text: string): number {
  return tokenize(text).length;
}

const vocabulary = [
  "simulated",
  "words",
  "follow",
  "one",
  "another",
  "at",
  "the",
  "pace",
  "that",
  "was",
  "asked",
  "for",
  "and",
  "mean",
  "nothing",
  "else",
];

/** A text of so many words, always the same. */
export function wordsOf(count: number): string {
  return Array.from({ length: count }, (_, index) => vocabulary[index % vocabulary.length]).join(" ");
}
