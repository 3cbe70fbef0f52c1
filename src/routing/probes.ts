import type { Clock } from "../domain/clock.ts";
import type { TargetStates } from "./target-states.ts";

export interface ProbeParts {
  readonly clock: Clock;
  readonly states: TargetStates;
  /** Milliseconds between two rounds; null for no probes. */
  readonly intervalMs: number | null;
  /** Asks an instance for something that costs nothing. Resolves whether it answered; never rejects. */
  ask(instance: string, signal: AbortSignal): Promise<boolean>;
}

/**
 * Asks instances with open circuits whether they are back. One that answers lets a request through at once, which then
 * decides; a list of models says that a server is there, not that a model works.
 * @returns a function that ends it
 */
export function startProbes({ clock, states, intervalMs, ask }: ProbeParts): () => void {
  const stopping = new AbortController();
  if (intervalMs === null) return () => {};
  let cancelTimer = () => {};

  async function round(): Promise<void> {
    const open = states.sights().filter(({ model, state }) => model !== undefined && state === "open");
    const instances = [...new Set(open.map(({ instance }) => instance))];
    await Promise.all(
      instances.map(async (instance) => {
        if (await ask(instance, stopping.signal)) states.letProbe(instance);
      }),
    );
  }
  function wait(ms: number): void {
    cancelTimer = clock.after(ms, () => {
      void round().finally(() => {
        if (!stopping.signal.aborted) wait(ms);
      });
    });
  }
  wait(intervalMs);
  return () => {
    stopping.abort();
    cancelTimer();
  };
}
