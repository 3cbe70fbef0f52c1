import { createServer, request as httpRequest, type IncomingMessage } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import { type AddressInfo, connect, type Server, type Socket } from "node:net";
import { afterEach } from "vitest";
import type { EmbedRequest, EmbedResponse } from "../../../gen/trunkline/v1/embeddings_pb.ts";
import type { Model } from "../../../gen/trunkline/v1/models_pb.ts";
import { createOwnResponses } from "../../../src/cache/response-stores.ts";
import { Shutdown } from "../../../src/domain/begin.ts";
import type { ChatCall } from "../../../src/domain/chat.ts";
import type { Caller, RequestContext } from "../../../src/domain/context.ts";
import { GatewayError } from "../../../src/domain/errors.ts";
import type { Log, LogFields } from "../../../src/domain/log.ts";
import { createRestHandler, type RestParts } from "../../../src/edges/rest/handler.ts";
import type { Answer, Gateway } from "../../../src/gateway.ts";
import { createFakeClock, type FakeClock } from "../../fakes/clock.ts";

/** What the gateway behind the edge does in a test. Whatever is left out must not be called. */
export interface Behind {
  readonly chat?: (call: ChatCall, context: RequestContext) => Answer;
  readonly embed?: (request: EmbedRequest) => EmbedResponse;
  readonly models?: readonly Model[];
}

export interface RestBench {
  /** HTTP/1.1. */
  readonly port: number;
  /** HTTP/2 without TLS. */
  readonly h2Port: number;
  readonly clock: FakeClock;
  readonly logged: readonly { readonly message: string; readonly fields: LogFields }[];
  /** Contexts of the chats that reached the gateway, in order. */
  readonly chats: readonly RequestContext[];
  ask(path: string, options?: AskOptions): Promise<Got>;
}

export interface AskOptions {
  readonly method?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string | string[]>>;
}

export interface Got {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
  // The tests read what they expect; a wrong shape fails them.
  // biome-ignore lint/suspicious/noExplicitAny: JSON under test
  readonly json: any;
}

const open: (() => void)[] = [];
afterEach(() => {
  for (const close of open.splice(0)) close();
});

/** The key that the gateway behind the edge lets in. */
export const key = { authorization: "Bearer right" };

/** The REST edge on a real socket, before a gateway that the test plays. Closed after the test. */
export async function startRest(behind: Behind, overrides: Partial<RestParts> = {}): Promise<RestBench> {
  const clock = createFakeClock();
  const logged: { message: string; fields: LogFields }[] = [];
  const chats: RequestContext[] = [];
  let requests = 0;
  const shutdown = new Shutdown();
  const handler = createRestHandler({
    gateway: gatewayOf(behind, chats),
    beginnings: {
      clock,
      log: logInto(logged),
      shutdown,
      newRequestId: () => `req_${++requests}`,
    },
    limits: { maxBodyBytes: 1_000, bodyTimeoutMs: 10_000 },
    keepaliveMs: 15_000,
    strict: false,
    corsOrigins: [],
    openHosts: null,
    ready: () => true,
    ...overrides,
  });
  const server = createServer((req, res) => void handler(req, res));
  const h2Server = createHttp2Server((req, res) => void handler(req, res));
  const [port, h2Port] = await Promise.all([listen(server), listen(h2Server)]);
  open.push(() => {
    server.close();
    server.closeAllConnections();
    h2Server.close();
  });
  return { port, h2Port, clock, logged, chats, ask: (path, options) => ask(port, path, options) };
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
}

function gatewayOf({ chat, embed, models }: Behind, chats: RequestContext[]): Gateway {
  const responses = createOwnResponses(createFakeClock(), { maxCount: 10, maxBytes: 1_000_000, ttlMs: 1_000_000 });
  return {
    admit(head): Caller {
      if (head.header("authorization") === key.authorization) return { name: "master", id: "m" };
      throw new GatewayError("invalid_api_key", "The API key is missing or wrong.", { retryable: false });
    },
    chat(call, _caller, context) {
      if (!chat) throw new Error("no chat expected");
      chats.push(context);
      return chat(call, context);
    },
    async embed(request) {
      if (!embed) throw new Error("no embeddings expected");
      return embed(request);
    },
    async listModels() {
      return models ?? [];
    },
    async getModel(name) {
      const model = models?.find((known) => known.name === name);
      if (!model) throw new GatewayError("model_not_found", "There is no such model.", { param: "model" });
      return model;
    },
    async countTokens() {
      throw new Error("not on this edge");
    },
    responses,
    async getResponse(id, caller) {
      const stored = await responses.get(caller.id, id);
      if (!stored) throw new GatewayError("response_not_found", "There is no such response.");
      return stored;
    },
    async deleteResponse(id, caller) {
      await responses.delete(caller.id, id);
    },
    refused() {},
  };
}

function logInto(lines: { message: string; fields: LogFields }[]): Log {
  const line = (message: string, fields: LogFields = {}) => void lines.push({ message, fields });
  const log: Log = { debug: line, info: line, warn: line, error: line, with: () => log };
  return log;
}

/** POSTs JSON when there is a body, else GETs; text bodies are sent as they are. The key is sent unless overridden. */
export function ask(port: number, path: string, { method, body, headers }: AskOptions = {}): Promise<Got> {
  return new Promise((resolve, reject) => {
    const hasBody = body !== undefined;
    const req = httpRequest(
      {
        host: "127.0.0.1",
        port,
        path,
        method: method ?? (hasBody ? "POST" : "GET"),
        headers: { ...(hasBody && { "content-type": "application/json" }), ...key, ...headers },
        agent: false,
      },
      (res) => {
        const chunks: Buffer[] = [];
        res.on("data", (chunk: Buffer) => chunks.push(chunk));
        res.on("end", () => {
          const text = Buffer.concat(chunks).toString();
          resolve({ status: res.statusCode ?? 0, headers: res.headers, text, json: parsed(text) });
        });
        res.on("error", reject);
      },
    );
    req.on("error", reject);
    if (hasBody) req.end(typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body));
    else req.end();
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A connection on which a test writes HTTP by hand. Closed after the test. */
export function dial(port: number): { readonly socket: Socket; readonly received: () => string } {
  const socket = connect(port, "127.0.0.1");
  let text = "";
  socket.setEncoding("utf8").on("data", (chunk) => {
    text += chunk;
  });
  socket.on("error", () => {}); // A reset shows in what was received.
  open.push(() => socket.destroy());
  return { socket, received: () => text };
}

/** A request to `/v1/chat/completions` as it goes over the wire. */
export function rawChat(body: string, headers = ""): string {
  const length = headers.toLowerCase().includes("transfer-encoding") ? "" : `content-length: ${body.length}\r\n`;
  return (
    `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer right\r\n` +
    `content-type: application/json\r\n${length}${headers}\r\n${body}`
  );
}

/** Resolves when a condition holds; checked after every turn of the event loop, so that no test sleeps. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
