/** A value over the rounds: the middle and the middle half. */
export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** Quartiles, interpolated between the two nearest values; NaN of nothing. */
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
 * Each value by the one of the same round: a machine that is slow for a while is so for both. Rounds that one of the two
 * lacks are left out.
 */
export function ratios(values: readonly number[], bases: readonly number[]): readonly number[] {
  return values.flatMap((value, round) => {
    const base = bases[round];
    return base === undefined || base === 0 ? [] : [value / base];
  });
}

/** As ratios, for what adds up. */
export function differences(values: readonly number[], bases: readonly number[]): readonly number[] {
  return values.flatMap((value, round) => {
    const base = bases[round];
    return base === undefined ? [] : [value - base];
  });
}

export interface Line {
  readonly slope: number;
  readonly intercept: number;
  /** The furthest that a point lies from the line, as a share of what the line says there. */
  readonly furthest: number;
}

/**
 * The straight line through points that deviates least, in shares of their values: points that lie three powers of ten
 * apart count alike, where plain least squares would see the largest alone.
 */
export function fitLine(points: readonly { readonly x: number; readonly y: number }[]): Line {
  let [weights, xs, ys, xxs, xys] = [0, 0, 0, 0, 0];
  for (const { x, y } of points) {
    const weight = 1 / (y * y);
    weights += weight;
    xs += weight * x;
    ys += weight * y;
    xxs += weight * x * x;
    xys += weight * x * y;
  }
  const slope = (weights * xys - xs * ys) / (weights * xxs - xs * xs);
  const intercept = (ys - slope * xs) / weights;
  const off = points.map(({ x, y }) => Math.abs(y / (intercept + slope * x) - 1));
  return { slope, intercept, furthest: Math.max(...off) };
}
