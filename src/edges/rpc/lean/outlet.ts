import { constants as http2 } from "node:http2";
import type { NodeResponse } from "../node.ts";
import type { Fields } from "./context.ts";

/** The way out of an answer's bytes, by HTTP/1.1 or HTTP/2. Writing to a caller that is gone does nothing. */
export interface Outlet {
  readonly gone: boolean;
  /** @param trailers whether fields follow behind the body; HTTP/2 has to know before */
  head(status: number, fields: Fields, trailers: boolean): void;
  /** False asks the writer to wait for `drain`. */
  write(bytes: Uint8Array): boolean;
  end(bytes: Uint8Array | null, trailers: Fields | null): void;
  /** Resolves when the caller has read what was written, or is gone, or the signal aborts. */
  drained(signal: AbortSignal): Promise<void>;
  /** Breaks off an answer that cannot be finished. */
  abandon(): void;
}

export function createOutlet(res: NodeResponse): Outlet {
  return "stream" in res ? new Http2Outlet(res) : new Http1Outlet(res as Http1Response);
}

type Http1Response = Exclude<NodeResponse, { readonly stream: unknown }>;
type Http2Response = Extract<NodeResponse, { readonly stream: unknown }>;

class Http1Outlet implements Outlet {
  readonly #res: Http1Response;

  constructor(res: Http1Response) {
    this.#res = res;
  }

  get gone(): boolean {
    return this.#res.destroyed || this.#res.socket?.destroyed === true;
  }

  head(status: number, fields: Fields): void {
    this.#res.writeHead(status, fields);
  }

  write(bytes: Uint8Array): boolean {
    return this.gone || this.#res.write(bytes);
  }

  end(bytes: Uint8Array | null): void {
    if (bytes === null) this.#res.end();
    else this.#res.end(bytes);
  }

  drained(signal: AbortSignal): Promise<void> {
    return drained(this.#res, this.gone, signal);
  }

  abandon(): void {
    this.#res.destroy();
  }
}

/** Node's own stream under the compatible response: half of what the latter costs is the likeness. */
class Http2Outlet implements Outlet {
  readonly #res: Http2Response;

  constructor(res: Http2Response) {
    this.#res = res;
  }

  // Asked of the stream: the response does not know.
  get gone(): boolean {
    return this.#res.stream.destroyed || this.#res.stream.closed;
  }

  head(status: number, fields: Fields, trailers: boolean): void {
    if (this.gone) return;
    this.#res.stream.respond({ ":status": status, ...fields }, { waitForTrailers: trailers });
  }

  write(bytes: Uint8Array): boolean {
    return this.gone || this.#res.stream.write(bytes);
  }

  end(bytes: Uint8Array | null, trailers: Fields | null): void {
    if (this.gone) return;
    // The response listens for the moment to send them already, and a second listener would be an error.
    if (trailers !== null) this.#res.addTrailers(trailers);
    if (bytes === null) this.#res.stream.end();
    else this.#res.stream.end(bytes);
  }

  drained(signal: AbortSignal): Promise<void> {
    return drained(this.#res.stream, this.gone, signal);
  }

  abandon(): void {
    this.#res.stream.close(http2.NGHTTP2_INTERNAL_ERROR);
  }
}

interface Draining {
  once(event: "drain" | "close", listener: () => void): unknown;
  off(event: "drain" | "close", listener: () => void): unknown;
}

function drained(stream: Draining, gone: boolean, signal: AbortSignal): Promise<void> {
  if (gone || signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const go = () => {
      stream.off("drain", go);
      stream.off("close", go);
      signal.removeEventListener("abort", go);
      resolve();
    };
    stream.once("drain", go);
    stream.once("close", go);
    signal.addEventListener("abort", go, { once: true });
  });
}
