import { envelopeHead } from "./body.ts";

/** Bytes that are allocated at once; a larger message gets its own. */
const slabBytes = 64 * 1024;
/** Texts of so many characters are copied here: calling into the engine for each costs more than their letters. */
const maxCopiedChars = 48;

/**
 * Where messages are written, one behind the other, so that a batch of them leaves as one piece of memory. Bytes that were
 * taken are never written again: the socket may keep them as long as it likes.
 */
export class Output {
  bytes: Buffer = Buffer.allocUnsafe(slabBytes);
  /** Where the next byte goes. */
  at = 0;
  #start = 0;
  #message = 0;

  /** Makes room for so many bytes more. Whoever writes asks first. */
  reserve(count: number): void {
    if (this.at + count <= this.bytes.length) return;
    const held = this.bytes.subarray(this.#start, this.at);
    const next = Buffer.allocUnsafe(Math.max(slabBytes, held.length * 2 + count));
    held.copy(next);
    this.#message -= this.#start;
    this.at -= this.#start;
    this.#start = 0;
    this.bytes = next;
  }

  /** Begins an envelope. */
  open(): void {
    this.reserve(envelopeHead);
    this.#message = this.at;
    this.at += envelopeHead;
  }

  /** Ends the envelope that was opened last. */
  close(flags = 0): void {
    this.bytes[this.#message] = flags;
    this.bytes.writeUInt32BE(this.at - this.#message - envelopeHead, this.#message + 1);
  }

  /** Takes back the envelope that was opened last, and what is in it. */
  undo(): void {
    this.at = this.#message;
  }

  append(bytes: Uint8Array): void {
    this.reserve(bytes.byteLength);
    this.bytes.set(bytes, this.at);
    this.at += bytes.byteLength;
  }

  /** Text as UTF-8. */
  text(text: string): void {
    this.reserve(text.length * 3);
    if (text.length > maxCopiedChars || !this.#copied(text)) this.at += this.bytes.write(text, this.at);
  }

  /** False for text beyond ASCII, of which nothing has been written then. */
  #copied(text: string): boolean {
    const { bytes, at } = this;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code > 0x7f) return false;
      bytes[at + i] = code;
    }
    this.at += text.length;
    return true;
  }

  /** Forgets what was written since the last time. */
  clear(): void {
    this.#start = this.at;
  }

  /** What was written since the last time. */
  take(): Buffer {
    const taken = this.bytes.subarray(this.#start, this.at);
    this.#start = this.at;
    return taken;
  }
}
