/** Where values lie on an axis, and which of them are written beside it. */
export interface Scale {
  /** @returns the place of a value on the axis, in the same unit as `length` */
  at(value: number): number;
  readonly ticks: readonly number[];
}

/** From zero to at least `most`, with round steps, at most six of them. */
export function linearScale(most: number, length: number): Scale {
  const step = roundStep(most / 6);
  const count = Math.max(1, Math.ceil(most / step - 1e-9));
  const top = step * count;
  const ticks = Array.from({ length: count + 1 }, (_, at) => Number((at * step).toPrecision(12)));
  return { at: (value) => (value / top) * length, ticks };
}

/** 1, 2 or 5 times a power of ten: the smallest that is not below `least`. */
function roundStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return power * ([1, 2, 5, 10].find((digit) => digit * power >= least * (1 - 1e-9)) ?? 10);
}

/** From the power of ten below positive values to the largest of them; the powers of ten between are ticks. */
export function logScale(values: readonly number[], length: number): Scale {
  const from = Math.floor(Math.log10(Math.min(...values)) + 1e-9);
  const to = Math.max(from + 1, Math.log10(Math.max(...values)));
  const ticks = Array.from({ length: Math.floor(to - from + 1e-9) + 1 }, (_, at) => 10 ** (from + at));
  return { at: (value) => ((Math.log10(value) - from) / (to - from)) * length, ticks };
}

/** 12,000 and 0.5, without digits that say nothing. */
export function tickText(value: number): string {
  return value.toLocaleString("en-US", { maximumFractionDigits: 3 });
}
