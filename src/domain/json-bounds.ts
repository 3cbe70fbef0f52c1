/** Objects and arrays inside each other that a JSON text in a request may have (design 15.17). */
const maxJsonDepth = 128;

/**
 * What is wrong with JSON text that stands in a field, as the rest of a sentence that begins with the field; null when
 * nothing is.
 * @param shape `object` where the contract asks for the text of an object
 */
export function jsonFault(text: string, shape: "object" | "any"): string | null {
  // Depth is counted first: parsing is what a deep text would make dear.
  if (depthOf(text) > maxJsonDepth) return `must not nest deeper than ${maxJsonDepth} levels.`;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return "must be valid JSON."; // The parser's own words would quote the text.
  }
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  return shape === "object" && !isObject ? "must be the text of a JSON object." : null;
}

/** How many objects and arrays stand inside each other in JSON text. */
export function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (inString) {
      if (char === backslash) i++;
      else if (char === quote) inString = false;
    } else if (char === quote) inString = true;
    else if (char === openBrace || char === openBracket) deepest = Math.max(deepest, ++depth);
    else if (char === closeBrace || char === closeBracket) depth--;
  }
  return deepest;
}

const quote = 34;
const openBracket = 91;
const backslash = 92;
const closeBracket = 93;
const openBrace = 123;
const closeBrace = 125;
