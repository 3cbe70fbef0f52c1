import { type IncomingHttpHeaders, request as requestPlain } from "node:http";
import { request as requestTls } from "node:https";

export interface ClientRequest {
  readonly method: "GET" | "POST";
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Aborting closes the socket, which cancels the request at the other end. */
  readonly signal: AbortSignal;
}

export interface ClientReply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** The body as it arrives. Leaving the loop early closes the socket. */
  readonly body: AsyncIterable<Uint8Array>;
}

/** How long a connection may take to answer at all. Milliseconds; answers themselves take as long as models take. */
const connectTimeoutMs = 10_000;

/**
 * One request of a command-line client to the gateway that its user named. Not for providers: no pool, no egress policy,
 * no redirects.
 * @throws Node's system error, such as ECONNREFUSED, when nothing answers
 */
export function sendToGateway(url: URL, { method, headers, body, signal }: ClientRequest): Promise<ClientReply> {
  const request = url.protocol === "https:" ? requestTls : requestPlain;
  return new Promise((resolve, reject) => {
    const call = request(url, { method, headers, signal, agent: false }, (reply) => {
      // Node gives every client-side reply a status.
      resolve({ status: reply.statusCode ?? 0, headers: reply.headers, body: reply });
    });
    call.on("socket", (socket) => {
      const timer = setTimeout(() => {
        if (socket.connecting) call.destroy(Object.assign(new Error("connect timed out"), { code: "ETIMEDOUT" }));
      }, connectTimeoutMs);
      socket.once("connect", () => clearTimeout(timer));
      socket.once("close", () => clearTimeout(timer));
    });
    call.on("error", reject);
    call.end(body);
  });
}
