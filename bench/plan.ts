/** Starting the load generator, and ending it. Seconds. */
export const overheadSeconds = 0.15;
/** Short measurements in many rounds say more than one long one: the machine is never the same twice. */
const leastSeconds = 0.6;
const mostRounds = 5;

export interface Plan {
  readonly rounds: number;
  /** Of one measurement. */
  readonly seconds: number;
}

export interface Extent {
  /** What is measured in each round. */
  readonly cells: number;
  /** What is started and warmed up before. Seconds. */
  readonly fixedSeconds: number;
  /** Load before each measurement. Seconds. */
  readonly warmSeconds: number;
}

/**
 * How a sweep spends its time: as many rounds as there is time for with short measurements, and then longer ones.
 * @throws Error when the time does not suffice for a single round of half seconds
 */
export function planSweep(minutes: number, { cells, fixedSeconds, warmSeconds }: Extent): Plan {
  const forEach = (minutes * 60 - fixedSeconds) / cells;
  const rounds = Math.min(
    mostRounds,
    Math.max(1, Math.floor(forEach / (leastSeconds + warmSeconds + overheadSeconds))),
  );
  const seconds = forEach / rounds - warmSeconds - overheadSeconds;
  if (seconds < 0.5) {
    const least = (cells * (0.5 + warmSeconds + overheadSeconds) + fixedSeconds) / 60;
    throw new Error(`${cells} cells take at least ${Math.ceil(least)} minutes.`);
  }
  return { rounds, seconds: Math.min(4, Math.floor(seconds * 10) / 10) };
}
