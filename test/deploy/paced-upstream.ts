import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

/** A call that has reached the provider and waits for what the test lets it answer. */
export interface PacedCall {
  /** Sends one piece of text as an event of a stream; the head goes out with the first. */
  say(text: string): void;
  /** Ends the stream as a provider does: finish reason, usage, end marker. */
  finish(): void;
  /** Answers at once with a whole completion. */
  answer(text: string): void;
  /** Settles when the gateway has closed its side, which is how a provider learns of a cancelled call. */
  readonly closed: Promise<unknown>;
}

export interface PacedUpstream extends AsyncDisposable {
  /** For OPENAI_BASE_URL. */
  readonly url: string;
  /** The next call, in order of arrival. */
  nextCall(): Promise<PacedCall>;
}

/** An OpenAI-compatible provider that does nothing until the test says so, so that order is proved without a clock. */
export async function startPacedUpstream(): Promise<PacedUpstream> {
  const arrived: PacedCall[] = [];
  const awaited: ((call: PacedCall) => void)[] = [];
  const server = createServer((request, response) => {
    if (request.method === "GET") {
      respond(response, { object: "list", data: [] });
      return;
    }
    const call = pace(request, response);
    const reader = awaited.shift();
    if (reader) reader(call);
    else arrived.push(call);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("a TCP listener has a port");
  return {
    url: `http://127.0.0.1:${address.port}/v1`,
    async nextCall() {
      return arrived.shift() ?? new Promise((resolve) => awaited.push(resolve));
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

const head = { id: "chatcmpl-paced", created: 1_764_000_000, model: "paced" };
const usage = { prompt_tokens: 3, completion_tokens: 5, total_tokens: 8 };

function pace(request: IncomingMessage, response: ServerResponse): PacedCall {
  request.resume();
  const send = (data: string) => {
    if (!response.headersSent) response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(`data: ${data}\n\n`);
  };
  const chunk = (delta: object, finish: string | null) =>
    JSON.stringify({ ...head, object: "chat.completion.chunk", choices: [{ index: 0, delta, finish_reason: finish }] });
  return {
    say: (text) => send(chunk({ role: "assistant", content: text }, null)),
    finish() {
      send(chunk({}, "stop"));
      send(JSON.stringify({ ...head, object: "chat.completion.chunk", choices: [], usage }));
      send("[DONE]");
      response.end();
    },
    answer(text) {
      const message = { role: "assistant", content: text };
      respond(response, {
        ...head,
        object: "chat.completion",
        choices: [{ index: 0, message, finish_reason: "stop" }],
        usage,
      });
    },
    closed: once(response, "close"),
  };
}

function respond(response: ServerResponse, body: object): void {
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
}
