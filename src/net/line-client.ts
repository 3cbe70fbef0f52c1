import type { Socket } from "node:net";
import { Client, type Dispatcher } from "undici";
import type { Connector } from "./connector.ts";

/** A request that waits for a connection. */
export interface Waiting extends Dispatcher.DispatchHandler {
  /** Whether nobody waits for its answer any more. */
  readonly givenUp: boolean;
  /** Who opens a connection for it, or has one. */
  way: Way | null;
}

/** What a request has been given to. */
export interface Way {
  /** Whether a connection is being opened, or all are taken. */
  readonly isConnecting: boolean;
  /** The request is wanted no more, and had not begun. It is told by its error. */
  giveUp(handler: Waiting): void;
}

type LineOptions = Omit<Client.Options, "connect"> & { readonly connect: Connector };

/**
 * One connection of a pool. It knows the request that it opens the connection for: undici goes on connecting for a
 * request that nobody wants any more, up to the end of a TLS handshake that never ends.
 */
export class LineClient extends Client implements Way {
  readonly isConnecting = true;
  readonly #opening: Opening;
  #current: Dispatcher.DispatchHandler | null = null;

  constructor(origin: URL, { connect, ...options }: LineOptions) {
    const opening: Opening = { socket: null };
    super(origin, {
      ...options,
      connect(where, callback) {
        opening.socket = connect(where, (...result) => {
          opening.socket = null;
          callback(...result);
        });
      },
    });
    this.#opening = opening;
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    if (isWaiting(handler)) {
      if (handler.givenUp) {
        handler.onResponseError?.(null as never, new Error("given up while it was queued"));
        return true;
      }
      handler.way = this;
    }
    this.#current = handler;
    return super.dispatch(options, handler);
  }

  /** Ends the connection that is being opened, if it is for this request. The request is told by its error. */
  giveUp(handler: Waiting): void {
    if (this.#current === handler) this.#opening.socket?.destroy(new Error("given up while connecting"));
  }
}

interface Opening {
  socket: Socket | null;
}

function isWaiting(handler: Dispatcher.DispatchHandler): handler is Waiting {
  return "givenUp" in handler;
}
