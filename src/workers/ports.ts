import type { Config, ListenConfig } from "../config/config.ts";
import { type Acceptor, type Connection, startAcceptor } from "../edges/acceptor.ts";
import { createOpsHandler, type OpsParts } from "../edges/ops/ops.ts";
import { type Handler, type RunningServer, startServer } from "../edges/server.ts";

export interface PortsParts {
  /** Hands a connection of the public port on; false when nobody can take it now. */
  readonly give: (socket: Connection) => boolean;
  readonly ops: Pick<OpsParts, "readiness" | "scrape" | "details">;
}

/** The public port and the ops port of the primary. */
export class Ports {
  readonly #parts: PortsParts;
  #config: Config;
  #acceptor: Acceptor;
  #ops: RunningServer;
  #opsHandler: Handler;

  private constructor(parts: PortsParts, config: Config, acceptor: Acceptor, ops: RunningServer, handler: Handler) {
    this.#parts = parts;
    this.#config = config;
    this.#acceptor = acceptor;
    this.#ops = ops;
    this.#opsHandler = handler;
  }

  /** @throws Error with one sentence when an address cannot be had */
  static async open(config: Config, parts: PortsParts): Promise<Ports> {
    const acceptor = await startAcceptor({ ...config.server, give: parts.give });
    try {
      const handler: Handler = (req, res) => ports.#opsHandler(req, res);
      const ops = await startServer({ ...config.ops, tls: null, handler });
      const ports: Ports = new Ports(parts, config, acceptor, ops, createOpsHandler({ ...parts.ops, ...config.ops }));
      return ports;
    } catch (error) {
      acceptor.close();
      throw error;
    }
  }

  get public(): Pick<Acceptor, "host" | "port"> {
    return this.#acceptor;
  }

  get ops(): Pick<RunningServer, "host" | "port"> {
    return this.#ops;
  }

  /** Offers again what nobody could take. */
  offer(): void {
    this.#acceptor.offer();
  }

  /**
   * Opens what another configuration wants elsewhere; all that is open stays open.
   * @returns what to call when that configuration is in use, or is not to be used after all
   * @throws Error with one sentence when an address cannot be had
   */
  async prepare(config: Config): Promise<{ use(): void; drop(): void }> {
    const { server, ops } = this.#config;
    const acceptor = isSame(server, config.server)
      ? null
      : await startAcceptor({ ...config.server, give: this.#parts.give });
    const handler = createOpsHandler({ ...this.#parts.ops, ...config.ops });
    let moved: RunningServer | null = null;
    try {
      if (!isSame(ops, config.ops)) moved = await startServer({ ...config.ops, tls: null, handler });
    } catch (error) {
      acceptor?.close();
      throw error;
    }
    return {
      use: () => {
        this.#config = config;
        this.#opsHandler = handler;
        if (acceptor) {
          this.#acceptor.close();
          this.#acceptor = acceptor;
        }
        if (moved) {
          void this.#ops.close();
          this.#ops = moved;
        }
      },
      drop: () => {
        acceptor?.close();
        void moved?.close();
      },
    };
  }

  /** Accepts no more callers. Whoever watches still can. */
  closePublic(): void {
    this.#acceptor.close();
  }

  async close(): Promise<void> {
    this.#acceptor.close();
    await this.#ops.close();
  }
}

function isSame(one: ListenConfig, other: ListenConfig): boolean {
  return one.host === other.host && one.port === other.port;
}
