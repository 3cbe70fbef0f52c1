import type { ErrorCode, GatewayError, TimeoutPhase } from "../domain/errors.ts";
import type { FailoverGroup } from "../domain/route.ts";

/** What a failure before the first content means for the attempts that may follow. */
export interface FailureClass {
  readonly name: string;
  /** For people: what happened. */
  readonly meaning: string;
  /** Statuses of a provider that lead here. Adapters turn them into codes; a test compares. */
  readonly statuses: readonly number[];
  /** Whether the same target may be asked again: always, only with `retry_after_sent`, or never. */
  readonly again: "yes" | "configured" | "no";
  /** Whether another target may be asked, and as which of the operator's groups. Null: never. */
  readonly elsewhere: FailoverGroup | null;
  /** Whose failure it is: the target's circuit counts it, the key's, or nobody's. */
  readonly blames: "target" | "key" | null;
}

/**
 * Every failure there is, by class: whether to try again, and where. The only place that decides it. docs/resilience.md
 * prints this table.
 */
export const failureTable = {
  unreachable: {
    name: "unreachable",
    meaning: "no connection: refused, DNS, TLS, `connect` bound; nothing was sent",
    statuses: [],
    again: "yes",
    elsewhere: "outage",
    blames: "target",
  },
  unavailable: {
    name: "unavailable",
    meaning: "the provider says that it cannot serve now",
    statuses: [408, 425, 502, 503, 504, 529],
    again: "yes",
    elsewhere: "outage",
    blames: "target",
  },
  failed: {
    name: "failed",
    meaning: "the provider says that it failed, by a status or by an error event",
    statuses: [500],
    again: "yes",
    elsewhere: "outage",
    blames: "target",
  },
  conflict: {
    name: "conflict",
    meaning: "the provider says that something else was in the way",
    statuses: [409],
    again: "yes",
    elsewhere: "outage",
    blames: null,
  },
  limited: {
    name: "limited",
    meaning: "a rate limit",
    statuses: [429, 498],
    again: "yes",
    elsewhere: "rate_limit",
    blames: null,
  },
  lost: {
    name: "lost",
    meaning:
      "sent, and then: reset, cut, not HTTP, not the dialect, or a bound passed; nobody knows what the provider did",
    statuses: [],
    again: "configured",
    elsewhere: "outage",
    blames: "target",
  },
  misplaced: {
    name: "misplaced",
    meaning: "a redirect, which is never followed: the address is wrong",
    statuses: [301, 302, 303, 307, 308],
    again: "no",
    elsewhere: "outage",
    blames: "target",
  },
  account: {
    name: "account",
    meaning: "the provider refuses the gateway's key, or its quota is spent",
    statuses: [401, 402, 403],
    again: "no",
    elsewhere: "outage",
    blames: "key",
  },
  lacking: {
    name: "lacking",
    meaning: "the target does not have the model, or cannot do this",
    statuses: [404, 501],
    again: "no",
    elsewhere: "outage",
    blames: null,
  },
  tooLong: {
    name: "too long",
    meaning: "the prompt does not fit the model's context window; only a larger one is asked",
    statuses: [],
    again: "no",
    elsewhere: "context_length",
    blames: null,
  },
  filtered: {
    name: "filtered",
    meaning: "the provider's content filter refused the prompt",
    statuses: [],
    again: "no",
    elsewhere: "content_filter",
    blames: null,
  },
  final: {
    name: "final",
    meaning: "the request's own mistake, the caller's deadline or departure, the gateway's own refusal",
    statuses: [400, 413, 422],
    again: "no",
    elsewhere: null,
    blames: null,
  },
} as const satisfies Record<string, FailureClass>;

const byCode: Partial<Record<ErrorCode, FailureClass>> = {
  overloaded: failureTable.unavailable,
  conflict: failureTable.conflict,
  rate_limit_exceeded: failureTable.limited,
  upstream_cut: failureTable.lost,
  upstream_auth: failureTable.account,
  insufficient_quota: failureTable.account,
  model_not_found: failureTable.lacking,
  not_implemented: failureTable.lacking,
  context_length_exceeded: failureTable.tooLong,
  content_filter: failureTable.filtered,
};

const byPhase: Readonly<Record<TimeoutPhase, FailureClass>> = {
  connect: failureTable.unreachable,
  first_byte: failureTable.lost,
  first_token: failureTable.lost,
  idle: failureTable.lost,
  total: failureTable.lost,
  // For a connection to that provider; for a place among the running requests, nobody was asked yet.
  queue: failureTable.unreachable,
  // The request's own, whoever was asked: no time is left for another.
  deadline: failureTable.final,
};

/** The class of what a target failed with. A failure without a place in the table is final. */
export function classOf({ code, detail }: GatewayError): FailureClass {
  switch (code) {
    case "timeout":
      return detail.phase === undefined ? failureTable.unavailable : byPhase[detail.phase];
    case "service_unavailable":
      return detail.upstreamStatus === undefined ? failureTable.unreachable : failureTable.unavailable;
    case "upstream_error":
      if (detail.upstreamStatus !== undefined && detail.upstreamStatus < 400) return failureTable.misplaced;
      // Said by the provider, in a status or in an error event with a code of its own.
      return detail.upstreamStatus === undefined && detail.upstreamCode === undefined
        ? failureTable.lost
        : failureTable.failed;
    default:
      return byCode[code] ?? failureTable.final;
  }
}
