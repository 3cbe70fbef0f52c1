import { Command } from "commander";
import type { Config } from "../config/config.ts";
import { jsonSchema } from "../config/json-schema.ts";
import { type ConfigFlags, type LoadedConfig, loadConfig } from "../config/load.ts";
import { ConfigError } from "../config/problems.ts";
import { CliError, exitCodes } from "./exit.ts";
import { addConfigOptions } from "./serve.ts";
import { painter, type Terminal } from "./terminal.ts";

/** `trunkline check`: is the configuration right, and what does it amount to. */
export function checkCommand(terminal: Terminal): Command {
  const command = new Command("check").description("Check the configuration without starting anything.");
  return addConfigOptions(command)
    .option("--schema", "print the JSON Schema of the configuration file instead")
    .action((flags: ConfigFlags & { schema?: true }) => {
      if (flags.schema) {
        terminal.stdout.write(`${JSON.stringify(jsonSchema(), null, 2)}\n`);
        return;
      }
      try {
        const loaded = loadConfig({ env: terminal.env, flags, folder: terminal.folder });
        terminal.stdout.write(summary(loaded, terminal));
      } catch (error) {
        // Finding problems is what the command is for: that is its own exit code, not a failure to start.
        if (error instanceof ConfigError) throw new CliError(error.message, exitCodes.failed, { cause: error });
        throw error;
      }
    });
}

function summary({ config, file, warnings }: LoadedConfig, { stdout, env }: Terminal): string {
  const paint = painter(stdout, env);
  const lines = [
    ["configuration", file?.name ?? "environment only, no file"],
    [
      "public",
      `${address(config.server)}${config.server.tls ? " (TLS)" : ""}, ${config.masterKey ? "master key" : "open"}`,
    ],
    ["ops", address(config.ops)],
    ...providerLines(config),
    ...config.aliases.map(({ name, targets }) => [`alias ${name}`, targets.map(({ model }) => model).join(", ")]),
  ];
  const width = Math.max(...lines.map(([name = ""]) => name.length));
  return [
    ...lines.map(([name = "", value = ""]) => `${paint("dim", name.padEnd(width))}  ${value}`),
    ...warnings.map((warning) => `${paint("yellow", "warning".padEnd(width))}  ${warning}`),
    "The configuration is right.\n",
  ].join("\n");
}

function providerLines({ providers, simulator }: Config): string[][] {
  const lines = providers.map(({ name, baseUrl, keys, models }) => {
    const listed = models.length === 0 ? "" : `, ${models.length} configured models`;
    return [`provider ${name}`, `${baseUrl}, ${keysOf(keys.length)}${listed}`];
  });
  return simulator.enabled ? [...lines, ["provider simulator", "built in, simulated answers"]] : lines;
}

function keysOf(count: number): string {
  return count === 0 ? "no key" : count === 1 ? "key set" : `${count} keys set`;
}

function address({ host, port }: { readonly host: string; readonly port: number }): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port === 0 ? "any free port" : port}`;
}
