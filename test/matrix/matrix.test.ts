import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { servedKinds } from "../../src/config/provider-kinds.ts";
import { toldOf } from "./abilities.ts";
import { faultOf } from "./judge.ts";
import { renderMatrix } from "./render.ts";
import { type Cell, runMatrix } from "./run.ts";
import { shareOf } from "./share.ts";
import { upstreams } from "./upstreams/list.ts";

/** The share of full cells among the possible ones. It may be raised, and never lowered. */
const floor = 1;

let cells: readonly Cell[] = [];
beforeAll(async () => {
  cells = await runMatrix();
}, 240_000);

it("nothing is lost in silence, and only what a provider cannot do is refused", () => {
  const faults = cells.flatMap((cell) => {
    const fault = faultOf(cell, cell.reason);
    return fault === null ? [] : [`${cell.inbound} → ${cell.upstream}, ${cell.feature}: ${fault}`];
  });
  expect(faults).toEqual([]);
});

it("the share of full cells does not fall", () => {
  const { full, possible } = shareOf(cells);
  expect(full / possible).toBeGreaterThanOrEqual(floor);
});

it("docs/matrix.md is what `npm run matrix` makes of it today", () => {
  expect(readFileSync(join(import.meta.dirname, "../../docs/matrix.md"), "utf8")).toBe(renderMatrix(cells));
});

it("every kind of provider that is served has a column", () => {
  const kinds = new Set(upstreams.map(({ kind }) => kind));
  expect(servedKinds.filter((kind) => !kinds.has(kind))).toEqual([]);
});

it("what providers cannot do is told of providers that there are", () => {
  const names = upstreams.map(({ name }) => name);
  expect(toldOf.filter((name) => !names.includes(name))).toEqual([]);
});
