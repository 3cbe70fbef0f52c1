const lineSeparators = /[\u0085\u2028\u2029]/g;

/**
 * JSON text for a line of an event stream. It has no raw line ends, so that it cannot break out of its line; three more
 * characters that some readers take for line ends are escaped as well.
 */
export function toEventLine(json: string): string {
  return json.replace(lineSeparators, escapeCharacter);
}

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
