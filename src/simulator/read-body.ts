import type { IncomingMessage } from "node:http";
import { WireError } from "./wire-error.ts";

/** As Anthropic's limit. Bytes. */
const maxBodyBytes = 32 * 1024 * 1024;

/** @throws WireError when the body is too large */
export async function readBytes(req: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  // A request's stream carries Buffers as long as no encoding is set.
  for await (const chunk of req as AsyncIterable<Buffer>) {
    size += chunk.byteLength;
    if (size > maxBodyBytes) throw new WireError(413, "request_too_large", `The body exceeds ${maxBodyBytes} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** JSON, or the members of a form; undefined when there is nothing. @throws WireError when it is neither */
export function parseBody(bytes: Buffer, type = ""): unknown {
  const text = bytes.toString("utf8");
  if (text === "") return undefined;
  if (type.startsWith("application/x-www-form-urlencoded")) return Object.fromEntries(new URLSearchParams(text));
  try {
    return JSON.parse(text);
  } catch {
    throw new WireError(400, "invalid_request_error", "The body is not valid JSON.");
  }
}
