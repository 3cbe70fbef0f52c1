/** The known name that a wrong one was probably meant to be; undefined when none is near. Case does not count. */
export function didYouMean(wrong: string, known: readonly string[]): string | undefined {
  // A third of the letters may be wrong: `prot` finds `port`, `x` finds nothing.
  const limit = Math.max(1, Math.floor(wrong.length / 3));
  if (wrong.length < 2 || wrong.length > 64) return undefined;
  let best: string | undefined;
  let bestDistance = limit + 1;
  for (const name of known) {
    // Letters that must be added or left out count too: most names are told apart by their length.
    if (Math.abs(name.length - wrong.length) >= bestDistance) continue;
    const distance = editDistance(wrong.toLowerCase(), name.toLowerCase());
    if (distance < bestDistance) {
      best = name;
      bestDistance = distance;
    }
  }
  return best;
}

/** Insertions, deletions, replacements and swaps of neighbours that turn one word into the other. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let cost = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, (beforeLast[j - 2] ?? 0) + 1);
      }
      row.push(cost);
    }
    [beforeLast, last] = [last, row];
  }
  return last[b.length] ?? 0;
}
