import type { Cell } from "./run.ts";

/** How many cells are full, of those that are possible: the caller can ask and the provider can do it. */
export interface Share {
  readonly full: number;
  readonly possible: number;
}

export function shareOf(cells: readonly Cell[]): Share {
  const possible = cells.filter(({ reason, verdict }) => reason === null && verdict !== "unaskable");
  return { possible: possible.length, full: possible.filter(({ verdict }) => verdict === "full").length };
}

/** `98.3 %`, never rounded up. */
export function percentOf({ full, possible }: Share): string {
  return `${(Math.floor((full / possible) * 1_000) / 10).toFixed(1)} %`;
}
