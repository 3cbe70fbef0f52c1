import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { readPublished } from "../bench/results.ts";
import { renderApi } from "./generate-api.ts";
import { renderBenchmarks } from "./generate-benchmarks.ts";
import { renderConfiguration } from "./generate-configuration.ts";
import { renderErrors } from "./generate-errors.ts";
import { renderMetrics } from "./generate-metrics.ts";
import { renderCatalogSchema, renderModels } from "./generate-models.ts";
import { renderResilience } from "./generate-resilience.ts";

/** The pages of docs/ that are made from the source, by file name. Run through npm, which has `buf` on its path. */
export function renderPages(): Readonly<Record<string, string>> {
  const descriptors = execFileSync("buf", ["build", "proto", "--output", "-"], {
    cwd: join(import.meta.dirname, ".."),
    maxBuffer: 64 * 1024 * 1024,
  });
  return {
    "api.md": renderApi(descriptors, renderErrors()),
    ...renderBenchmarks(readPublished()),
    "configuration.md": renderConfiguration(),
    "metrics.md": renderMetrics(),
    "model-catalog.schema.json": renderCatalogSchema(),
    "models.md": renderModels(),
    "resilience.md": renderResilience(),
  };
}

if (import.meta.main) {
  for (const [name, text] of Object.entries(renderPages())) writeFileSync(join(import.meta.dirname, name), text);
}
