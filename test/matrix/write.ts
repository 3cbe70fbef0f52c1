import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { faultOf } from "./judge.ts";
import { renderMatrix } from "./render.ts";
import { runMatrix } from "./run.ts";
import { percentOf, shareOf } from "./share.ts";

const cells = await runMatrix();
writeFileSync(join(import.meta.dirname, "../../docs/matrix.md"), renderMatrix(cells));
for (const cell of cells) {
  const { inbound, upstream, feature, reason, verdict, notes } = cell;
  const fault = faultOf(cell, reason);
  const place = `${inbound} → ${upstream}, ${feature}`;
  if (fault !== null) console.error(`${place}: ${fault}`);
  else if (reason === null && verdict === "approximate") console.log(`${place}: ${notes.join(", ")}`);
}
const share = shareOf(cells);
console.log(`${share.full} of ${share.possible} possible cells are full: ${percentOf(share)}.`);
