/** How a request ended: `ok`, or the code of its error, with the bound that passed after a colon. */
export interface Cell {
  readonly end: string;
  /** Requests that providers saw. */
  readonly calls: number;
  /** How long it took on the clock. Milliseconds. */
  readonly ms: number;
}

/** With one target, with a second one that works, and with a second one that fails likewise. */
export type Cells = readonly [one: Cell, two: Cell, both: Cell];

export interface Fault {
  readonly name: string;
  /** What the provider does, for people. */
  readonly what: string;
  /** Whether a stream had shown content before: then the error comes inside it. */
  readonly midStream: boolean;
  readonly stream: Cells | { readonly reason: string };
  readonly whole: Cells | { readonly reason: string };
}

/**
 * The bounds under which the table holds, in milliseconds. The random number is 0.5 throughout, so that the first pause
 * before a retry is 125 ms and the second 250 ms.
 */
export const bounds = {
  connect_timeout_ms: 500,
  first_byte_timeout_ms: 1_000,
  first_token_timeout_ms: 2_000,
  idle_timeout_ms: 3_000,
  total_timeout_ms: 10_000,
  max_attempts: 3,
} as const;

const ends = (end: string, calls: number, ms = 0): Cell => ({ end, calls, ms });
const ok = (calls: number, ms = 0): Cell => ends("ok", calls, ms);

/** May be asked again: three attempts in all, and the other target before the same one again. */
const again = (end: string): Cells => [ends(end, 3, 375), ok(2), ends(end, 3, 125)];
/** May be asked again when the wait that the provider asked for is over. */
const waits = (end: string, ms: number): Cells => [ends(end, 3, 2 * (ms + 125)), ok(2), ends(end, 3, ms + 125)];
/** Nobody knows what became of it: only another target is asked. */
const elsewhere = (end: string, ms = 0): Cells => [ends(end, 1, ms), ok(2, ms), ends(end, 2, 2 * ms)];
/** Content has reached the caller: nobody else is asked. */
const told = (end: string, ms = 0): Cells => [ends(end, 1, ms), ends(end, 1, ms), ends(end, 1, ms)];

const before = { midStream: false } as const;
const after = { midStream: true } as const;
const alike = (cells: Cells) => ({ stream: cells, whole: cells });
const limited = "rate_limit_exceeded";

/** Every fault, and what comes of it. The test of the same folder plays it; docs/resilience.md prints it. */
export const faults: readonly Fault[] = [
  {
    name: "refused",
    what: "refuses the connection",
    ...before,
    ...alike([ends("service_unavailable", 0, 375), ok(1), ends("service_unavailable", 0, 125)]),
  },
  { name: "reset", what: "resets the connection before its head", ...before, ...alike(elsewhere("upstream_error")) },
  {
    name: "header-stall",
    what: "takes the request and says nothing",
    ...before,
    stream: elsewhere("timeout:first_byte", bounds.first_byte_timeout_ms),
    whole: elsewhere("timeout:total", bounds.total_timeout_ms),
  },
  { name: "429", what: "answers 429", ...before, ...alike(again(limited)) },
  { name: "429-seconds", what: "answers 429 with `retry-after: 2`", ...before, ...alike(waits(limited, 2_000)) },
  { name: "429-ms", what: "answers 429 with `retry-after-ms: 700`", ...before, ...alike(waits(limited, 700)) },
  {
    name: "429-date",
    what: "answers 429 with a date three seconds ahead",
    ...before,
    ...alike(waits(limited, 3_000)),
  },
  {
    name: "429-long",
    what: "answers 429 with `retry-after: 60`, more than `retry_wait_ms`",
    ...before,
    ...alike(elsewhere(limited)),
  },
  {
    name: "quota",
    what: "answers 429 `insufficient_quota`",
    ...before,
    ...alike(elsewhere("insufficient_quota")),
  },
  { name: "401", what: "answers 401", ...before, ...alike(elsewhere("upstream_auth")) },
  { name: "400", what: "answers 400", ...before, ...alike(told("invalid_value")) },
  { name: "500", what: "answers 500", ...before, ...alike(again("upstream_error")) },
  { name: "503", what: "answers 503", ...before, ...alike(again("service_unavailable")) },
  { name: "529", what: "answers 529", ...before, ...alike(again("overloaded")) },
  {
    name: "html",
    what: "answers 502 with a web page",
    ...before,
    ...alike(again("service_unavailable")),
  },
  {
    name: "empty",
    what: "answers 200 without a body",
    ...before,
    ...alike(elsewhere("upstream_error")),
  },
  {
    name: "302",
    what: "answers 302; the redirect is not followed",
    ...before,
    ...alike(elsewhere("upstream_error")),
  },
  {
    name: "first-token-stall",
    what: "sends its head and a first event without content, then nothing",
    ...before,
    stream: elsewhere("timeout:first_token", bounds.first_token_timeout_ms),
    whole: elsewhere("timeout:total", bounds.total_timeout_ms),
  },
  {
    name: "mid-stall",
    what: "stops in the middle of its answer",
    ...after,
    stream: told("timeout:idle", bounds.idle_timeout_ms),
    whole: elsewhere("timeout:total", bounds.total_timeout_ms),
  },
  {
    name: "cut-text",
    what: "breaks the connection in the middle of its text",
    ...after,
    stream: told("upstream_cut"),
    whole: elsewhere("upstream_cut"),
  },
  {
    name: "end-text",
    what: "ends the stream in the middle of its text, politely",
    ...after,
    stream: told("upstream_cut"),
    whole: elsewhere("upstream_error"),
  },
  {
    name: "cut-tool-call",
    what: "breaks the connection in the middle of a tool call",
    ...after,
    stream: told("upstream_cut"),
    whole: { reason: "a whole answer that is cut has nothing of a call yet: as `cut-text`" },
  },
  {
    name: "no-terminator",
    what: "finishes its answer and ends the stream without `[DONE]`",
    ...before,
    stream: [ok(1), ok(1), ok(1)],
    whole: { reason: "a whole answer has no terminator" },
  },
  {
    name: "malformed",
    what: "sends an event that is not JSON, or an answer that is not",
    ...after,
    stream: told("upstream_error"),
    whole: elsewhere("upstream_error"),
  },
  {
    name: "error-event",
    what: "sends an error event, or an error object under 200",
    ...after,
    stream: told("upstream_error"),
    whole: again("upstream_error"),
  },
  {
    name: "drip",
    what: "sends one byte a second",
    ...before,
    stream: elsewhere("timeout:first_token", bounds.first_token_timeout_ms),
    whole: elsewhere("timeout:total", bounds.total_timeout_ms),
  },
  {
    name: "endless",
    what: "sends text, or white space, for ever",
    ...after,
    stream: told("timeout:total", bounds.total_timeout_ms),
    whole: elsewhere("timeout:total", bounds.total_timeout_ms),
  },
  {
    name: "long-line",
    what: "sends a line without end, or a body",
    ...before,
    ...alike(elsewhere("upstream_error")),
  },
];
