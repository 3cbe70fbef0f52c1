import type { Socket } from "node:net";

/** First bytes of every HTTP/2 connection with prior knowledge (RFC 9113 §3.4). No HTTP/1.1 method begins so. */
const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/**
 * Tells HTTP/2 from HTTP/1.1 by the first bytes of a connection, however they are cut up, and gives all of them back.
 *
 * Undecided bytes are kept here and put back once, after the decision: `unshift` while undecided would emit `readable`
 * again at once, so that a client which sends the single byte `P` and waits could spin the process.
 * @param timeoutMs a connection that does not decide in time is closed
 */
export function sniff(socket: Socket, timeoutMs: number, decided: (protocol: "h1" | "h2") => void): void {
  let seen: Buffer = Buffer.alloc(0);

  const onReadable = () => {
    const chunk: Buffer | null = socket.read();
    if (chunk === null) return;
    seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk]);
    const length = Math.min(seen.length, preface.length);
    const matches = preface.compare(seen, 0, length, 0, length) === 0;
    if (matches && length < preface.length) return;
    stop();
    socket.unshift(seen);
    decided(matches ? "h2" : "h1");
  };
  const stop = () => {
    clearTimeout(timer);
    socket.off("readable", onReadable);
    socket.off("end", onEnd);
    socket.off("error", onEnd);
  };
  const onEnd = () => {
    stop();
    socket.destroy();
  };
  const timer = setTimeout(onEnd, timeoutMs);
  timer.unref();
  socket.on("readable", onReadable);
  socket.once("end", onEnd);
  socket.once("error", onEnd);
}
