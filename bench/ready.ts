import { rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Bench, say } from "./bench.ts";
import type { Table } from "./report.ts";
import { bundle, startBare, startGateway } from "./servers.ts";
import { type Spread, spread } from "./spread.ts";

const starts = 5;

export interface ReadyResult {
  /** With an empty compile cache, as the first start ever. Milliseconds. */
  readonly cold: readonly number[];
  readonly warm: readonly number[];
  /** Node alone, with the modules of the pass-through. */
  readonly bare: readonly number[];
}

/** Time from the start of the process until it answers that it is ready. */
export async function measureReady({ upstream, folder }: Bench): Promise<ReadyResult> {
  say("starts");
  const [cold, warm, bare]: [number[], number[], number[]] = [[], [], []];
  const readyOf = async () => {
    const gateway = await startGateway(upstream, { dataDir: folder });
    await gateway.stop();
    return gateway.readyMs;
  };
  for (let at = 0; at < starts; at++) {
    rmSync(join(dirname(bundle), "compile-cache"), { recursive: true, force: true });
    cold.push(await readyOf());
    warm.push(await readyOf());
    const pass = await startBare(upstream);
    bare.push(pass.readyMs);
    await pass.stop();
  }
  return { cold, warm, bare };
}

export function readyTable({ cold, warm, bare }: ReadyResult): Table {
  const row = (name: string, values: readonly number[]) => [name, rounded(spread(values))];
  return {
    title: "Ready after the start",
    head: ["", `ms, median of ${warm.length} (middle half)`],
    rows: [
      row("gateway, first start ever: nothing compiled yet", cold),
      row("gateway, any later start", warm),
      row("bare pass-through", bare),
    ],
  };
}

function rounded({ median, low, high }: Spread): string {
  return `${median.toFixed(0)} (${low.toFixed(0)}–${high.toFixed(0)})`;
}
