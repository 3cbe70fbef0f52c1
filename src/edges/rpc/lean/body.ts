import type { NodeRequest } from "../node.ts";

/** Bytes before a message in an envelope: flags, and its length. */
export const envelopeHead = 5;

/** What was read of a body. */
export interface ReadBody {
  readonly chunks: readonly Uint8Array[];
  readonly bytes: number;
  /** Whether it came to its end within the bound; the rest of it has not been read. */
  readonly whole: boolean;
}

/** Reads a body to its end, or until it has more than so many bytes, or breaks off. Never rejects. */
export function readBody(req: NodeRequest, maxBytes: number): Promise<ReadBody> {
  return new Promise((resolve) => {
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    const finish = (whole: boolean) => {
      req.off("data", onData).off("end", onEnd).off("error", onBroken).off("close", onBroken);
      if (!whole) req.pause();
      resolve({ chunks, bytes, whole });
    };
    const onData = (chunk: Uint8Array) => {
      chunks.push(chunk);
      bytes += chunk.byteLength;
      if (bytes > maxBytes) finish(false);
    };
    const onEnd = () => finish(true);
    const onBroken = () => finish(false);
    req.on("data", onData).on("end", onEnd).on("error", onBroken).on("close", onBroken);
  });
}

/** The message of a body: all of it, or what its only envelope holds. Null when it is anything else. */
export function messageOf({ chunks, bytes, whole }: ReadBody, enveloped: boolean): Uint8Array | null {
  if (!whole) return null;
  const [first] = chunks;
  const body = chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks, bytes);
  if (!enveloped) return body;
  if (bytes < envelopeHead || body[0] !== 0) return null;
  const length = new DataView(body.buffer, body.byteOffset).getUint32(1);
  return length === bytes - envelopeHead ? body.subarray(envelopeHead) : null;
}

/** A body again, for another reader: what was read of it, then the rest. */
export async function* reread({ chunks, whole }: ReadBody, req: NodeRequest): AsyncIterable<Uint8Array> {
  yield* chunks;
  if (!whole) yield* req;
}
