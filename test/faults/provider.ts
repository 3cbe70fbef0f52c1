import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Clock } from "../../src/domain/clock.ts";

/** A provider that works or fails as its model's name says. */
export interface FaultyProvider {
  readonly origin: string;
  /** Requests so far. */
  readonly calls: number;
  /** Whether it is in the middle of saying something. */
  readonly busy: boolean;
  /** Requests whose connection is still there and whose answer has not ended. */
  readonly open: number;
  close(): void;
}

const head = { id: "c1", object: "chat.completion.chunk", created: 1, model: "m" };
const event = (delta: unknown, finish: string | null = null) =>
  `data: ${JSON.stringify({ ...head, choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
const role = event({ role: "assistant" });
const hi = event({ content: "Hi" });
const call = event({ tool_calls: [{ index: 0, id: "call_1", function: { name: "f", arguments: '{"a":' } }] });
const goodStream = `${role}${hi}${event({}, "stop")}data: [DONE]\n\n`;
const goodWhole = JSON.stringify({
  ...head,
  object: "chat.completion",
  choices: [{ index: 0, message: { role: "assistant", content: "Hi" }, finish_reason: "stop" }],
});
const halfWhole = goodWhole.slice(0, goodWhole.length / 2);
const failure = JSON.stringify({ error: { message: "It failed.", type: "server_error", code: "server_error" } });

/** What one answer is made of. */
class Answer {
  readonly stream: boolean;
  readonly #res: ServerResponse;
  readonly #clock: Clock;

  constructor(res: ServerResponse, stream: boolean, clock: Clock) {
    this.#res = res;
    this.stream = stream;
    this.#clock = clock;
  }

  refuse(status: number, headers: Readonly<Record<string, string>> = {}, body = "{}"): void {
    this.#res.writeHead(status, { "content-type": "application/json", ...headers }).end(body);
  }

  /** The head and a part of the answer, by what was asked for. */
  begin(stream: string, whole: string): void {
    this.#res.writeHead(200, { "content-type": this.stream ? "text/event-stream" : "application/json" });
    this.#res.flushHeaders();
    const text = this.stream ? stream : whole;
    if (text !== "") this.#res.write(text);
  }

  end(text = ""): void {
    this.#res.end(text);
  }

  /** Breaks the connection once what was written has gone out. */
  async reset(): Promise<void> {
    for (let i = 0; i < 2; i++) await new Promise<void>((resolve) => setImmediate(resolve));
    const closed = new Promise<void>((resolve) => this.#res.once("close", resolve));
    this.#res.socket?.resetAndDestroy();
    await closed;
  }

  /** Says the same once a second, as long as somebody listens. */
  repeat(text: () => string): void {
    const again = () => {
      if (this.#res.destroyed) return;
      this.#res.write(text());
      this.#clock.after(1_000, again);
    };
    again();
  }

  /** As much of the same as is taken. */
  async flood(piece: string): Promise<void> {
    for (let taken = 0; taken < 2 ** 30 && !this.#res.destroyed; taken += piece.length) {
      if (!this.#res.write(piece)) {
        await new Promise<void>((resolve) => {
          const goOn = () => {
            this.#res.off("drain", goOn).off("close", goOn);
            resolve();
          };
          this.#res.on("drain", goOn).on("close", goOn);
        });
      }
    }
  }
}

/** What the provider does, by the fault's name. What is not here works. */
const plays: Readonly<Record<string, (answer: Answer) => void | Promise<void>>> = {
  reset: (answer) => answer.reset(),
  "header-stall": () => {},
  "429": (answer) => answer.refuse(429),
  "429-seconds": (answer) => answer.refuse(429, { "retry-after": "2" }),
  "429-ms": (answer) => answer.refuse(429, { "retry-after-ms": "700" }),
  "429-date": (answer) => {
    const date = Date.UTC(2026, 0, 1);
    const [now, later] = [new Date(date).toUTCString(), new Date(date + 3_000).toUTCString()];
    answer.refuse(429, { date: now, "retry-after": later });
  },
  "429-long": (answer) => answer.refuse(429, { "retry-after": "60" }),
  quota: (answer) => answer.refuse(429, {}, '{"error":{"code":"insufficient_quota","message":"Spent."}}'),
  "401": (answer) => answer.refuse(401),
  "400": (answer) => answer.refuse(400),
  "500": (answer) => answer.refuse(500),
  "503": (answer) => answer.refuse(503),
  "529": (answer) => answer.refuse(529),
  html: (answer) => answer.refuse(502, { "content-type": "text/html" }, "<html><h1>Bad gateway</h1></html>"),
  empty: (answer) => answer.refuse(200, { "content-type": "text/plain" }, ""),
  "302": (answer) => answer.refuse(302, { location: "http://127.0.0.1:1/elsewhere" }, ""),
  "first-token-stall": (answer) => answer.begin(role, halfWhole),
  "mid-stall": (answer) => answer.begin(role + hi, halfWhole),
  "cut-text": (answer) => {
    answer.begin(role + hi, halfWhole);
    return answer.reset();
  },
  "end-text": (answer) => {
    answer.begin(role + hi, halfWhole);
    answer.end();
  },
  "cut-tool-call": (answer) => {
    answer.begin(role + call, halfWhole);
    return answer.reset();
  },
  "no-terminator": (answer) => {
    answer.begin(role + hi + event({}, "stop"), goodWhole);
    answer.end();
  },
  malformed: (answer) => {
    answer.begin(`${role}${hi}data: {"choices":[}\n\n`, `${goodWhole}}`);
    answer.end();
  },
  "error-event": (answer) => {
    answer.begin(`${role}${hi}data: ${failure}\n\n`, failure);
    answer.end();
  },
  drip: (answer) => {
    const bytes = [...(answer.stream ? goodStream : goodWhole)];
    answer.begin("", "");
    answer.repeat(() => bytes.shift() ?? " ");
  },
  endless: (answer) => {
    answer.begin(role, "");
    answer.repeat(() => (answer.stream ? hi : " "));
  },
  "long-line": async (answer) => {
    answer.begin("data: ", "");
    await answer.flood("x".repeat(1_048_576));
  },
};

export async function startFaultyProvider(clock: Clock): Promise<FaultyProvider> {
  let calls = 0;
  let speaking = 0;
  let open = 0;
  const server = createServer((req, res) => void serve(req, res));
  async function serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
    if (req.method === "GET") return void res.writeHead(404).end();
    speaking++;
    calls++;
    open++;
    res.once("close", () => open--);
    try {
      const body = JSON.parse(Buffer.concat(await req.toArray()).toString());
      const answer = new Answer(res, body.stream === true, clock);
      const play = plays[body.model];
      if (play) await play(answer);
      else {
        answer.begin(goodStream, goodWhole);
        answer.end();
      }
    } finally {
      speaking--;
    }
  }
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  // A server on a port has an address with that port.
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    get calls() {
      return calls;
    },
    get open() {
      return open;
    },
    get busy() {
      return speaking > 0;
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
