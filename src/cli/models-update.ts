import { randomBytes } from "node:crypto";
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { Command } from "commander";
import { countsOf, differencesOf, type PriceChange } from "../config/catalog-differences.ts";
import { readCatalog, updatedPath } from "../config/catalog-file.ts";
import type { CatalogFile } from "../config/catalog-schema.ts";
import { loadConfig } from "../config/load.ts";
import { packageFile } from "../config/package-catalog.ts";
import { ConfigError } from "../config/problems.ts";
import type { ModelPrices, TokenPrices } from "../domain/model-facts.ts";
import { CliError, exitCodes } from "./exit.ts";
import { safeFor, type Terminal } from "./terminal.ts";

interface UpdateFlags {
  readonly config?: string;
  readonly dryRun?: true;
}

/** Price changes that are shown; of more, only the number. */
const maxShown = 50;

/** `trunkline models update`: another catalogue of models, from a file or a URL, for the gateway of this data folder. */
export function modelsUpdateCommand(terminal: Terminal): Command {
  return new Command("update")
    .description("Check a catalogue of models, show what it changes, and put it into the data folder.")
    .argument("<file|url>", "JSON, or YAML where the name ends in .yaml; https, or http from this machine")
    .option("-c, --config <file>", "configuration file that names the data folder (default: as serve has it)")
    .option("--dry-run", "show what it changes, and write nothing")
    .action(async (source: string, { config: configFile, dryRun }: UpdateFlags) => {
      const flags = configFile === undefined ? {} : { config: configFile };
      const { config } = loadConfig({ env: terminal.env, flags, folder: terminal.folder });
      const path = updatedPath(config.dataDir);
      const { readSource } = await import("./catalog-source.ts");
      const file = await readSource(source, terminal.folder);
      const before = existsSync(path) ? [packageFile, ...usable(path)] : [packageFile];
      const lines = summary(source, file, before);
      if (!dryRun) write(path, `${JSON.stringify(file)}\n`);
      lines.push(dryRun ? "Nothing was written." : `Written to ${path}. A running gateway takes it up on SIGHUP.`);
      terminal.stdout.write(safeFor(terminal.stdout, `${lines.join("\n")}\n`));
    });
}

/** The update before this one; none where it has gone bad, which is what another one is for. */
function usable(path: string): readonly CatalogFile[] {
  try {
    return [readCatalog(path)];
  } catch (error) {
    if (error instanceof ConfigError) return [];
    throw error;
  }
}

function summary(source: string, file: CatalogFile, before: readonly CatalogFile[]): string[] {
  const { entries, providers, unverified } = countsOf(file);
  const { added, changed, removed, prices } = differencesOf(before, [packageFile, file]);
  const more = prices.length - maxShown;
  return [
    `source      ${source}`,
    `entries     ${entries} of ${providers} providers, ${unverified} with something unverified`,
    `models      ${added} added, ${changed} changed, ${removed} removed`,
    ...prices.slice(0, maxShown).map((change) => `price       ${priceLine(change)}`),
    ...(more > 0 ? [`price       ${more} more`] : []),
  ];
}

/** `openai gpt-5: input 1.25 → 1.5 USD` */
function priceLine({ kind, pattern, before, after }: PriceChange): string {
  const parts = (
    [
      ["input", "inputNanoUsd"],
      ["output", "outputNanoUsd"],
      ["cache read", "cacheReadNanoUsd"],
      ["cache write", "cacheWriteNanoUsd"],
    ] as const
  ).flatMap(([name, key]) =>
    before?.[key] === after?.[key] ? [] : [`${name} ${usd(before, key)} → ${usd(after, key)}`],
  );
  return `${kind} ${pattern}: ${parts.length === 0 ? "tiers or their date" : `${parts.join(", ")} USD`}`;
}

function usd(prices: ModelPrices | undefined, key: keyof TokenPrices): string {
  const nanoUsd = prices?.[key];
  return nanoUsd === undefined ? "unknown" : String(nanoUsd / 1e9);
}

/** Whole or not at all: whoever reads it meanwhile sees the one before. */
function write(path: string, text: string): void {
  const draft = `${path}.${process.pid}-${randomBytes(4).toString("hex")}`;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const descriptor = openSync(draft, "wx", 0o600);
    try {
      writeFileSync(descriptor, text);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    const code = error instanceof Error && "code" in error ? error.code : "unknown reason";
    throw new CliError(`${path} cannot be written (${String(code)}).`, exitCodes.failed, { cause: error });
  }
}
