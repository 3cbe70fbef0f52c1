import { char, endOfString } from "./json-scan.ts";

/**
 * How deep a provider's JSON may nest. Levels. What it says is written again and walked by functions that call
 * themselves, whose stack ends after some thousand levels; no answer of a real provider comes near it.
 */
const maxDepth = 512;

/**
 * What a provider's JSON says.
 * @throws SyntaxError as JSON.parse does, and for a text that nests deeper than 512 levels
 */
export function parseUpstreamJson(text: string): unknown {
  // Each level takes two characters, so that almost no event of a stream is looked at.
  if (text.length > 2 * maxDepth && nestsTooDeep(text)) throw new SyntaxError(`nests deeper than ${maxDepth} levels`);
  return JSON.parse(text);
}

/** Strings are skipped by indexOf, so that a picture costs next to nothing. */
function nestsTooDeep(text: string): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === char.quote) {
      const end = endOfString(text, at);
      if (end === -1) return false; // No JSON, as JSON.parse will say.
      at = end - 1;
    } else if (code === char.openBrace || code === char.openBracket) {
      depth++;
      if (depth > maxDepth) return true;
    } else if (code === char.closeBrace || code === char.closeBracket) depth--;
  }
  return false;
}
