import type { Clock } from "../domain/clock.ts";
import type { Member } from "./crew.ts";
import type { Question } from "./messages.ts";

interface Open {
  readonly take: (member: Member, value: unknown) => void;
  readonly missing: Set<Member>;
  readonly done: () => void;
}

/** Answers that nobody waits for any more are still taken for so long. Milliseconds. */
const lateMs = 30_000;

/** What the primary asks its workers, and waits for no longer than it says. */
export class Questions {
  readonly #clock: Clock;
  readonly #open = new Map<number, Open>();
  #lastId = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Asks each of them. Resolves when all have answered, or are gone, or the time is over. Milliseconds.
   * @param take called for each answer, also for those that come later
   */
  ask(members: readonly Member[], question: Question, waitMs: number, take: Open["take"]): Promise<void> {
    if (members.length === 0) return Promise.resolve();
    const id = ++this.#lastId;
    return new Promise((resolve) => {
      const cancel = [this.#clock.after(waitMs, resolve), this.#clock.after(lateMs, () => this.#open.delete(id))];
      const done = () => {
        for (const each of cancel) each();
        this.#open.delete(id);
        resolve();
      };
      this.#open.set(id, { take, missing: new Set(members), done });
      for (const { child } of members) child.send({ kind: "ask", id, question });
    });
  }

  answer(member: Member, id: number, value: unknown): void {
    const open = this.#open.get(id);
    if (open === undefined || !open.missing.delete(member)) return;
    open.take(member, value);
    if (open.missing.size === 0) open.done();
  }

  /** It will not answer any more. */
  end(member: Member): void {
    for (const { missing, done } of this.#open.values()) if (missing.delete(member) && missing.size === 0) done();
  }
}
