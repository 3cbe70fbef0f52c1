import { Agent, type IncomingHttpHeaders, type IncomingMessage, request as request1 } from "node:http";
import { type ClientHttp2Session, connect, constants } from "node:http2";
import { onTestFinished } from "vitest";

/** A caller that knows HTTP and nothing of RPC, so that a test decides each byte and sees each that comes back. */
export interface RawCall {
  send(bytes: Uint8Array): void;
  end(bytes?: Uint8Array): void;
  /** Reads on. The answer is not read before. */
  read(onData?: (bytes: Buffer) => void): void;
  /** What came, when it has come to its end or broken off. */
  readonly answer: Promise<RawAnswer>;
  /** Goes away: closes the socket, or resets the stream. */
  leave(): void;
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly trailers: IncomingHttpHeaders;
  /** Whether it came to its end. */
  readonly whole: boolean;
}

export type Version = "1.1" | "2";

export interface RawHead {
  readonly path: string;
  readonly method?: string;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
}

/** Makes calls over one connection, which ends with the test that runs. */
export function connectTo(port: number, version: Version): (head: RawHead) => RawCall {
  if (version === "2") {
    const session = connect(`http://127.0.0.1:${port}`);
    session.on("error", () => {});
    onTestFinished(() => session.destroy());
    return (head) => callHttp2(session, head);
  }
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  onTestFinished(() => agent.destroy());
  return (head) => callHttp1(agent, port, head);
}

/** One call whose body is known, and its answer. */
export function ask(call: (head: RawHead) => RawCall, head: RawHead, body: Uint8Array): Promise<RawAnswer> {
  const one = call(head);
  one.end(body);
  one.read();
  return one.answer;
}

const unanswered = { status: 0, headers: {}, body: Buffer.alloc(0), trailers: {}, whole: false };

function callHttp1(agent: Agent, port: number, { path, method = "POST", headers }: RawHead): RawCall {
  const req = request1({ agent, host: "127.0.0.1", port, path, method, headers: copied(headers) });
  const response = Promise.withResolvers<IncomingMessage | null>();
  const answer = Promise.withResolvers<RawAnswer>();
  req.on("response", response.resolve).on("error", () => {
    response.resolve(null);
    answer.resolve(unanswered);
  });
  return {
    send: (bytes) => void req.write(bytes),
    end: (bytes) => void req.end(bytes),
    async read(onData = () => {}) {
      const res = await response.promise;
      if (res === null) return;
      const chunks: Buffer[] = [];
      res.on("data", (chunk: Buffer) => {
        chunks.push(chunk);
        onData(chunk);
      });
      res.on("error", () => {});
      res.on("close", () => {
        const { statusCode: status = 0, headers, trailers, complete } = res;
        answer.resolve({ status, headers, body: Buffer.concat(chunks), trailers, whole: complete });
      });
    },
    answer: answer.promise,
    leave: () => void req.destroy(),
  };
}

function callHttp2(session: ClientHttp2Session, { path, method = "POST", headers }: RawHead): RawCall {
  const stream = session.request({ ...copied(headers), ":method": method, ":path": path }, { endStream: false });
  const heads: { headers: IncomingHttpHeaders; trailers: IncomingHttpHeaders } = { headers: {}, trailers: {} };
  let status = 0;
  stream.on("response", ({ ":status": given = 0, ...fields }) => {
    status = given;
    heads.headers = fields;
  });
  stream.on("trailers", (fields) => {
    heads.trailers = fields;
  });
  stream.on("error", () => {});
  const answer = Promise.withResolvers<RawAnswer>();
  const chunks: Buffer[] = [];
  const finish = (whole: boolean) => answer.resolve({ status, ...heads, body: Buffer.concat(chunks), whole });
  // Whole when the server has ended it, even if the request has not: so a client of RPC sees it.
  stream.on("end", () => finish(stream.rstCode === constants.NGHTTP2_NO_ERROR && !stream.aborted));
  stream.on("close", () => finish(false));
  return {
    send: (bytes) => void stream.write(bytes),
    end: (bytes) => void stream.end(bytes),
    read(onData = () => {}) {
      stream.on("data", (chunk: Buffer) => {
        chunks.push(chunk);
        onData(chunk);
      });
    },
    answer: answer.promise,
    // To close it would end the request in good order first.
    leave: () => void stream.destroy(new Error("left")),
  };
}

function copied(headers: RawHead["headers"]): Record<string, string | string[]> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value].flat()]));
}
