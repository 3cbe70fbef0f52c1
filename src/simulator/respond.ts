import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import type { Dialect, Exchange, Reply, StreamEvent, StreamReply, WholeReply } from "./exchange.ts";
import { type Fault, type FaultCounter, parseFault, splitModel, statusOf } from "./faults.ts";
import { WireError } from "./wire-error.ts";

export interface Pace {
  /** Before each token but the first. Milliseconds. */
  readonly tokenMs: number;
  readonly firstTokenMs: number;
}

interface Responding {
  readonly dialect: Dialect;
  readonly exchange: Exchange;
  readonly faults: FaultCounter;
  readonly pace: Pace;
}

/** Answers one request, with the fault that it asks for. @throws WireError before anything was sent */
export async function respond(res: ServerResponse, { dialect, exchange, faults, pace }: Responding): Promise<void> {
  const fault = faultOf(dialect, exchange, faults);
  const status = fault === null ? null : statusOf(fault);
  if (fault !== null && status !== null) throw dialect.failureOf(status, fault.seconds);
  const act = dialect.route(exchange);
  if (act === null) {
    throw new WireError(404, "invalid_request_error", `The simulator has no ${exchange.method} ${exchange.path}.`);
  }
  // What is wrong with the request comes before what goes wrong on purpose.
  const reply = act();
  const left = new AbortController();
  res.once("close", () => left.abort());
  const sending: Sending = { fault, pace, left: left.signal };
  if (fault?.name === "drop") res.destroy();
  else if (fault?.name === "html") sendHtml(res);
  else if (fault?.name === "empty") res.writeHead(200, { "content-length": 0 }).end();
  else if (fault?.name !== "slow-headers" || (await pause(fault.ms, left.signal))) await send(res, reply, sending);
}

function faultOf(dialect: Dialect, { headers, body, path }: Exchange, faults: FaultCounter): Fault | null {
  const model = dialect.modelOf(body, path) ?? "";
  const text = headers["x-simulate"] ?? splitModel(model).fault;
  if (text === null || text === undefined) return null;
  try {
    const fault = parseFault(text);
    return faults.strikes(`${model} ${text}`, fault) ? fault : null;
  } catch (error) {
    if (error instanceof RangeError) throw new WireError(400, "invalid_request_error", error.message);
    throw error;
  }
}

interface Sending {
  readonly fault: Fault | null;
  readonly pace: Pace;
  readonly left: AbortSignal;
}

function send(res: ServerResponse, reply: Reply, sending: Sending): Promise<void> {
  return "events" in reply ? sendStream(res, reply, sending) : sendWhole(res, reply, sending);
}

/** A page such as a proxy in between sends. */
function sendHtml(res: ServerResponse): void {
  res.writeHead(502, { "content-type": "text/html" });
  res.end("<html><body><h1>502 Bad Gateway</h1><p>This failure is simulated.</p></body></html>");
}

async function sendWhole(res: ServerResponse, { status, headers, body }: WholeReply, sending: Sending): Promise<void> {
  const { fault, left } = sending;
  const bytes = Buffer.from(fault?.name === "malformed" ? `${JSON.stringify(body)}}` : JSON.stringify(body));
  res.writeHead(status, { ...headers, "content-type": "application/json", "content-length": bytes.byteLength });
  if (fault?.name === "stall" || fault?.name === "cut") {
    res.write(bytes.subarray(0, bytes.byteLength / 2));
    await (fault.name === "cut" ? cut(res, left) : untilLeft(left));
  } else if (fault?.name === "split-utf8") {
    for (const byte of bytes) await write(res, Buffer.of(byte), left);
    res.end();
  } else {
    res.end(bytes);
  }
}

async function sendStream(res: ServerResponse, reply: StreamReply, { fault, pace, left }: Sending): Promise<void> {
  res.writeHead(200, {
    ...reply.headers,
    "content-type": reply.contentType ?? "text/event-stream; charset=utf-8",
    "cache-control": "no-cache",
  });
  res.flushHeaders();
  const slow = fault?.name === "slow-tokens" ? fault.ms : null;
  let tokens = 0;
  for (const event of reply.events) {
    if (fault !== null && event.token && tokens === fault.after && strikesStream(fault)) {
      return goWrong(res, fault, reply.errorEvent, left);
    }
    if (event.token) {
      const ms = slow ?? (tokens === 0 ? pace.firstTokenMs : pace.tokenMs);
      if (ms > 0 && !(await pause(ms, left))) return;
      tokens++;
    }
    if (!(await sendEvent(res, event, fault, left))) return;
  }
  res.end();
}

function strikesStream({ name }: Fault): boolean {
  return ["stall", "cut", "early-end", "malformed", "error-event"].includes(name);
}

async function sendEvent(res: ServerResponse, event: StreamEvent, fault: Fault | null, left: AbortSignal) {
  if (fault?.name !== "split-utf8") return write(res, event.text, left);
  for (const byte of Buffer.from(event.text)) {
    // Each byte in a packet of its own, so that every code point arrives in pieces.
    if (!(await write(res, Buffer.of(byte), left)) || !(await pause(0, left))) return false;
  }
  return true;
}

async function goWrong(
  res: ServerResponse,
  fault: Fault,
  errorEvent: string | Uint8Array,
  left: AbortSignal,
): Promise<void> {
  switch (fault.name) {
    case "stall":
      return untilLeft(left);
    case "cut":
      return cut(res, left);
    case "malformed":
      res.end('data: {"choices": [{"delta": {"content": "\n\n');
      return;
    case "error-event":
      res.end(errorEvent);
      return;
    default: // early-end: the body ends as if all had been said.
      res.end();
  }
}

/** Closes the connection in the middle of the answer, when everything up to here is on its way. */
async function cut(res: ServerResponse, left: AbortSignal): Promise<void> {
  // Node holds back what is written in one turn of the event loop.
  await pause(0, left);
  res.socket?.destroySoon();
}

/** @returns false when the caller has left */
async function write(res: ServerResponse, chunk: string | Uint8Array, left: AbortSignal): Promise<boolean> {
  if (left.aborted) return false;
  if (res.write(chunk)) return true;
  try {
    await once(res, "drain", { signal: left });
    return true;
  } catch {
    return false;
  }
}

/** @returns false when the caller has left */
async function pause(ms: number, left: AbortSignal): Promise<boolean> {
  try {
    await delay(ms, undefined, { signal: left });
    return true;
  } catch {
    return false;
  }
}

/** Longest that a stalled answer holds its connection. Milliseconds. */
const maxStallMs = 600_000;

async function untilLeft(left: AbortSignal): Promise<void> {
  await pause(maxStallMs, left);
}
