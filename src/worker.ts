import { Admission } from "./accounts/admission.ts";
import { createOnce } from "./cache/once.ts";
import type { Config } from "./config/config.ts";
import type { Clock } from "./domain/clock.ts";
import type { Log } from "./domain/log.ts";
import { type Serving, startServing } from "./serving.ts";
import type { Link } from "./workers/link.ts";
import type { Question } from "./workers/messages.ts";

export interface WorkerParts {
  readonly version: string;
  readonly link: Link;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: () => number;
}

/**
 * Serves the connections that the primary hands over, until it says to drain, is gone itself, or this process has a
 * fault of its own.
 * @returns the exit code
 */
export async function work(config: Config, parts: WorkerParts): Promise<number> {
  const { link, log, clock } = parts;
  const entrance = new Admission({ clock, ...config.resilience.queue });
  const once = createOnce({ clock, ...config.resilience.idempotency });
  const serving = await startServing(config, { ...parts, entrance, once, listens: false });
  const ending = Promise.withResolvers<{ readonly drainMs: number; readonly exitCode: number }>();
  link.listen({
    connection: (socket) => serving.server.take(socket),
    message(message) {
      switch (message.kind) {
        case "unready":
          return serving.readiness.turn(false);
        case "drain":
          if (message.replaced) serving.readiness.settle();
          return ending.resolve({ drainMs: config.server.drainMs, exitCode: 0 });
        case "ask":
          return void answer(serving, message.question).then((value) =>
            link.send({ kind: "answer", id: message.id, value }),
          );
      }
    },
    lost() {
      log.warn("the primary process is gone: this worker drains");
      ending.resolve({ drainMs: config.server.drainMs, exitCode: 0 });
    },
  });
  link.send({ kind: "ready" });
  const { drainMs, exitCode } = await ending.promise;
  await serving.finish(drainMs);
  await link.last({ kind: "bye", metrics: await serving.metrics.scrape() });
  await serving.close();
  return exitCode;
}

/** What the primary asks for, to tell it with that of the others. */
async function answer(serving: Serving, question: Question): Promise<unknown> {
  return question === "metrics" ? serving.metrics.scrape() : serving.details();
}
