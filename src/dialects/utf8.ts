import { isAscii, isUtf8 } from "node:buffer";
import type { Span } from "../domain/chat.ts";

/** Bytes that are looked at together. Smaller ones cost more calls, larger ones decode more of what is ASCII. */
const stretchBytes = 4_096;

/**
 * Decodes UTF-8; a byte order mark is a character like others. Most prompts are ASCII but for a few characters, which
 * V8 decodes ten times as fast on its own as among others: text is decoded in stretches that are ASCII or not.
 * @returns null for what is not valid UTF-8
 */
export function fromUtf8(bytes: Buffer): string | null {
  if (isAscii(bytes)) return bytes.toString("latin1");
  if (!isUtf8(bytes)) return null;
  if (bytes.length <= stretchBytes) return bytes.toString();
  let text = "";
  for (let start = 0; start < bytes.length; ) {
    const wasAscii = isAscii(bytes.subarray(start, start + stretchBytes));
    let end = start + stretchBytes;
    // Neighbours of the same kind go together. A character on the border of two makes both what is not ASCII: it stays
    // whole, and text without any ASCII is decoded at once.
    while (end < bytes.length && isAscii(bytes.subarray(end, end + stretchBytes)) === wasAscii) end += stretchBytes;
    text += bytes.toString(wasAscii ? "latin1" : "utf8", start, end);
    start = end;
  }
  return text;
}

/** The text of a stretch of bytes that are known to be UTF-8. */
export function textAt(bytes: Uint8Array, { start, end }: Span): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString();
}
