import { PlaceLedger } from "../accounts/place-ledger.ts";
import { KeyOwners } from "../cache/key-owners.ts";
import { ResponseMemory } from "../cache/response-memory.ts";
import { answerAsk } from "../cache/response-stores.ts";
import type { Config } from "../config/config.ts";
import type { Clock } from "../domain/clock.ts";
import type { Log } from "../domain/log.ts";
import { ReadinessSwitch } from "../domain/readiness.ts";
import { watchProcess } from "../telemetry/process-metrics.ts";
import type { Member, Plan } from "./crew.ts";
import type { Fork } from "./fork.ts";
import type { FromWorker } from "./messages.ts";
import { Ports } from "./ports.ts";
import { Report } from "./report.ts";
import { Supervisor } from "./supervisor.ts";

/** A configuration, and the workers that are to run with it. */
export interface Loaded {
  readonly config: Config;
  readonly plan: Plan;
}

export interface PrimaryParts {
  readonly version: string;
  readonly log: Log;
  readonly clock: Clock;
  readonly fork: Fork;
  /** The workers die one after the other; nobody is replaced any more. */
  giveUp(reason: string): void;
}

/**
 * The process that starts the workers, deals connections out to them, holds what they share, and answers for all of
 * them on the ops port. It serves no request itself.
 */
export class Primary {
  readonly #parts: PrimaryParts;
  readonly #readiness = new ReadinessSwitch();
  readonly #places: PlaceLedger;
  readonly #keys = new KeyOwners();
  readonly #responses: ResponseMemory;
  readonly #desks = new Map<Member, Desk>();
  readonly #supervisor: Supervisor;
  readonly #report: Report;
  readonly #own = watchProcess();
  #config: Config;
  #ports: Ports | null = null;
  #isDraining = false;

  constructor(config: Config, parts: PrimaryParts) {
    this.#parts = parts;
    this.#config = config;
    this.#places = new PlaceLedger(config.resilience.queue);
    this.#responses = new ResponseMemory(parts.clock, config.responses);
    this.#supervisor = new Supervisor({
      ...parts,
      changed: (member) => this.#changed(member),
      message: (member, message) => this.#heard(member, message),
      lost: (_, how) => this.#report.lost(how),
    });
    const living = () => this.#supervisor.living;
    this.#report = new Report({ ...parts, living, own: this.#own });
  }

  /** Opens the ports and starts the workers. @throws Error with one sentence, or StartFault, when it cannot */
  async start(plan: Plan): Promise<Ports> {
    const ports = await Ports.open(this.#config, {
      give: (socket) => this.#supervisor.give(socket),
      ops: {
        readiness: this.#readiness,
        scrape: () => this.#report.scrape(),
        details: () => this.#report.details(),
      },
    });
    this.#ports = ports;
    try {
      await this.#supervisor.start(plan, this.#config.server.drainMs);
    } catch (fault) {
      this.#own.stop();
      await ports.close();
      throw fault;
    }
    this.#settle();
    return ports;
  }

  /**
   * Starts workers with another configuration. They get all new connections when all of them serve, and those before
   * drain. @throws Error, StartFault when they do not come up; then all is as before
   */
  async replace({ config, plan }: Loaded): Promise<void> {
    if (this.#isDraining) throw new Error("The gateway is shutting down.");
    const prepared = await this.#ports?.prepare(config);
    try {
      await this.#supervisor.start(plan, this.#config.server.drainMs);
    } catch (fault) {
      prepared?.drop();
      throw fault;
    }
    prepared?.use();
    this.#config = config;
    this.#places.limit(config.resilience.queue);
    this.#responses.limit(config.responses);
    this.#settle();
  }

  /** Ends as the configuration says: not ready, then nobody new, then nobody at all. */
  async drain(): Promise<void> {
    const { drainDelayMs, drainMs } = this.#config.server;
    this.#isDraining = true;
    this.#readiness.turn(false);
    this.#supervisor.tell({ kind: "unready" });
    await new Promise<void>((resolve) => this.#parts.clock.after(drainDelayMs, resolve));
    this.#readiness.end();
    this.#ports?.closePublic();
    await this.#supervisor.drain(drainMs);
    this.#own.stop();
    await this.#ports?.close();
  }

  /** Ends everybody now. */
  kill(): void {
    this.#supervisor.kill();
  }

  /** Who serves has changed. */
  #settle(): void {
    if (!this.#isDraining) this.#readiness.turn(this.#supervisor.serving.length > 0);
    this.#ports?.offer();
  }

  #changed(member: Member): void {
    if (member.state === "serving") {
      const { child } = member;
      this.#desks.set(member, {
        places: this.#places.join((answer) => child.send({ kind: "places", answer })),
        keys: this.#keys.join((answer) => child.send({ kind: "keys", answer })),
      });
    }
    if (member.state === "gone") {
      this.#desks.get(member)?.places.end();
      this.#desks.get(member)?.keys.end();
      this.#desks.delete(member);
      this.#report.end(member);
    }
    this.#settle();
  }

  #heard(member: Member, message: FromWorker): void {
    switch (message.kind) {
      case "places":
        return this.#desks.get(member)?.places.take(message.ask);
      case "keys":
        return this.#desks.get(member)?.keys.take(message.ask);
      case "responses":
        return member.child.send({ kind: "responses", answer: answerAsk(this.#responses, message.ask) });
      case "answer":
        return this.#report.answer(member, message.id, message.value);
      case "bye":
        return this.#report.last(member, message.metrics);
      default:
    }
  }
}

/** Where a worker gets what all share. */
interface Desk {
  readonly places: ReturnType<PlaceLedger["join"]>;
  readonly keys: ReturnType<KeyOwners["join"]>;
}
