import type { Connection } from "../edges/acceptor.ts";
import type { FromWorker, ToWorker, WorkerSetup } from "./messages.ts";

/** What a worker hears of its primary. */
export interface LinkListener {
  message(message: Exclude<ToWorker, { kind: "start" | "connection" }>): void;
  /** A connection to serve, of which nothing has been read. */
  connection(socket: Connection): void;
  /** The primary is gone. Called once. */
  lost(): void;
}

/** A worker's side of the channel to its primary. */
export interface Link {
  /** What to start with. Never settles when the primary is gone before it said. */
  readonly setup: Promise<WorkerSetup>;
  send(message: FromWorker): void;
  /** Resolves when the message has left this process. */
  last(message: FromWorker): Promise<void>;
  listen(listener: LinkListener): void;
}

/** Opens it and says hello. Null in a process that no primary started. */
export function openLink(own: NodeJS.Process): Link | null {
  if (own.send === undefined) return null;
  const { promise: setup, resolve } = Promise.withResolvers<WorkerSetup>();
  let listener: LinkListener | null = null;
  let isLost = false;
  // Sent by our own primary alone.
  own.on("message", (message: unknown, handle: unknown) => {
    const told = message as ToWorker;
    if (told.kind === "start") resolve(told.setup);
    else if (told.kind !== "connection") listener?.message(told);
    // Null when the connection was closed on its way.
    else if (handle) listener?.connection(handle as Connection);
  });
  own.once("disconnect", () => {
    isLost = true;
    listener?.lost();
  });
  const send = (message: FromWorker, sent = () => {}) => {
    if (own.connected) own.send?.(message, undefined, {}, sent);
    else sent();
  };
  send({ kind: "hello" });
  return {
    setup,
    send: (message) => send(message),
    last: (message) => new Promise((sent) => send(message, sent)),
    listen(given) {
      listener = given;
      if (isLost) given.lost();
    },
  };
}
