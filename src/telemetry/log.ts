import type { Clock } from "../domain/clock.ts";
import type { Log, LogFields } from "../domain/log.ts";
import { prettyLine } from "./pretty-line.ts";
import { tidyMembers, tidyText } from "./tidy.ts";

type Level = "debug" | "info" | "warn" | "error";

export interface LogOptions {
  readonly level: Level;
  readonly format: "json" | "pretty";
  readonly clock: Pick<Clock, "wallMs">;
  /** Where lines go, each with its line feed; process.stderr fits. */
  readonly destination: { write(line: string): unknown };
}

/** Least important first. */
const levels: readonly Level[] = ["debug", "info", "warn", "error"];

/**
 * A log of JSON lines: `{"level":"info","time":"2026-11-23T12:00:00.000Z","message":"…", …fields}`. Every entry is one
 * line whatever its fields hold, at most some 20 KB long; secrets print as `[secret]`.
 */
export function createLog(options: LogOptions): Log {
  return new LineLog({ ...options, time: createTimestamp(options.clock) }, {});
}

interface Lines extends LogOptions {
  readonly time: () => string;
}

class LineLog implements Log {
  readonly #lines: Lines;
  readonly #bound: LogFields;

  constructor(lines: Lines, bound: LogFields) {
    this.#lines = lines;
    this.#bound = bound;
  }

  debug(message: string, fields?: LogFields): void {
    this.#write("debug", message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.#write("info", message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.#write("warn", message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.#write("error", message, fields);
  }

  with(fields: LogFields): Log {
    return new LineLog(this.#lines, { ...this.#bound, ...fields });
  }

  #write(level: Level, message: string, fields: LogFields | undefined): void {
    const { level: least, format, time, destination } = this.#lines;
    if (levels.indexOf(level) < levels.indexOf(least)) return;
    const members = tidyMembers(fields ?? {}, this.#bound);
    const line = `{"level":"${level}"${time()},"message":${JSON.stringify(tidyText(message))}${members}}\n`;
    destination.write(format === "json" ? line : prettyLine(line));
  }
}

/** The member `time`, written once for all lines of a millisecond. */
function createTimestamp(clock: Pick<Clock, "wallMs">): () => string {
  let lastMs = Number.NaN;
  let member = "";
  return () => {
    const nowMs = clock.wallMs();
    if (nowMs !== lastMs) {
      lastMs = nowMs;
      member = `,"time":"${new Date(nowMs).toISOString()}"`;
    }
    return member;
  };
}
