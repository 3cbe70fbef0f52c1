import { LeasedAdmission } from "./accounts/leased-admission.ts";
import { createOnce } from "./cache/once.ts";
import { LinkedResponses } from "./cache/response-stores.ts";
import { SharedOnce } from "./cache/shared-once.ts";
import type { Config } from "./config/config.ts";
import type { Clock } from "./domain/clock.ts";
import type { Log } from "./domain/log.ts";
import { type Serving, startServing } from "./serving.ts";
import type { Link } from "./workers/link.ts";
import type { Question, ToWorker } from "./workers/messages.ts";

export interface WorkerParts {
  readonly version: string;
  readonly link: Link;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: () => number;
  /** Calls back for an error that nothing caught. */
  readonly onFault: (fault: (error: unknown) => void) => void;
  /** What a worker with a fault of its own ends with. */
  readonly faultExitCode: number;
}

/** How a worker ends. Milliseconds. */
interface Ending {
  readonly drainMs: number;
  readonly lingerMs: number;
  readonly exitCode: number;
}

/** How long a replaced worker keeps connections that are not in use. Milliseconds. */
const lingerMs = 5_000;

/**
 * Serves the connections that the primary hands over, until it says to drain, is gone itself, or this process has a
 * fault of its own.
 * @returns the exit code
 */
export async function work(config: Config, parts: WorkerParts): Promise<number> {
  const { link, log, clock, onFault, faultExitCode } = parts;
  const { drainMs } = config.server;
  const ending = Promise.withResolvers<Ending>();
  const faulty = Promise.withResolvers<Ending>();
  const entrance = new LeasedAdmission(clock, (ask) => link.send({ kind: "places", ask }));
  const once = new SharedOnce({
    own: (forgotten) => createOnce({ clock, ...config.resilience.idempotency, forgotten }),
    ask: (ask) => link.send({ kind: "keys", ask }),
    log,
  });
  const responses = new LinkedResponses((ask) => link.send({ kind: "responses", ask }));
  const serving = await startServing(config, { ...parts, entrance, once, responses, listens: false });

  function obey(message: Exclude<ToWorker, { kind: "start" | "connection" }>): void {
    switch (message.kind) {
      case "places":
        return entrance.take(message.answer);
      case "keys":
        return once.take(message.answer);
      case "responses":
        return responses.take(message.answer);
      case "ask":
        return void tell(serving, message.question).then((value) =>
          link.send({ kind: "answer", id: message.id, value }),
        );
      case "unready":
        return serving.readiness.turn(false);
      case "drain":
        // Its own probes may go on: others are ready in its place.
        if (message.replaced) serving.readiness.settle();
        else serving.readiness.end();
        return ending.resolve({ drainMs, lingerMs: message.replaced ? lingerMs : 0, exitCode: 0 });
    }
  }
  link.listen({
    connection: (socket) => serving.server.take(socket),
    message: obey,
    lost() {
      log.warn("the primary process is gone: this worker drains");
      entrance.lose();
      once.lose();
      responses.lose();
      serving.readiness.end();
      ending.resolve({ drainMs, lingerMs: 0, exitCode: faultExitCode });
    },
  });
  onFault((error) => {
    log.error("fault of the gateway: this worker ends", { cause: error });
    link.send({ kind: "crashing", reason: error instanceof Error ? error.message : String(error) });
    // Whoever still runs here is told at once: nobody knows what else is broken.
    faulty.resolve({ drainMs: 0, lingerMs: 0, exitCode: faultExitCode });
  });
  link.send({ kind: "ready" });
  // A fault may come while it drains, and cuts that short.
  return Promise.race([ending.promise.then(finish), faulty.promise.then(finish)]);

  async function finish(how: Ending): Promise<number> {
    await Promise.all([serving.finish(how.drainMs, how.lingerMs), unread(how.drainMs)]);
    await link.last({ kind: "bye", metrics: await serving.metrics.scrape() });
    await serving.close();
    return how.exitCode;
  }

  /** Callers in other workers may read an answer that is made here. */
  function unread(withinMs: number): Promise<void> {
    return Promise.race([once.unread(), new Promise<void>((resolve) => clock.after(withinMs, resolve))]);
  }
}

/** What the primary asks for, to tell it with that of the others. */
async function tell(serving: Serving, question: Question): Promise<unknown> {
  return question === "metrics" ? serving.metrics.scrape() : serving.details();
}
