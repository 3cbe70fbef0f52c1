import { type Asked, all, first, need } from "../feature.ts";
import type { Seen } from "../seen.ts";

/** Arguments of calls, and directives that make the simulator call. */
export const oslo = '{"city":"Oslo"}';
export const bergen = '{"city":"Bergen"}';
export const callOslo = `/call weather ${oslo}`;
export const callBoth = `${callOslo}\n/call clock ${bergen}`;

/** Whether the caller got these calls, each as `name arguments`, and nothing else. */
export const called = (seen: Seen, ...wanted: readonly string[]): string | null => {
  const calls = first(seen)?.calls ?? [];
  const told = calls.map((call) => `${call.name} ${JSON.stringify(JSON.parse(call.arguments))}`);
  return all(
    need(told.join() === wanted.join(), `calls ${wanted.join()}`),
    need(first(seen)?.finish === "calls", "finish reason of calls"),
    need(
      new Set(calls.map(({ id }) => id)).size === calls.length && calls.every(({ id }) => id !== ""),
      "ids of calls",
    ),
  );
};

/** A question with the tool `weather`. */
export const withTool = (say: string, more: Partial<Asked> = {}): Asked => ({ say, tools: ["weather"], ...more });
