import { parseArgs } from "node:util";
import { type Kind, kinds, paths } from "./cases.ts";
import { profileOf, type Where } from "./cpu-profile.ts";
import { figure, markdownOf, table } from "./report.ts";

/**
 * `npm run profile -- --path REST [--kind streams]`: where the microseconds of one path go. `--path bare` is the bare
 * pass-through, `--path all` compares them all, as `docs/performance.md` shows them.
 */
const { values } = parseArgs({
  options: {
    path: { type: "string", default: "REST" },
    kind: { type: "string", default: "unary" },
    seconds: { type: "string", default: "8" },
    top: { type: "string", default: "40" },
  },
});

/** What modules are for; the first pattern that fits. */
const purposes: readonly (readonly [purpose: string, modules: RegExp])[] = [
  ["kernel and engine", /^\((native|program)\)$/],
  ["garbage collection", /^\(garbage/],
  ["Node: HTTP, streams, timers", /^(node:|wasm:)/],
  ["undici", /^undici/],
  ["protobuf and RPC library", /^@(bufbuild|connectrpc)/],
  ["translation", /^src\/(dialects|providers)/],
  ["edges", /^src\/edges/],
  ["log and metrics", /^src\/telemetry/],
  ["stages, routing, accounts", /^src\//],
  ["all else", /^/],
];

const known = ["bare", ...paths] as const;
const path = known.find((one) => one === values.path);
const kind = kinds.find((one) => one === values.kind);
if (kind === undefined || (path === undefined && values.path !== "all"))
  throw new Error(`--path is all or one of ${known.join(", ")}, --kind one of ${kinds.join(", ")}.`);
const seconds = Number(values.seconds);
if (path === undefined) console.log(await compare(kind));
else show(await profileOf(path, kind, seconds));

function show({ cpuUs, groups, functions, within }: Where): void {
  console.log(`${values.path}, ${values.kind}: ${cpuUs.toFixed(0)} µs of CPU a request, profiled\n`);
  const rows = (shares: ReadonlyMap<string, number>, count: number) =>
    [...shares]
      .sort(([, one], [, other]) => other - one)
      .slice(0, count)
      .map(([name, share]) => [name, `${(share * 100).toFixed(1)} %`, (share * cpuUs).toFixed(1)]);
  console.log(table(["where", "share", "µs"], rows(groups, 30)));
  console.log(`\n${table(["function, by itself", "share", "µs"], rows(functions, Number(values.top)))}`);
  console.log(`\n${table(["function, with what it calls", "share", "µs"], rows(within, Number(values.top)))}`);
}

/** Every path beside the others: microseconds by purpose. */
async function compare(what: Kind): Promise<string> {
  const columns: Where[] = [];
  for (const one of known) columns.push(await profileOf(one, what, seconds));
  const rows = purposes.map(([purpose], at) => [purpose, ...columns.map((column) => figure(usOf(column, at)))]);
  const totals = ["together", ...columns.map(({ cpuUs }) => figure(cpuUs))];
  return markdownOf({ title: what, head: ["µs", ...known], rows: [...rows, totals] });
}

function usOf({ cpuUs, groups }: Where, purpose: number): number {
  let share = 0;
  for (const [name, part] of groups) {
    if (purposes.findIndex(([, modules]) => modules.test(name)) === purpose) share += part;
  }
  return share * cpuUs;
}
