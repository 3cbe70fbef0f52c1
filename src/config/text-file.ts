import { readFileSync, statSync } from "node:fs";
import { fileFault } from "./yaml-file.ts";

/** Largest file of a credential. Bytes; a key file is a page. */
const maxBytes = 65_536;

/** A small file's text, or the end of a sentence that begins with its path. */
export function readTextFile(path: string): string | { readonly fault: string } {
  try {
    // A device or a log given by mistake would be read without end.
    if (statSync(path).size > maxBytes) return { fault: `is larger than ${maxBytes} bytes` };
    return readFileSync(path, "utf8");
  } catch (error) {
    return { fault: fileFault(error) };
  }
}
