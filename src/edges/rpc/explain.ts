import { Code, ConnectError } from "@connectrpc/connect";
import type { UniversalServerResponse } from "@connectrpc/connect/protocol";
import {
  codeToHttpStatus,
  endStreamFlag,
  endStreamFromJson,
  endStreamToJson,
  errorFromJsonBytes,
  errorToJsonBytes,
} from "@connectrpc/connect/protocol-connect";
import { findTrailerError, setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
import { trailerFlag, trailerParse, trailerSerialize } from "@connectrpc/connect/protocol-grpc-web";

/** Says what is missing in an error that the RPC library has made by itself. */
export type Complete = (error: ConnectError) => ConnectError;

type Body = AsyncIterable<Uint8Array>;

/**
 * The library refuses some requests by itself: messages that cannot be read or are too large, encodings that it does not
 * know. Its errors are bare and it has no place to change them, so they are completed on their way out: every error has
 * exactly one ErrorInfo, whoever refused.
 */
export async function explain(response: UniversalServerResponse, complete: Complete): Promise<UniversalServerResponse> {
  const { body, header, trailer } = response;
  const type = header?.get("content-type") ?? "";
  if (type.startsWith("application/grpc-web")) {
    if (header) completeTrailer(header, complete);
    return body ? { ...response, body: frames(body, trailerFlag, (data) => webTrailer(data, complete)) } : response;
  }
  if (type.startsWith("application/grpc")) {
    return body && trailer ? { ...response, body: before(body, () => completeTrailer(trailer, complete)) } : response;
  }
  if (type.startsWith("application/connect+")) {
    return body ? { ...response, body: frames(body, endStreamFlag, (data) => endOfStream(data, complete)) } : response;
  }
  if (response.status < 400 || !body || isCompressed(header)) return response;
  return unaryError(response, body, complete);
}

/** What was worth compressing has details: a bare error has a sentence. */
function isCompressed(header: Headers | undefined): boolean {
  return header?.has("content-encoding") === true;
}

function completeTrailer(trailer: Headers, complete: Complete): void {
  const error = findTrailerError(trailer);
  if (error && error.details.length === 0) setTrailerStatus(trailer, complete(error));
}

/** Passes a body on, and does something before its end is seen. */
async function* before(body: Body, end: () => void): Body {
  yield* body;
  end();
}

/** Bytes before a message in an envelope: flags, and the length. */
const envelopeHead = 5;

/** The flag of an envelope whose content is compressed. Those are left alone, as {@link isCompressed} says. */
const compressedFlag = 0b1;

/** Passes envelopes on, which come one in each chunk, with the content of the last one replaced. */
async function* frames(body: Body, lastFlag: number, replace: (data: Uint8Array) => Uint8Array | null): Body {
  for await (const chunk of body) {
    const flags = chunk[0] ?? 0;
    const isPlainLast = (flags & (lastFlag | compressedFlag)) === lastFlag;
    const replaced = isPlainLast ? replace(chunk.subarray(envelopeHead)) : null;
    if (replaced === null) {
      yield chunk;
      continue;
    }
    const envelope = Buffer.alloc(envelopeHead + replaced.byteLength);
    envelope.writeUInt8(flags, 0);
    envelope.writeUInt32BE(replaced.byteLength, 1);
    envelope.set(replaced, envelopeHead);
    yield envelope;
  }
}

function webTrailer(data: Uint8Array, complete: Complete): Uint8Array | null {
  const trailer = trailerParse(data);
  const error = findTrailerError(trailer);
  if (!error || error.details.length > 0) return null;
  return trailerSerialize(setTrailerStatus(trailer, complete(error)));
}

function endOfStream(data: Uint8Array, complete: Complete): Uint8Array | null {
  const { error, metadata } = endStreamFromJson(data);
  if (!error || error.details.length > 0) return null;
  return Buffer.from(JSON.stringify(endStreamToJson(metadata, complete(error), undefined)));
}

/** The whole of a unary error is here already; its HTTP status follows its code. */
async function unaryError(
  response: UniversalServerResponse,
  body: Body,
  complete: Complete,
): Promise<UniversalServerResponse> {
  const bytes = Buffer.concat(await Array.fromAsync(body));
  // An empty one was refused by the HTTP status alone.
  // The fallback is made here and not with the module: its Headers load Node's undici, which REST never needs.
  const error =
    bytes.byteLength === 0 ? null : errorFromJsonBytes(bytes, undefined, new ConnectError("", Code.Unknown));
  if (error === null || error.details.length > 0) return { ...response, body: only(bytes) };
  const completed = complete(error);
  response.header?.delete("content-length"); // Of the body as it was.
  const text = errorToJsonBytes(completed, undefined);
  return { ...response, status: codeToHttpStatus(completed.code), body: only(text) };
}

async function* only(bytes: Uint8Array): Body {
  if (bytes.byteLength > 0) yield bytes;
}
