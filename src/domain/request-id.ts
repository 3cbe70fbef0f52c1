import { randomFillSync } from "node:crypto";

const idBytes = 12;
/** Random bytes are fetched for so many ids at once: a call to the generator costs more than the bytes. */
const idsAtOnce = 256;

/** Makes request ids: `req_` and 96 random bits, which nobody can guess. */
export function createRequestIds(): () => string {
  const bytes = Buffer.alloc(idBytes * idsAtOnce);
  let used = bytes.length;
  return () => {
    if (used === bytes.length) {
      randomFillSync(bytes);
      used = 0;
    }
    used += idBytes;
    return `req_${bytes.toString("hex", used - idBytes, used)}`;
  };
}
