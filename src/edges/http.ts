import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import { credentialHeaders } from "../domain/admit.ts";
import type { RequestHead } from "../domain/context.ts";

/** A request as Node hands it over, by HTTP/1.1 or HTTP/2. */
export type Incoming = IncomingMessage | Http2ServerRequest;

/** Its response: what both kinds have in common, as far as this edge uses it. */
export interface Reply {
  writeHead(status: number, headers: Readonly<Record<string, string>>): unknown;
  /** False asks the writer to wait for `drain`. */
  write(text: string): boolean;
  /** Where nothing is left to say, without a text: see `EventSink.end`. */
  end(): unknown;
  end(text: string): unknown;
  once(event: string, listener: () => void): unknown;
  off(event: string, listener: () => void): unknown;
}

export function isHttp2(req: Incoming): req is Http2ServerRequest {
  return req.httpVersionMajor === 2;
}

/**
 * The head of a request as the gateway reads it.
 * @param keys keys that stood in the address: they count as values of the header that the same clients have for them
 */
export function headOf(req: Incoming, path: string, keys: readonly string[] = []): RequestHead {
  return {
    path,
    header(name) {
      const value = req.headers[name];
      const given = value !== undefined && credentialHeaders.includes(name) ? everyValue(req, name) : value;
      return keys.length === 0 || name !== "x-goog-api-key" ? given : withKeys(given, keys);
    },
    peerAddress: req.socket.remoteAddress,
  };
}

/** Several that differ are several credentials; the same one twice is one. */
function withKeys(given: string | readonly string[] | undefined, keys: readonly string[]) {
  const own = given === undefined || given === "" ? [] : [given].flat();
  const [only, ...others] = new Set([...own, ...keys]);
  return own.length > 1 || keys.length > 1 || others.length > 0 ? [...own, ...keys] : only;
}

/** One value of a header that is read once; a repeated one counts as absent. */
export function single(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return typeof value === "string" ? value : undefined;
}

/** Node keeps only the first of two credentials, or joins them, so the raw list is asked. */
function everyValue(req: Incoming, name: string): string | readonly string[] | undefined {
  const { rawHeaders } = req;
  const values: string[] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const raw = rawHeaders[i] ?? "";
    if (raw.length === name.length && raw.toLowerCase() === name) values.push(rawHeaders[i + 1] ?? "");
  }
  return values.length <= 1 ? values[0] : values;
}

/**
 * Tells when the caller is gone before its answer has ended. On HTTP/1.1 the socket is watched: a pipelined response
 * that still waits for its turn hears nothing of its own, and one that waits for its reader closes only when it has been
 * read, though Node ends the connection as soon as its caller has ended its own side.
 * @returns a function that stops watching
 */
export function onGone(req: Incoming, res: Pick<Reply, "once" | "off">, gone: () => void): () => void {
  if (isHttp2(req)) {
    res.once("close", gone);
    return () => res.off("close", gone);
  }
  const { socket } = req;
  // One listener for each request in the pipeline, however many: bounded by the requests themselves.
  socket.setMaxListeners(0);
  socket.once("end", gone).once("close", gone);
  return () => socket.off("end", gone).off("close", gone);
}
