import type { Connection } from "../edges/acceptor.ts";
import { Crew, type CrewParts, type Member, type Plan } from "./crew.ts";
import type { ToWorker } from "./messages.ts";

export type SupervisorParts = Omit<CrewParts, "freeNumber">;

/** How much longer than its drain a worker may take to end before it is killed. Milliseconds. */
const overdueMs = 5_000;

/** Starts the workers, relieves them by others, and deals connections out among those that serve. */
export class Supervisor {
  readonly #parts: CrewParts;
  /** Everybody who lives, by number. */
  readonly #living = new Map<number, Member>();
  /** The last one is the one that works, or tries to. */
  readonly #crews = new Set<Crew>();
  #working: Crew | null = null;
  #turn = 0;

  constructor(parts: SupervisorParts) {
    this.#parts = {
      ...parts,
      freeNumber: () => {
        let number = 1;
        while (this.#living.has(number)) number++;
        return number;
      },
      changed: (member) => {
        if (member.state === "gone") this.#living.delete(member.number);
        else this.#living.set(member.number, member);
        parts.changed(member);
      },
    };
  }

  get living(): readonly Member[] {
    return [...this.#living.values()];
  }

  /** Those that get connections. */
  get serving(): readonly Member[] {
    return [...(this.#working?.members ?? [])].filter(({ state }) => state === "serving");
  }

  /**
   * Starts a crew. When it serves, it gets all new connections, and the crew before it drains.
   * @param drainMs how long that may take
   * @throws StartFault when the new crew does not come up; then nothing has changed
   */
  async start(plan: Plan, drainMs: number): Promise<void> {
    const crew = new Crew(this.#parts, plan);
    this.#crews.add(crew);
    try {
      await crew.start();
    } catch (fault) {
      this.#crews.delete(crew);
      throw fault;
    }
    const before = this.#working;
    this.#working = crew;
    if (before !== null) void this.#relieve(before, true, drainMs);
  }

  /** Deals a connection to the next worker in turn. False when none serves. */
  give(socket: Connection): boolean {
    const { serving } = this;
    const member = serving[this.#turn++ % serving.length];
    member?.child.give(socket);
    return member !== undefined;
  }

  tell(message: ToWorker): void {
    for (const { child } of this.#living.values()) child.send(message);
  }

  /** Everybody ends what runs, and goes. Resolves when all are gone. */
  async drain(drainMs: number): Promise<void> {
    await Promise.all([...this.#crews].map((crew) => this.#relieve(crew, false, drainMs)));
  }

  /** Ends everybody now. */
  kill(): void {
    for (const crew of this.#crews) void crew.relieve();
    for (const { child } of this.#living.values()) child.kill();
  }

  async #relieve(crew: Crew, replaced: boolean, drainMs: number): Promise<void> {
    const gone = crew.relieve();
    for (const member of crew.members) {
      if (member.state === "starting") member.child.kill();
      if (member.state === "serving" || !replaced) member.child.send({ kind: "drain", replaced });
      if (member.state === "serving") member.state = "leaving";
    }
    const cancel = this.#parts.clock.after(drainMs + overdueMs, () => {
      for (const { child } of crew.members) child.kill();
    });
    await gone;
    cancel();
    this.#crews.delete(crew);
  }
}
