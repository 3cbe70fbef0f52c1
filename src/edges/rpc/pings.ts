import type { Http2Session } from "node:http2";
import type { Clock } from "../../domain/clock.ts";
import type { NodeRequest } from "./node.ts";

export interface PingOptions {
  readonly clock: Clock;
  /** Longest silence on a connection whose callers wait. Milliseconds. */
  readonly intervalMs: number;
}

/**
 * Shows callers by gRPC that their answer is being made: as long as a connection has calls, it gets an HTTP/2 PING at
 * each interval. One timer a connection, however many calls it has; none when it has no calls.
 */
export class Pings {
  readonly #options: PingOptions;
  /** Calls of each connection that has a timer. */
  readonly #calls = new WeakMap<Http2Session, number>();

  constructor(options: PingOptions) {
    this.#options = options;
  }

  /** Counts a call until it ends. Nothing for HTTP/1.1, which has no sign of life below the answer itself. */
  watch(req: NodeRequest): void {
    const session = "stream" in req ? req.stream.session : undefined;
    if (session === undefined || session.destroyed) return;
    const calls = this.#calls.get(session);
    this.#calls.set(session, (calls ?? 0) + 1);
    if (calls === undefined) this.#wait(session);
    req.once("close", () => this.#calls.set(session, (this.#calls.get(session) ?? 1) - 1));
  }

  #wait(session: Http2Session): void {
    const { clock, intervalMs } = this.#options;
    const cancel = clock.after(intervalMs, () => {
      session.off("close", cancel);
      if (session.destroyed || this.#calls.get(session) === 0) return void this.#calls.delete(session);
      // Whether it is answered does not matter: a caller that is gone is noticed by its socket.
      session.ping(() => {});
      this.#wait(session);
    });
    session.once("close", cancel);
  }
}
