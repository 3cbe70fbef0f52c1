import { parseArgs } from "node:util";
import { machineText, withBench } from "./bench.ts";
import { paths } from "./cases.ts";
import { parts, runBench, tablesOf, usualParts } from "./parts.ts";
import { publish } from "./publish.ts";
import { textOf } from "./report.ts";
import { writeResult } from "./results.ts";

const help = `npm run bench -- [options]: what the gateway costs, beside a bare pass-through in the same rounds.

--only <parts>      of ${parts.join(", ")}; all but the last by default
--paths <paths>     of ${paths.join(", ")}; all by default
--rounds <number>   interleaved rounds; 5 by default, 9 and more for figures that are to be quoted
--seconds <number>  of each measurement; 1 by default
--against <bundle>  compares another build (its dist/trunkline.mjs) with this one, on all paths
--publish           measures everything and renews docs/benchmarks.md, in less than 25 minutes
--minutes <number>  of those for the sweeps; 8 by default
`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: "string" },
      paths: { type: "string" },
      rounds: { type: "string", default: "5" },
      seconds: { type: "string", default: "1" },
      minutes: { type: "string", default: "8" },
      against: { type: "string" },
      publish: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return console.log(help);
  const options = { rounds: Number(values.rounds), seconds: Number(values.seconds) };
  if (values.publish) return publish({ ...options, minutes: Number(values.minutes) });
  const { against } = values;
  const wish = {
    parts: values.only === undefined ? usualParts : chosen(values.only, parts),
    paths: values.paths === undefined ? paths : chosen(values.paths, paths),
    ...(against !== undefined && { against }),
  };
  const result = await withBench(options, (bench) => runBench(bench, wish));
  const tables = tablesOf(result, against !== undefined).map(textOf);
  const about = `${machineText(result.machine)}; ${options.rounds} rounds of ${options.seconds} s; medians (middle half).`;
  console.log([about, ...tables].join("\n\n"));
  console.log(`\nAll rounds: ${writeResult("bench", result)}`);
}

function chosen<T extends string>(list: string, known: readonly T[]): readonly T[] {
  return list.split(",").map((wanted) => {
    const found = known.find((one) => one.toLowerCase() === wanted.trim().toLowerCase());
    if (found === undefined) throw new Error(`"${wanted}" is none of ${known.join(", ")}.`);
    return found;
  });
}

await main();
