import { type Logger, pino } from "pino";
import type { Clock } from "../domain/clock.ts";
import type { Log, LogFields } from "../domain/log.ts";
import { prettyLine } from "./pretty-line.ts";
import { tidyFields, tidyText } from "./tidy.ts";

export interface LogOptions {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly format: "json" | "pretty";
  readonly clock: Pick<Clock, "wallMs">;
  /** Where lines go, each with its line feed; process.stderr fits. */
  readonly destination: { write(line: string): unknown };
}

/** Names that every line has; a field of that name is written with an underscore, so that no JSON key comes twice. */
const ownNames = new Set(["time", "level", "message"]);

/**
 * A log of JSON lines: `{"level":"info","time":"2026-11-23T12:00:00.000Z","message":"…", …fields}`. Every entry is one
 * line whatever its fields hold, at most some 20 KB long; secrets print as `[secret]`.
 */
export function createLog({ level, format, clock, destination }: LogOptions): Log {
  const logger = pino(
    {
      level,
      base: null,
      messageKey: "message",
      timestamp: createTimestamp(clock),
      formatters: { level: (label) => ({ level: label }) },
    },
    format === "json" ? destination : { write: (line: string) => destination.write(prettyLine(line)) },
  );
  return over(logger, {});
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

function over(logger: Logger, bound: LogFields): Log {
  const write = (level: "debug" | "info" | "warn" | "error") => (message: string, fields?: LogFields) => {
    // Preparing the fields costs more than writing them: not for lines that nobody sees.
    if (!logger.isLevelEnabled(level)) return;
    logger[level](tidyFields(renamed({ ...bound, ...fields })), "%s", tidyText(message));
  };
  return {
    debug: write("debug"),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
    with: (fields) => over(logger, { ...bound, ...fields }),
  };
}

function renamed(fields: LogFields): LogFields {
  if (!Object.keys(fields).some((name) => ownNames.has(name))) return fields;
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [ownNames.has(name) ? `_${name}` : name, value]),
  );
}
