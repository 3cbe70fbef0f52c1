import type { JsonWriteOptions } from "@bufbuild/protobuf";
import type { ConnectError } from "@connectrpc/connect";
import { mergeNonProtocolHeaders } from "@connectrpc/connect/protocol";
import {
  codeToHttpStatus,
  endStreamFlag,
  endStreamToJson,
  errorToJsonBytes,
} from "@connectrpc/connect/protocol-connect";
import { setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
import { trailerFlag, trailerSerialize } from "@connectrpc/connect/protocol-grpc-web";
import { type Fields, type LeanContext, withHeaders } from "./context.ts";
import type { LeanHead } from "./head.ts";
import type { Outlet } from "./outlet.ts";
import { Output } from "./output.ts";

/** Writes an answer, as its protocol and encoding have it. */
export interface Reply {
  /** One message, which is all of the answer. */
  whole(write: (output: Output) => void): void;
  /**
   * Some messages of a stream. False asks the writer to wait until they have been read.
   * @throws what `write` throws, when the messages before it have been sent
   */
  some(count: number, write: (at: number, output: Output) => void): boolean;
  /** The end of a stream. */
  end(): void;
  fail(error: ConnectError): void;
}

export interface ReplyParts {
  readonly outlet: Outlet;
  readonly head: LeanHead;
  readonly context: LeanContext;
  readonly jsonOptions: Partial<JsonWriteOptions> | undefined;
}

export function createReply(parts: ReplyParts): Reply {
  return parts.head.enveloped ? new EnvelopedReply(parts) : new BareReply(parts);
}

/**
 * One for all: each batch is written and taken within one turn. What somebody wrote and could not take is cleared by the
 * next, or it would go to another caller.
 */
const output = new Output();

/** Connect's unary answer: a bare message; trailers are header fields with a prefix. */
class BareReply implements Reply {
  readonly #parts: ReplyParts;

  constructor(parts: ReplyParts) {
    this.#parts = parts;
  }

  whole(write: (output: Output) => void): void {
    output.clear();
    write(output);
    this.#send(200, this.#parts.head.contentType, output.take(), null);
  }

  some(): boolean {
    throw new Error("a bare answer has one message");
  }

  end(): void {
    throw new Error("a bare answer ends with its message");
  }

  fail(error: ConnectError): void {
    const { jsonOptions } = this.#parts;
    this.#send(codeToHttpStatus(error.code), "application/json", errorToJsonBytes(error, jsonOptions), error);
  }

  #send(status: number, type: string, body: Uint8Array, error: ConnectError | null): void {
    const { outlet, context } = this.#parts;
    if (error) mergeNonProtocolHeaders(context.responseHeader, error.metadata);
    const fields: Fields = {
      "content-type": type,
      "content-length": String(body.byteLength),
      ...context.headerFields(),
    };
    for (const [name, value] of Object.entries(context.trailerFields())) fields[`trailer-${name}`] = value;
    outlet.head(status, fields, false);
    outlet.end(body, null);
  }
}

/** Messages in envelopes, and an end that each protocol has its own way to tell. */
class EnvelopedReply implements Reply {
  readonly #parts: ReplyParts;
  #begun = false;

  constructor(parts: ReplyParts) {
    this.#parts = parts;
  }

  whole(write: (output: Output) => void): void {
    output.clear();
    output.open();
    write(output);
    output.close();
    this.#finish(null);
  }

  some(count: number, write: (at: number, output: Output) => void): boolean {
    output.clear();
    try {
      for (let at = 0; at < count; at++) {
        output.open();
        write(at, output);
        output.close();
      }
    } catch (thrown) {
      // Those before it are whole.
      output.undo();
      this.#send();
      throw thrown;
    }
    return this.#send();
  }

  end(): void {
    output.clear();
    this.#finish(null);
  }

  fail(error: ConnectError): void {
    output.clear();
    this.#finish(error);
  }

  #send(): boolean {
    this.#begin();
    return this.#parts.outlet.write(output.take());
  }

  #begin(): void {
    if (this.#begun) return;
    const { outlet, head, context } = this.#parts;
    const fields = { "content-type": head.contentType, ...context.headerFields() };
    outlet.head(200, fields, head.protocol === "grpc");
    this.#begun = true;
  }

  #finish(error: ConnectError | null): void {
    const { outlet, head, context, jsonOptions } = this.#parts;
    this.#begin();
    if (head.protocol === "grpc") {
      const last = output.take();
      return outlet.end(last.byteLength > 0 ? last : null, grpcTrailer(context, error));
    }
    if (head.protocol === "grpc-web") {
      envelope(trailerFlag, trailerSerialize(toHeaders(grpcTrailer(context, error))));
    } else {
      const end = endStreamToJson(toHeaders(context.trailerFields()), error ?? undefined, jsonOptions);
      envelope(endStreamFlag, Buffer.from(JSON.stringify(end)));
    }
    outlet.end(output.take(), null);
  }
}

function envelope(flags: number, bytes: Uint8Array): void {
  output.open();
  output.append(bytes);
  output.close(flags);
}

function grpcTrailer(context: LeanContext, error: ConnectError | null): Fields {
  const fields = context.trailerFields();
  if (error === null) return { "grpc-status": "0", ...fields };
  const headers = toHeaders(fields);
  setTrailerStatus(headers, error);
  return withHeaders({}, headers);
}

function toHeaders(fields: Fields): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(fields)) {
    for (const one of Array.isArray(value) ? value : [value]) headers.append(name, one);
  }
  return headers;
}
