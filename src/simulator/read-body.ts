import type { IncomingMessage } from "node:http";
import { WireError } from "./wire-error.ts";

/** As Anthropic's limit. Bytes. */
const maxBodyBytes = 32 * 1024 * 1024;

/** Reads a JSON body; undefined when there is none. @throws WireError when it is too large, or no JSON */
export async function readBody(req: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  // A request's stream carries Buffers as long as no encoding is set.
  for await (const chunk of req as AsyncIterable<Buffer>) {
    size += chunk.byteLength;
    if (size > maxBodyBytes) throw new WireError(413, "request_too_large", `The body exceeds ${maxBodyBytes} bytes.`);
    chunks.push(chunk);
  }
  if (size === 0) return undefined;
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8"));
  } catch {
    throw new WireError(400, "invalid_request_error", "The body is not valid JSON.");
  }
}
