import { styleText } from "node:util";

const colours = { debug: "gray", info: "green", warn: "yellow", error: "red" } as const;

/**
 * A JSON log line for people: `12:00:00.000 info  listening url=http://127.0.0.1:8080`. Still one line, and values with
 * anything but plain text stay JSON, so that no field can pretend to be another or steer the terminal.
 */
export function prettyLine(json: string): string {
  // Our own JSON, one line up.
  const { time, level, message, ...fields } = JSON.parse(json) as Record<string, unknown>;
  const word = level === "debug" || level === "warn" || level === "error" ? level : "info";
  const clockTime = String(time).slice(11, 23);
  const parts = Object.entries(fields).map(([name, value]) => `${styleText("dim", `${plain(name)}=`)}${plain(value)}`);
  const head = `${styleText("dim", clockTime)} ${styleText(colours[word], word.padEnd(5))} ${sentence(message)}`;
  return `${[head, ...parts].join(" ")}\n`;
}

function plain(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return /^[\w.:/@+,[\]-]+$/.test(text) ? text : JSON.stringify(value);
}

/** A message stands without quotes, yet cannot break its line. */
function sentence(message: unknown): string {
  return JSON.stringify(String(message)).slice(1, -1).replaceAll('\\"', '"');
}
