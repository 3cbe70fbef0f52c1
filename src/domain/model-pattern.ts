/** Most `*` in a pattern. */
export const maxStars = 4;

/**
 * A pattern of model names: `*` stands for any text, also none, but does not go on with a number (`gpt-5*` is no
 * `gpt-50`), `#` for one digit, everything else for itself. Names and patterns are compared in lower case.
 */
export interface ModelPattern {
  readonly text: string;
  /** Texts between the stars; `#` for a digit. */
  readonly pieces: readonly string[];
  /** How many characters stand for themselves, and how many for a digit. */
  readonly literals: number;
  readonly digits: number;
}

export function toPattern(text: string): ModelPattern {
  const pieces = text.toLowerCase().split("*");
  const digits = text.split("#").length - 1;
  return { text, pieces, digits, literals: text.length - digits - (pieces.length - 1) };
}

/**
 * Orders patterns so that the first of those that match is the one that says most: more literal characters first, then
 * more digits, then fewer stars. Equal ones keep their order.
 */
export function bySpecificity(one: ModelPattern, other: ModelPattern): number {
  return other.literals - one.literals || other.digits - one.digits || one.pieces.length - other.pieces.length;
}

/**
 * Whether a name is one that the pattern stands for. Each piece is looked for once, from left to right, and never again
 * further right: the time is bounded by the lengths of name and pattern, multiplied, for every input.
 * @param name in lower case
 */
export function matches({ pieces }: ModelPattern, name: string): boolean {
  const [first = "", ...others] = pieces;
  const last = others.pop();
  if (!stands(first, name, 0)) return false;
  if (last === undefined) return first.length === name.length;
  let at = first.length;
  if (goesOn(first, name, at)) return false;
  for (const piece of others) {
    at = findPiece(piece, name, at);
    if (at < 0) return false;
  }
  const tail = name.length - last.length;
  return tail >= at && stands(last, name, tail);
}

/** @returns where the piece ends, or -1 */
function findPiece(piece: string, name: string, from: number): number {
  const isPlain = !piece.includes("#");
  for (let at = from; at + piece.length <= name.length; at++) {
    if (isPlain) at = name.indexOf(piece, at);
    if (at < 0) return -1;
    const end = at + piece.length;
    if (stands(piece, name, at) && !goesOn(piece, name, end)) return end;
  }
  return -1;
}

function stands(piece: string, name: string, at: number): boolean {
  if (!piece.includes("#")) return name.startsWith(piece, at);
  if (at + piece.length > name.length) return false;
  for (let i = 0; i < piece.length; i++) {
    if (piece[i] === "#" ? !isDigit(name[at + i]) : piece[i] !== name[at + i]) return false;
  }
  return true;
}

/** Whether a number in which the piece ends is longer in the name. */
function goesOn(piece: string, name: string, end: number): boolean {
  const last = piece.at(-1);
  return (last === "#" || isDigit(last)) && isDigit(name[end]);
}

function isDigit(char: string | undefined): boolean {
  return char !== undefined && char >= "0" && char <= "9";
}
