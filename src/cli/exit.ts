/** What the process ends with; the numbers are those of sysexits.h where it has one. */
export const exitCodes = {
  ok: 0,
  /** The gateway or a provider refused or failed; `check` found problems. */
  failed: 1,
  usage: 64,
  unavailable: 69,
  internal: 70,
  noPermission: 77,
  config: 78,
  /** Ctrl-C. */
  interrupted: 130,
} as const;

/** The same for people, as the help shows it. */
export const exitCodeHelp = `Exit codes: 0 done, 1 refused, failed, or problems found by check, 64 wrong usage, 69 cannot be reached or port in use,
70 a fault of trunkline itself, 77 bad key or no permission, 78 wrong configuration, 130 interrupted.`;

/** A failure that is told in one sentence. */
export class CliError extends Error {
  override readonly name = "CliError";
  readonly exitCode: number;

  constructor(message: string, exitCode: number, options?: { cause?: unknown }) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

/** What the operating system says when something cannot be done, as the properties of Node's system errors. */
interface SystemError extends Error {
  readonly code: string;
  readonly address?: string;
  readonly port?: number;
}

/**
 * The sentence and exit code for whatever a command threw. ConfigError and CliError carry their own, and so does an
 * error that a listener made from a system error; bare system errors that people can act on get one; anything else is a
 * fault of ours.
 */
export function explain(thrown: unknown): { readonly sentence: string; readonly exitCode: number } {
  if (thrown instanceof CliError) return { sentence: thrown.message, exitCode: thrown.exitCode };
  if (!(thrown instanceof Error)) return fault(String(thrown));
  if (isStartFault(thrown)) return { sentence: thrown.message, exitCode: thrown.exitCode };
  if (thrown.name === "ConfigError") return { sentence: thrown.message, exitCode: exitCodes.config };
  const known = explainListen(thrown);
  if (known !== null) return known;
  const told = thrown.cause instanceof Error ? explainListen(thrown.cause) : null;
  return told === null ? fault(thrown.message) : { ...told, sentence: thrown.message };
}

/** Why an address cannot be listened on; null for other errors. */
function explainListen(error: Error): { readonly sentence: string; readonly exitCode: number } | null {
  if (!isSystemError(error)) return null;
  const where = error.port === undefined ? "this address" : `${error.address ?? ""}:${error.port}`;
  switch (error.code) {
    case "EADDRINUSE":
      return unavailable(`The address ${where} is in use by another process; stop it or choose another port.`);
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return unavailable(`The address ${where} is not one of this machine; choose another host.`);
    case "EACCES":
      return {
        sentence: `No permission to listen on ${where}; ports below 1024 need one.`,
        exitCode: exitCodes.noPermission,
      };
    default:
      return null;
  }
}

/** What a worker said when it could not start: it has explained already. */
function isStartFault(error: Error): error is Error & { readonly exitCode: number } {
  return error.name === "StartFault" && "exitCode" in error && typeof error.exitCode === "number";
}

function unavailable(sentence: string) {
  return { sentence, exitCode: exitCodes.unavailable };
}

function fault(message: string) {
  return {
    sentence: `Something failed that should not: ${message} Run it again with --debug to see where.`,
    exitCode: exitCodes.internal,
  };
}

function isSystemError(error: Error): error is SystemError {
  return "code" in error && typeof error.code === "string";
}
