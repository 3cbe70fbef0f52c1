import type { Clock } from "../domain/clock.ts";
import type { Log } from "../domain/log.ts";
import type { Child, Fork } from "./fork.ts";
import type { FromWorker, WorkerSetup } from "./messages.ts";

/** What all workers of a crew run with. */
export interface Plan {
  readonly count: number;
  readonly setup: Omit<WorkerSetup, "number">;
}

export interface Member {
  readonly number: number;
  readonly child: Child;
  state: "starting" | "serving" | "leaving" | "gone";
}

export interface CrewParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly fork: Fork;
  /** Smallest number that no living worker has. */
  freeNumber(): number;
  /** A member has been started, has come to serve, or is gone: `state` says which. */
  changed(member: Member): void;
  message(member: Member, message: FromWorker): void;
  /** A member ends that was not asked to: by a fault that it told of, or without a word. */
  lost(member: Member, how: "fault" | "killed"): void;
  /** The workers of a crew that had started die one after the other. */
  giveUp(reason: string): void;
}

/** A worker that could not start, in the words it said. */
export class StartFault extends Error {
  override readonly name = "StartFault";
  readonly exitCode: number;

  constructor(message: string, exitCode: number) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Ends of workers in the first half minute of a crew that make it hopeless. */
const maxEarlyEnds = 5;
const earlyMs = 30_000;
/** How long a crew may take to come up. Milliseconds. */
const startWithinMs = 60_000;
/** Pause before a worker is replaced: none the first time, then doubled. Milliseconds. */
const [firstPauseMs, longestPauseMs] = [100, 10_000];
/** After this long without another end the pause is none again. Milliseconds. */
const calmMs = 60_000;
/** EX_SOFTWARE: a fault of the gateway's own. */
const internalFault = 70;

/** The workers that run with one configuration. One that dies is replaced until the crew is relieved. */
export class Crew {
  readonly #parts: CrewParts;
  readonly #plan: Plan;
  readonly members = new Set<Member>();
  #state: "starting" | "working" | "relieved" = "starting";
  #settle: { readonly resolve: () => void; readonly reject: (fault: StartFault) => void } | null = null;
  #startedMs = 0;
  #earlyEnds = 0;
  #lastEndMs = Number.NEGATIVE_INFINITY;
  #pauseMs = 0;
  readonly #gone = Promise.withResolvers<void>();

  constructor(parts: CrewParts, plan: Plan) {
    this.#parts = parts;
    this.#plan = plan;
  }

  /** Resolves when all of them serve. @throws StartFault when they do not come up; none is left then */
  async start(): Promise<void> {
    const { clock } = this.#parts;
    this.#startedMs = clock.nowMs();
    const words = `The workers were not ready within ${startWithinMs / 1e3} s.`;
    const cancel = clock.after(startWithinMs, () => this.#settle?.reject(new StartFault(words, internalFault)));
    try {
      await new Promise<void>((resolve, reject) => {
        this.#settle = { resolve, reject };
        for (let i = 0; i < this.#plan.count; i++) this.#add();
      });
      this.#state = "working";
    } catch (fault) {
      void this.relieve();
      for (const member of this.members) member.child.kill();
      throw fault;
    } finally {
      cancel();
      this.#settle = null;
    }
  }

  /** From now on nobody is replaced. Resolves when all are gone, which the caller sees to. */
  relieve(): Promise<void> {
    this.#state = "relieved";
    this.#settle?.reject(new StartFault("The start was broken off.", internalFault));
    if (this.members.size === 0) this.#gone.resolve();
    return this.#gone.promise;
  }

  #add(): void {
    const { fork, freeNumber, changed } = this.#parts;
    const child = fork({
      message: (message) => this.#heard(member, message),
      exit: (how) => this.#ended(member, how),
    });
    const member: Member = { number: freeNumber(), child, state: "starting" };
    this.members.add(member);
    changed(member);
  }

  #heard(member: Member, message: FromWorker): void {
    const { message: pass, changed, log } = this.#parts;
    switch (message.kind) {
      case "hello":
        return member.child.send({ kind: "start", setup: { ...this.#plan.setup, number: member.number } });
      case "ready":
        member.state = "serving";
        changed(member);
        if ([...this.members].filter(({ state }) => state === "serving").length >= this.#plan.count)
          this.#settle?.resolve();
        return;
      case "failed":
        if (this.#settle) return this.#settle.reject(new StartFault(message.sentence, message.exitCode));
        // What is wrong with one is wrong with all: the first has said it.
        if (this.#state === "relieved") return;
        return log.error("worker could not start", { worker: member.number, reason: message.sentence });
      case "crashing":
        log.error("worker is crashing", { worker: member.number, reason: message.reason });
        this.#parts.lost(member, "fault");
        return this.#leave(member);
      default:
        return pass(member, message);
    }
  }

  /** It gets no more connections, and somebody else comes in its place while it still ends its streams. */
  #leave(member: Member): void {
    if (member.state === "leaving" || member.state === "gone") return;
    member.state = "leaving";
    this.#parts.changed(member);
    this.#replace();
  }

  #ended(member: Member, how: number | string): void {
    const { log, changed } = this.#parts;
    const wasExpected = this.#state === "relieved" || member.state === "leaving";
    this.members.delete(member);
    member.state = "gone";
    changed(member);
    if (this.#state === "relieved" && this.members.size === 0) this.#gone.resolve();
    if (wasExpected) return;
    log.error("worker ended", { worker: member.number, pid: member.child.pid, how });
    this.#parts.lost(member, "killed");
    this.#replace();
  }

  #replace(): void {
    if (this.#state === "relieved") return;
    const { clock, giveUp } = this.#parts;
    const nowMs = clock.nowMs();
    if (nowMs - this.#startedMs < earlyMs && ++this.#earlyEnds >= maxEarlyEnds) {
      const words = `${maxEarlyEnds} workers ended within ${earlyMs / 1e3} s of the start.`;
      if (this.#settle) return this.#settle.reject(new StartFault(words, internalFault));
      void this.relieve();
      return giveUp(words);
    }
    const wasCalm = nowMs - this.#lastEndMs > calmMs;
    this.#lastEndMs = nowMs;
    this.#pauseMs = wasCalm ? 0 : Math.min(Math.max(firstPauseMs, this.#pauseMs * 2), longestPauseMs);
    if (this.#pauseMs === 0) return this.#add();
    clock.after(this.#pauseMs, () => {
      if (this.#state !== "relieved") this.#add();
    });
  }
}
