import { featureNames } from "./features.ts";
import { inbounds } from "./inbounds/list.ts";
import type { Cell } from "./run.ts";
import { percentOf, shareOf } from "./share.ts";
import { upstreams } from "./upstreams/list.ts";

/** docs/matrix.md: a table for each inbound, with what each cell loses below it. */
export function renderMatrix(cells: readonly Cell[]): string {
  const share = shareOf(cells);
  const sections = inbounds.map(({ name }) => section(name, cells));
  return `# What arrives: every inbound, every provider

${share.full} of ${share.possible} possible cells (${percentOf(share)}) are full, and none of ${cells.length} loses anything in silence.

● full: asked for, and got. ◐ approximate: in another form or left out, and reported in \`trunkline-loss\`; the note names the
fields. ○ refused: a typed error that names the field. – there is nothing: the caller's format cannot ask for it, or the provider
has no such thing to tell. A cell is possible when the caller's format can ask and the provider, by its own documentation, can
do it. Only what a provider cannot do may be refused.

**How it is measured.** \`npm run matrix\` asks each cell through a running gateway, over sockets, of the
[simulator](simulator.md) in that provider's format, and writes this page; \`npm test\` does the same and fails when the page
differs, a cell is lost in silence or the share falls. A cell is judged by what was seen on both sides: the request that
reached the provider, read from its wire format by code that shares nothing with the gateway's; and the caller's answer:
text, calls, counts, finish reason, error. Of each provider the model is asked that can do most. The drivers are in
\`test/matrix/\`, one file for an inbound and one for a wire format; what providers cannot do is in
\`test/matrix/abilities.ts\`.

${sections.join("\n\n")}
`;
}

function section(inbound: string, cells: readonly Cell[]): string {
  const own = cells.filter((cell) => cell.inbound === inbound);
  const notes: string[] = [];
  const rows = featureNames.map((feature) => {
    const row = own.filter((cell) => cell.feature === feature);
    return `| ${feature} | ${row.map((cell) => entryOf(cell, notes)).join(" | ")} |`;
  });
  const share = shareOf(own);
  return `## ${inbound}

${share.full} of ${share.possible} possible cells (${percentOf(share)}) are full.

| | ${upstreams.map(({ name }) => name).join(" | ")} |
|---|${upstreams.map(() => ":-:").join("|")}|
${rows.join("\n")}

${notes.map((note, i) => `${i + 1}. ${note}`).join("\n")}`;
}

const marks: Readonly<Record<Cell["verdict"], string>> = {
  full: "●",
  approximate: "◐",
  refused: "○",
  unaskable: "–",
  absent: "–",
  // Neither stays in a page that is committed: the tests fail.
  lost: "✗",
  failed: "✗",
};

function entryOf(cell: Cell, notes: string[]): string {
  const note = noteOf(cell);
  if (note === null) return marks[cell.verdict];
  const known = notes.indexOf(note);
  const number = known < 0 ? notes.push(note) : known + 1;
  return `${marks[cell.verdict]}<sup>${number}</sup>`;
}

function noteOf({ verdict, notes, reason }: Cell): string | null {
  switch (verdict) {
    case "full":
      return null;
    case "approximate": {
      const losses = notes.map((loss) => loss.replace(/^(.*);(\w+)$/, "`$1` $2")).join(", ");
      return reason === null ? losses : `${losses}: ${reason.why}`;
    }
    case "refused":
      return `refused: ${reason?.why ?? ""}`;
    default:
      return notes.join("; ");
  }
}
