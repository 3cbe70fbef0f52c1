import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "../../src/config/load.ts";
import { type Clock, systemClock } from "../../src/domain/clock.ts";
import type { Log } from "../../src/domain/log.ts";
import { type RunningGateway, startGateway } from "../../src/main.ts";
import { withoutBreaker } from "../fakes/gateway.ts";

const quiet: Log = { debug() {}, info() {}, warn() {}, error() {}, with: () => quiet };

/** A whole gateway in this process, from a configuration file. Its jitter is always half of the most. */
export async function startConfigured(yaml: string, clock: Clock = systemClock): Promise<RunningGateway> {
  const folder = mkdtempSync(join(tmpdir(), "trunkline-faults-"));
  try {
    writeFileSync(join(folder, "trunkline.yaml"), yaml);
    const { config } = loadConfig({ env: { PORT: "0", TRUNKLINE_OPS_PORT: "0" }, flags: {}, folder });
    return await startGateway(withoutBreaker(config), { log: quiet, clock, random: () => 0.5 });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
