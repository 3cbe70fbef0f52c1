import { createHash } from "node:crypto";

/** What encrypted reasoning begins with; then the digest of what follows it, which stands for the provider's key. */
const mark = "gAAAAAB";
const digestLength = 22;

/** Reasoning as the provider encrypts it: opaque to callers, and known again when it comes back. */
export function seal(reasoning: string): string {
  const text = Buffer.from(reasoning).toString("base64url");
  return `${mark}${digestOf(text)}${text}`;
}

/** Whether `seal` made it, and nobody changed it. */
export function isSealed(sealed: string): boolean {
  const text = sealed.slice(mark.length + digestLength);
  return sealed.startsWith(mark) && sealed.slice(mark.length, mark.length + digestLength) === digestOf(text);
}

function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("base64url").slice(0, digestLength);
}

/** An id as the provider makes them: a prefix and 48 hexadecimal digits, the same for the same seed. */
export function idOf(prefix: string, seed: string): string {
  return `${prefix}_${createHash("sha256").update(`${prefix} ${seed}`).digest("hex").slice(0, 48)}`;
}
