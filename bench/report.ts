import type { Measured } from "./load.ts";

/** The rounds of one case. */
export interface Series {
  readonly name: string;
  /** False where the measured process is not a gateway: its CPU compares with nothing. */
  readonly comparable: boolean;
  readonly rounds: readonly Measured[];
}

/** A value over the rounds: the middle and the middle half. */
export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => {
    const place = share * (sorted.length - 1);
    const [below = Number.NaN, above = below] = sorted.slice(Math.floor(place), Math.floor(place) + 2);
    return below + (above - below) * (place % 1);
  };
  return { median: at(0.5), low: at(0.25), high: at(0.75) };
}

/**
 * One line a case. Ratios are of CPU, to the case named `reference` in the same round, and then their median: a machine
 * that is slow for a while is so for both. The A/A row shows what chance alone does.
 */
export function renderSeries(
  title: string,
  {
    series,
    reference,
    isStream,
  }: { readonly series: readonly Series[]; readonly reference: string; readonly isStream: boolean },
): string {
  const base = series.find(({ name }) => name === reference);
  const head = ["", "CPU µs/request", "middle half", "× bare", "requests/s", "p50 ms", "p99 ms", "RSS MB"];
  const rows = series.map((one) => {
    const cpu = cpuOf(one);
    const middle = (pick: (round: Measured) => number) => spread(one.rounds.map(pick)).median;
    const firstEvent = [middle((round) => round.ttfb_p50_us ?? 0), middle((round) => round.ttfb_p99_us ?? 0)];
    return [
      one.name,
      ...(one.comparable
        ? [cpu.median.toFixed(0), `${cpu.low.toFixed(0)}–${cpu.high.toFixed(0)}`, ratiosTo(base, one).median.toFixed(2)]
        : ["", "", ""]),
      middle((round) => round.rps).toFixed(0),
      milliseconds(middle((round) => round.p50_us)),
      milliseconds(middle((round) => round.p99_us)),
      one.comparable ? middle((round) => round.rss_peak_mb).toFixed(0) : "",
      ...(isStream ? firstEvent.map(milliseconds) : []),
    ];
  });
  return `${title}\n${table([...head, ...(isStream ? ["first event p50 ms", "p99 ms"] : [])], rows)}`;
}

/** Columns of text; all but the first are right-aligned. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, at) => Math.max(title.length, ...rows.map((row) => row[at]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    cells.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join("  ");
  return [line(head), widths.map((width) => "─".repeat(width)).join("  "), ...rows.map(line)].join("\n");
}

function cpuOf({ rounds }: Series): Spread {
  return spread(rounds.map((round) => round.gw_cpu_us_per_req));
}

function ratiosTo(base: Series | undefined, { rounds }: Series): Spread {
  return spread(
    rounds.map((round, at) => round.gw_cpu_us_per_req / (base?.rounds[at]?.gw_cpu_us_per_req ?? Number.NaN)),
  );
}

function milliseconds(microseconds: number): string {
  return (microseconds / 1000).toFixed(1);
}
