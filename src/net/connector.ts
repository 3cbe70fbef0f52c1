import type { LookupFunction, Socket } from "node:net";
import { buildConnector } from "undici";

/** Opens a socket, TLS included where the origin has it. undici's own type does not say that its connectors return it. */
export type Connector = (where: buildConnector.Options, callback: buildConnector.Callback) => Socket;

export interface ConnectorParts {
  readonly socketPath: string | null;
  readonly lookup: LookupFunction;
  /** Whether HTTP/2 is offered to TLS servers, before HTTP/1.1. */
  readonly http2: boolean;
}

/**
 * The way to open connections to one origin. All but the first of an https origin take up the last TLS session that the
 * provider offered, which saves its certificate and a signature on both sides.
 */
export function createConnector({ socketPath, lookup, http2 }: ConnectorParts): Connector {
  return keepingSession(
    buildConnector({
      timeout: 0, // Bounded by who waits for it, on the clock.
      allowH2: http2,
      preferH2: http2,
      rejectUnauthorized: true, // Said here, because NODE_TLS_REJECT_UNAUTHORIZED would silently turn it off.
      ...(socketPath === null ? {} : { socketPath }),
      lookup,
    }) as unknown as Connector, // See the type.
  );
}

/** As undici describes an origin to its connectors. */
export function whereOf(origin: string): buildConnector.Options {
  const { host, hostname, protocol, port } = new URL(origin);
  return { host, hostname: hostname.replace(/^\[|\]$/g, ""), protocol, port };
}

/**
 * undici remembers the last TLS session of a server name, but by a WeakRef, which is empty after the next collection of
 * garbage. What is held here stays.
 */
function keepingSession(connect: Connector): Connector {
  const held: { session: Buffer | null } = { session: null };
  return (where, callback) => {
    const socket = connect(where, callback);
    socket.on("session", (session: Buffer) => {
      held.session = session;
    });
    return socket;
  };
}
