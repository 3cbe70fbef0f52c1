import type { Config } from "../config/config.ts";
import type { Clock } from "../domain/clock.ts";
import type { Log } from "../domain/log.ts";
import { ReadinessSwitch } from "../domain/readiness.ts";
import { startAcceptor } from "../edges/acceptor.ts";
import { createOpsHandler } from "../edges/ops/ops.ts";
import { startServer } from "../edges/server.ts";
import type { Plan } from "./crew.ts";
import type { Fork } from "./fork.ts";
import { Supervisor } from "./supervisor.ts";

export interface PrimaryParts {
  readonly version: string;
  readonly log: Log;
  readonly clock: Clock;
  readonly fork: Fork;
  readonly plan: Plan;
}

/** The process that starts the workers, deals connections out to them and answers for all of them on the ops port. */
export interface Primary {
  readonly server: { readonly host: string; readonly port: number };
  readonly ops: { readonly host: string; readonly port: number };
  /** Settles when the workers die one after the other, with the reason. */
  readonly gaveUp: Promise<string>;
  drain(): Promise<void>;
  /** Ends everything now. */
  kill(): void;
}

/** Opens the ports and starts the workers. @throws Error with one sentence when it cannot */
export async function startPrimary(
  config: Config,
  { log, clock, fork, plan, version }: PrimaryParts,
): Promise<Primary> {
  await using starting = new AsyncDisposableStack();
  const { server } = config;
  const readiness = new ReadinessSwitch();
  const gaveUp = Promise.withResolvers<string>();
  const supervisor = new Supervisor({
    clock,
    log,
    fork,
    giveUp: gaveUp.resolve,
    changed() {
      readiness.turn(supervisor.serving.length > 0);
      acceptor.offer();
    },
    message() {},
  });
  const acceptor = await startAcceptor({
    host: server.host,
    port: server.port,
    give: (socket) => supervisor.give(socket),
  });
  starting.defer(() => acceptor.close());
  const opsHandler = createOpsHandler({
    ...config.ops,
    readiness,
    scrape: async () => "",
    details: () => ({ version }),
  });
  const ops = await startServer({ ...config.ops, tls: null, handler: opsHandler });
  starting.defer(ops.close);
  starting.defer(() => supervisor.kill());
  await supervisor.start(plan, server.drainMs);
  readiness.turn(true);
  acceptor.offer();
  const started = starting.move();
  return {
    server: acceptor,
    ops,
    gaveUp: gaveUp.promise,
    kill: () => supervisor.kill(),
    async drain() {
      readiness.turn(false);
      supervisor.tell({ kind: "unready" });
      await new Promise<void>((resolve) => clock.after(server.drainDelayMs, resolve));
      readiness.end();
      acceptor.close();
      await supervisor.drain(server.drainMs);
      await started.disposeAsync();
    },
  };
}
