import { growthTable } from "./full-tables.ts";
import { peersTables } from "./peers.ts";
import type { Published } from "./results.ts";
import { speedTable } from "./speed.ts";
import { workersTable } from "./workers.ts";

/** Everything that a published run shows to be behind a goal, or behind somebody else, in words. */
export function shortfalls({ bench, full, peers }: Published): readonly string[] {
  const missed = bench.speed.flatMap((result) => {
    const { title, rows } = speedTable(result);
    const late = rows.filter((row) => row[4] === "no").map(([name, , ratio, goal]) => `${name} ${ratio}, not ${goal}`);
    return late.length === 0 ? [] : [`${title}, × bare: ${late.join("; ")}.`];
  });
  const workers = bench.workers === undefined ? undefined : workersTable(bench.workers);
  const slow = (workers?.rows ?? [])
    .filter((row) => row.at(-1) === "no")
    .map(([what, , , share, goal]) => `Two workers serve ${share} of the bare pass-through's ${what}, not ${goal}.`);
  const unmeasured = bench.workers?.missing === undefined ? [] : [`Two workers: ${bench.workers.missing}.`];
  const growing = growthTable(full)
    .rows.filter(([, , , , by = ""]) => by.startsWith("× ") && Number(by.split(" ")[1]) > 1.15)
    .map(([what, from, to, , by]) => `${what}: from ${from} to ${to} a request's cost grows ${by}, and should not.`);
  const bent = growthTable(full)
    .rows.filter((row) => row[0]?.endsWith("gateway") && Number.parseInt(row.at(-1) ?? "", 10) > 25)
    .map((row) => `${row[0]}: ${row.at(-1)} off a straight line where it should lie on one.`);
  const cheaper = peersTables(peers).flatMap(({ title, rows }) => {
    const names = rows.map(([name = ""]) => name);
    const before = names.slice(0, Math.max(0, names.indexOf("Trunkline")));
    return before.length === 0 ? [] : [`${title}: less CPU than Trunkline takes ${before.join(", ")}.`];
  });
  return [...missed, ...slow, ...unmeasured, ...growing, ...bent, ...cheaper];
}
