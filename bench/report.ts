import type { Spread } from "./spread.ts";

/** Figures as people read them, in a terminal or on a page. */
export interface Table {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** What must be known to read it. */
  readonly note?: string;
}

/** For a terminal. All columns but the first are right-aligned. */
export function textOf({ title, head, rows, note }: Table): string {
  return [title, table(head, rows), ...(note === undefined ? [] : [note])].join("\n");
}

/** For a page: without its title, which is the page's own heading. */
export function markdownOf({ head, rows, note }: Table): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const marks = `|---|${"---:|".repeat(head.length - 1)}`;
  return [line(head), marks, ...rows.map(line), ...(note === undefined ? [] : ["", note])].join("\n");
}

/** Columns of text; all but the first are right-aligned. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, at) => Math.max(title.length, ...rows.map((row) => row[at]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    cells.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join("  ");
  return [line(head), widths.map((width) => "─".repeat(width)).join("  "), ...rows.map(line)].join("\n");
}

/** Three digits that say something: 1,234 and 12.3 and 0.123. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3;
  return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** A ratio with its middle half: `1.52 (1.49–1.56)`. */
export function ratioText({ median, low, high }: Spread): string {
  if (!Number.isFinite(median)) return "–";
  return `${median.toFixed(2)} (${low.toFixed(2)}–${high.toFixed(2)})`;
}

export function milliseconds(microseconds: number): string {
  return figure(microseconds / 1000);
}
