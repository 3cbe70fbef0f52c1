import { createServer, type Socket } from "node:net";
import { listenOn } from "./server.ts";

/** A connection on its way to whoever serves it. */
export type Connection = Socket;

export interface AcceptorOptions {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** Hands a connection on, of which nothing has been read. False when nobody can take it now. */
  readonly give: (connection: Connection) => boolean;
}

/** A port whose connections are served elsewhere. */
export interface Acceptor {
  readonly host: string;
  readonly port: number;
  /** Offers again what nobody could take. */
  offer(): void;
  /** Accepts no more, and ends what nobody took. */
  close(): void;
}

/** Connections that may wait for somebody to serve them. */
const maxHeld = 1_024;

/** Listens and hands each connection on. @throws Error with one sentence when the address cannot be had */
export async function startAcceptor({ host, port, give }: AcceptorOptions): Promise<Acceptor> {
  const held = new Set<Socket>();
  const listener = createServer({ pauseOnConnect: true }, (socket) => {
    // One that breaks while it waits is found out by whoever gets it.
    socket.on("error", () => socket.destroy());
    if (give(socket)) return;
    if (held.size >= maxHeld) return void socket.destroy();
    held.add(socket);
    socket.once("close", () => held.delete(socket));
  });
  const address = await listenOn(listener, host, port);
  return {
    host: address.address,
    port: address.port,
    offer() {
      for (const socket of held) {
        if (!give(socket)) return;
        held.delete(socket);
      }
    },
    close() {
      listener.close();
      for (const socket of held) socket.destroy();
    },
  };
}
