import type { Clock } from "../../domain/clock.ts";
import { type Incoming, isHttp2, type Reply } from "../http.ts";

type Headers = Readonly<Record<string, string>>;

/** A whole answer. */
export function writeJson(res: Reply, status: number, json: string, headers: Headers): void {
  writeHead(res, status, json, headers);
  res.end(json);
}

/**
 * An answer after which the connection cannot be used again, because its request was given up in the middle. On
 * HTTP/1.1, closing it at once would reset it, and the caller, still sending, would lose the answer: what still comes is
 * thrown away for a while first.
 */
export function writeLastJson(
  { req, res, clock }: { readonly req: Incoming; readonly res: Reply; readonly clock: Clock },
  status: number,
  json: string,
  headers: Headers,
): void {
  if (isHttp2(req)) return writeJson(res, status, json, headers);
  writeHead(res, status, json, { ...headers, connection: "close" });
  res.write(json);
  throwAway(req, clock, () => res.end());
}

/**
 * Bounds what a caller goes on sending after its answer: a body that nobody asked for, or that was refused by its head.
 * A caller that soon comes to its end keeps its connection.
 */
export function boundRest(req: Incoming, clock: Clock): void {
  if (req.complete || req.destroyed) return;
  throwAway(req, clock, () => {
    if (req.complete) return;
    if (isHttp2(req)) req.stream.close();
    else req.socket.destroy();
  });
}

/** How long the rest of a body is thrown away. Milliseconds. */
const lingerMs = 1_000;

/** Throws the rest of a body away until it ends or the time is over, then calls back once. */
function throwAway(req: Incoming, clock: Clock, over: () => void): void {
  let isOver = false;
  const finish = () => {
    if (isOver) return;
    isOver = true;
    cancel();
    over();
  };
  const cancel = clock.after(lingerMs, finish);
  req.once("end", finish).once("close", finish).resume();
}

function writeHead(res: Reply, status: number, json: string, headers: Headers): void {
  const length = String(Buffer.byteLength(json));
  res.writeHead(status, { "content-type": "application/json", "content-length": length, ...headers });
}
