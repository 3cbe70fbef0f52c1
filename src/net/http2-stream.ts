import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  constants,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
} from "node:http2";
import { GatewayError } from "../domain/errors.ts";
import { type Exchange, maxHeaderBytes } from "./incoming.ts";

export interface Http2Request {
  readonly path: string;
  readonly method: "GET" | "POST";
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer | null;
}

/**
 * Sends a request on a stream of its own. Only that stream ends when it is aborted or fails.
 * @param over called once, later, when the stream is gone
 */
export function sendOn(session: ClientHttp2Session, request: Http2Request, exchange: Exchange, over: () => void): void {
  let stream: ClientHttp2Stream;
  try {
    stream = session.request(headersOf(request), { endStream: request.body === null });
  } catch (error) {
    queueMicrotask(over);
    return exchange.onResponseError(null, error as Error); // Node throws errors alone.
  }
  const abort = () => {
    stream.close(constants.NGHTTP2_CANCEL);
    stream.destroy(); // What it still holds would wait for a reader.
  };
  const controller = { abort, pause: () => void stream.pause(), resume: () => void stream.resume() };
  const answer = { bytes: 0, length: null as number | null, ended: false };
  let cause: Error | undefined;
  stream.on("error", (error) => {
    cause = error;
  });
  stream.once("response", (head, _flags, raw: readonly string[]) => {
    if (sizeOf(raw) > maxHeaderBytes) {
      cause = tooLarge();
      return abort();
    }
    answer.length = lengthOf(head);
    const { ":status": status = 0, ...fields } = head;
    exchange.onResponseStart(controller, status, fields);
    stream.on("data", (chunk: Buffer) => {
      answer.bytes += chunk.length;
      exchange.onResponseData(controller, chunk);
    });
  });
  stream.once("end", () => {
    answer.ended = true;
  });
  stream.once("close", () => {
    // Node ends the reading side of a stream that was reset as well; only then it has a code, or bytes are missing.
    const isWhole = answer.ended && stream.rstCode === constants.NGHTTP2_NO_ERROR && cause === undefined;
    if (isWhole && (answer.length ?? answer.bytes) === answer.bytes) exchange.onResponseEnd();
    else exchange.onResponseError(null, meaningOf(stream.rstCode, cause));
    over();
  });
  exchange.onRequestStart(controller);
  if (request.body !== null) stream.end(request.body);
}

function headersOf({ method, path, headers, body }: Http2Request): Record<string, string> {
  const length = body === null ? {} : { "content-length": String(Buffer.byteLength(body)) };
  return { ":method": method, ":path": path, ...headers, ...length };
}

function lengthOf(head: IncomingHttpHeaders & IncomingHttpStatusHeader): number | null {
  const length = head["content-length"];
  return length === undefined ? null : Number(length);
}

function sizeOf(raw: readonly string[]): number {
  let bytes = 0;
  for (const text of raw) bytes += text.length;
  return bytes;
}

function tooLarge(): Error {
  return Object.assign(new Error("head above the limit"), { code: overflowCode });
}

/** undici's codes for what is no fault of the connection. */
const overflowCode = "UND_ERR_HEADERS_OVERFLOW";
export const destroyedCode = "UND_ERR_DESTROYED";

/** Codes are those of a broken connection, which means the same for a request. */
function meaningOf(code: number, cause: Error | undefined): Error {
  if (code === constants.NGHTTP2_REFUSED_STREAM) {
    return new GatewayError("service_unavailable", "The provider refused the request before it took it up.");
  }
  const own = cause !== undefined && "code" in cause ? cause.code : null;
  if (cause !== undefined && (own === overflowCode || own === destroyedCode)) return cause;
  return Object.assign(new Error(`stream ended with code ${code}`, { cause }), { code: "ECONNRESET" });
}
