/** What goes wrong on purpose. */
export interface Fault {
  readonly name: string;
  /** Events with tokens before a stream goes wrong. */
  readonly after: number;
  /** How many requests with the same fault go wrong before the next succeeds. */
  readonly times: number;
  /** Value of Retry-After. Seconds. */
  readonly seconds: number;
  /** Length of a pause. Milliseconds. */
  readonly ms: number;
}

/** Names of faults that are an HTTP status. */
const statuses = [400, 401, 402, 403, 404, 408, 409, 413, 429, 500, 502, 503, 504, 529];
const faultNames: readonly string[] = [
  ...statuses.map(String),
  "drop",
  "slow-headers",
  "slow-tokens",
  "stall",
  "cut",
  "early-end",
  "malformed",
  "split-utf8",
  "error-event",
  "html",
  "empty",
];

const usual = { after: 3, times: Number.POSITIVE_INFINITY, seconds: 1, ms: 60_000 };
const settings: readonly string[] = Object.keys(usual);

/** Splits `echo+fault=stall,after=2` into the model's name and what follows. */
export function splitModel(model: string): { readonly model: string; readonly fault: string | null } {
  const at = model.indexOf("+fault=");
  return at < 0 ? { model, fault: null } : { model: model.slice(0, at), fault: model.slice(at + "+".length) };
}

/** @param text such as `fault=429,seconds=7`. @throws RangeError naming what is unknown, and what is allowed */
export function parseFault(text: string): Fault {
  const pairs = text.split(",").map((pair) => pair.trim().split("=", 2));
  const { fault: name = "", ...numbers } = Object.fromEntries(pairs.map(([key = "", value = ""]) => [key, value]));
  if (!faultNames.includes(name)) {
    throw new RangeError(`The simulator has no fault "${name}"; it has ${faultNames.join(", ")}.`);
  }
  for (const [setting, value] of Object.entries(numbers)) {
    if (!settings.includes(setting) || !/^\d{1,9}$/.test(value)) {
      throw new RangeError(
        `"${setting}=${value}" is no setting of a fault; those are whole numbers: ${settings.join(", ")}.`,
      );
    }
  }
  const given = Object.fromEntries(Object.entries(numbers).map(([setting, value]) => [setting, Number(value)]));
  return { ...usual, ...given, name };
}

/** @returns null when the fault is no status */
export function statusOf({ name }: Fault): number | null {
  const status = Number(name);
  return statuses.includes(status) ? status : null;
}

const maxRemembered = 10_000;

/** Counts how often a fault has struck, so that one with `times` comes to an end. */
export class FaultCounter {
  readonly #struck = new Map<string, number>();

  /** Whether a fault strikes this time. @param key what is counted together: a model with a fault */
  strikes(key: string, { times }: Fault): boolean {
    if (times === Number.POSITIVE_INFINITY) return true;
    const before = this.#struck.get(key) ?? 0;
    if (this.#struck.size >= maxRemembered) this.#struck.clear();
    this.#struck.set(key, before + 1);
    return before < times;
  }
}
