import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll } from "vitest";
import { loadConfig } from "../../src/config/load.ts";
import type { Log } from "../../src/domain/log.ts";
import { type RunningGateway, startGateway } from "../../src/main.ts";

/** What the provider answers to the next call. */
export interface Script {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Written one after another, each in a network write of its own. */
  readonly pieces?: readonly (string | Uint8Array)[];
  /** `end` closes politely, `cut` destroys the socket, `hang` says nothing more, `mute` not even the head. */
  readonly ending?: "end" | "cut" | "hang" | "mute";
}

/** What the provider was asked. */
export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
  // The tests read what they expect; a wrong shape fails them.
  // biome-ignore lint/suspicious/noExplicitAny: foreign JSON under test
  readonly body: any;
  /** Resolves when the gateway has closed its side. */
  readonly closed: Promise<void>;
}

/** What the caller of the gateway got. */
export interface Got {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
  /** Whether the body ended as HTTP demands, and was not cut off. */
  readonly clean: boolean;
}

/** A call in flight. */
export interface Calling {
  /** Resolves with the first bytes of the body. */
  readonly begun: Promise<string>;
  hangUp(): void;
}

export interface Bench {
  /** Scripts for the next calls, in order. A call without a script is answered 500. */
  script(...scripts: Script[]): void;
  readonly asked: Asked[];
  /** POSTs JSON (or raw text) to the gateway. */
  post(path: string, body: unknown, headers?: Readonly<Record<string, string>>): Promise<Got>;
  /** The same by a caller who may hang up. */
  call(path: string, body: unknown): Calling;
  /** The call that reaches the provider next, from now on. */
  nextAsked(): Promise<Asked>;
  /** The gateway's metrics, as Prometheus reads them. */
  metrics(): Promise<string>;
  readonly url: string;
}

const quiet: Log = { debug() {}, info() {}, warn() {}, error() {}, with: () => quiet };

/**
 * A gateway between a scripted provider (every dialect) and the test, on real sockets. One per test file.
 * @param env added to the gateway's; `ORIGIN` in a value becomes the scripted provider's
 */
export function useBench(env: Readonly<Record<string, string>> = {}): Bench {
  const scripts: Script[] = [];
  const asked: Asked[] = [];
  const waiting: ((asked: Asked) => void)[] = [];
  let upstream: Server;
  let gateway: RunningGateway;
  let url = "";

  beforeAll(async () => {
    const onAsked = (one: Asked) => {
      asked.push(one);
      waiting.shift()?.(one);
    };
    upstream = createServer((req, res) => void answer(req, res, scripts, onAsked));
    await new Promise<void>((resolve) => upstream.listen(0, "127.0.0.1", resolve));
    const origin = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
    const { config } = loadConfig({
      env: {
        PORT: "0",
        TRUNKLINE_OPS_PORT: "0",
        TRUNKLINE_ADMIN_PORT: "0",
        OPENAI_API_KEY: "sk-upstream-openai",
        OPENAI_BASE_URL: `${origin}/v1`,
        OPENAI_MODELS: "gpt-4o,gpt-4.1",
        ANTHROPIC_API_KEY: "sk-upstream-anthropic",
        ANTHROPIC_BASE_URL: origin,
        ANTHROPIC_MODELS: "claude-sonnet-4-5,claude-opus-4-8",
        GEMINI_API_KEY: "AIza-upstream-gemini",
        GEMINI_BASE_URL: origin,
        GEMINI_MODELS: "gemini-2.0-flash,gemini-2.5-flash,gemini-3-pro-preview",
        ...Object.fromEntries(Object.entries(env).map(([name, value]) => [name, value.replace("ORIGIN", origin)])),
      },
      flags: {},
      folder: import.meta.dirname,
    });
    // One answer to one question: what is tried again is tested elsewhere.
    const { resilience } = config;
    const policy = { ...resilience.policy, maxAttempts: 1 };
    gateway = await startGateway({ ...config, resilience: { ...resilience, policy } }, { log: quiet });
    url = gateway.url;
  });
  afterAll(async () => {
    await gateway?.close();
    upstream?.closeAllConnections();
    upstream?.close();
  });

  return {
    script: (...next) => void scripts.push(...next),
    asked,
    post: (path, body, headers = {}) =>
      send(url + path, typeof body === "string" ? body : JSON.stringify(body), headers),
    call: (path, body) => call(url + path, JSON.stringify(body)),
    nextAsked: () => new Promise((resolve) => waiting.push(resolve)),
    metrics: async () => (await fetch(`${gateway.opsUrl}/metrics`)).text(),
    get url() {
      return url;
    },
  };
}

async function answer(
  req: IncomingMessage,
  res: ServerResponse,
  scripts: Script[],
  onAsked: (asked: Asked) => void,
): Promise<void> {
  // Lists of models are read in the background; they are no part of the scripts.
  if (req.method === "GET") {
    res.writeHead(200, { "content-type": "application/json" }).end('{"object":"list","data":[],"has_more":false}');
    return;
  }
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  const closed = new Promise<void>((resolve) => res.once("close", resolve));
  onAsked({
    method: req.method ?? "",
    path: req.url ?? "",
    headers: req.headers,
    text,
    body: JSON.parse(text),
    closed,
  });
  const script = scripts.shift() ?? { status: 500, pieces: ["no script"] };
  if (script.ending === "mute") return;
  res.writeHead(script.status ?? 200, { "content-type": "text/event-stream", ...script.headers });
  res.socket?.setNoDelay(true);
  for (const piece of script.pieces ?? []) {
    await new Promise<void>((resolve) => res.write(piece, () => resolve()));
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  if (script.ending === "cut") res.socket?.destroy();
  else if (script.ending !== "hang") res.end();
}

function send(url: string, body: string, headers: Readonly<Record<string, string>>): Promise<Got> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method: "POST", headers: { "content-type": "application/json", ...headers } });
    outgoing.once("error", reject);
    outgoing.once("response", (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
      incoming.once("close", () => {
        resolve({
          status: incoming.statusCode ?? 0,
          headers: incoming.headers,
          text: Buffer.concat(chunks).toString(),
          clean: incoming.complete,
        });
      });
      incoming.on("error", () => {}); // A cut body is what some tests want to see.
    });
    outgoing.end(body);
  });
}

function call(url: string, body: string): Calling {
  const outgoing = request(url, { method: "POST", headers: { "content-type": "application/json" } });
  const begun = new Promise<string>((resolve) => {
    outgoing.once("response", (incoming) => incoming.once("data", (bytes: Buffer) => resolve(bytes.toString())));
  });
  outgoing.on("error", () => {}); // Hanging up is what these calls are for.
  outgoing.end(body);
  return { begun, hangUp: () => void outgoing.destroy() };
}

/** The `data:` payloads of a stream, `[DONE]` included. */
export function dataOf(text: string): string[] {
  return text
    .split("\n\n")
    .filter((event) => event.startsWith("data: "))
    .map((event) => event.slice("data: ".length));
}

// biome-ignore lint/suspicious/noExplicitAny: foreign JSON under test
export function chunksOf(text: string): any[] {
  return dataOf(text)
    .filter((data) => data !== "[DONE]")
    .map((data) => JSON.parse(data));
}

/** The text that a caller of chat completions would show. */
export function textOf(text: string): string {
  return chunksOf(text)
    .map((chunk) => chunk.choices?.[0]?.delta?.content ?? "")
    .join("");
}

/** An OpenAI chunk with one delta, as a server-sent event. */
export function chunk(delta: unknown, finish: string | null = null, extra: Readonly<Record<string, unknown>> = {}) {
  return `data: ${JSON.stringify({ ...head, choices: [{ index: 0, delta, finish_reason: finish }], ...extra })}\n\n`;
}

export const head = { id: "chatcmpl-1", object: "chat.completion.chunk", created: 1, model: "gpt-4o" };
export const done = "data: [DONE]\n\n";
