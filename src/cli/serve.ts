import { Command } from "commander";
import type { ConfigFlags } from "../config/load.ts";

/** Starts the gateway and returns when it has stopped. main.ts gives the one that knows all parts. */
export type Serve = (flags: ConfigFlags) => Promise<void>;

/** `trunkline serve`: the gateway itself. */
export function serveCommand(serve: Serve): Command {
  const command = new Command("serve").description("Start the gateway.");
  return addConfigOptions(command).action((flags: ConfigFlags) => serve(flags));
}

/** `trunkline worker`: started by `serve --workers` and by nobody else. */
export function workerCommand(work: () => Promise<void>): Command {
  return new Command("worker").description("One of the workers of serve.").action(() => work());
}

/** The options that set configuration; they win over the environment and the file. */
export function addConfigOptions(command: Command): Command {
  return command
    .option(
      "-c, --config <file>",
      "configuration file (default: TRUNKLINE_CONFIG, or ./trunkline.yaml if there is one)",
    )
    .option("--host <address>", "address of the public listener")
    .option("-p, --port <number>", "port of the public listener; 0 picks one")
    .option("--workers <number>", "processes that serve; auto is one for each core")
    .option("--simulator", "offer the simulator beside the configured providers")
    .option("--log-level <level>", "debug, info, warn or error")
    .option("--log-format <format>", "auto, json or pretty");
}
