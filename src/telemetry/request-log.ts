import type { Usage } from "../../gen/trunkline/v1/usage_pb.ts";
import type { RequestContext, TrailEntry } from "../domain/context.ts";
import type { LogFields } from "../domain/log.ts";
import type { Observer, RequestEnd } from "../domain/observer.ts";
import type { Target } from "../domain/target.ts";

/**
 * One line for each request that ends, refused and canceled ones too, at level info: who asked what, who answered, how it
 * ended and what it took. Never a prompt, an answer or a credential.
 */
export const requestLog: Observer = {
  requestStarted() {},
  requestEnded(context, end) {
    context.log.info("request", requestFields(context, end));
  },
};

function requestFields({ operation, protocol, startedMs, trail }: RequestContext, end: RequestEnd): LogFields {
  const seen = readTrail(trail.entries);
  const { answered, attempted, usage, firstTokenMs, queuedMs } = seen;
  return {
    operation,
    protocol,
    caller: seen.caller,
    model: seen.model,
    stream: end.stream,
    outcome: end.error?.code ?? end.outcome,
    ...(end.error && { reason: end.error.message, field: end.error.detail.field }),
    instance: (answered ?? attempted)?.instance,
    answeredBy: answered?.model,
    attempts: seen.attempts,
    retries: orNone(seen.retries),
    skipped: orNone(seen.skipped),
    replayed: seen.replayed,
    queuedMs: queuedMs === null ? undefined : rounded(queuedMs),
    inputTokens: usage?.inputTokens,
    outputTokens: usage?.outputTokens,
    durationMs: rounded(end.endedMs - startedMs),
    firstTokenMs: firstTokenMs === null ? undefined : rounded(firstTokenMs - startedMs),
    bodyBytes: seen.bodyBytes,
    losses: orNone(seen.losses),
  };
}

/** What the trail says: of what happened more than once the last, or all. */
class Seen {
  caller: string | undefined;
  model: string | undefined;
  answered: Target | undefined;
  attempted: Target | undefined;
  attempts = 0;
  readonly retries: string[] = [];
  readonly skipped: string[] = [];
  readonly losses: string[] = [];
  replayed: string | undefined;
  queuedMs: number | null = null;
  usage: Usage | undefined;
  firstTokenMs: number | null = null;
  bodyBytes: number | undefined;
}

/** One pass: looking each kind up by itself took three times as long. */
function readTrail(entries: readonly TrailEntry[]): Seen {
  const seen = new Seen();
  for (const entry of entries) {
    switch (entry.kind) {
      case "admitted":
        seen.caller = entry.caller.name;
        break;
      case "asked":
        seen.model = entry.model;
        break;
      case "received":
        seen.bodyBytes = entry.bodyBytes;
        break;
      case "attempt":
        seen.attempted = entry.target;
        seen.attempts++;
        break;
      case "answered":
        seen.answered = entry.target;
        break;
      case "retried":
        seen.retries.push(`${entry.how};${entry.target.name}`);
        break;
      case "skipped":
        seen.skipped.push(`${entry.target.name};${entry.reason}`);
        break;
      case "replayed":
        seen.replayed = entry.status;
        break;
      case "queued":
        seen.queuedMs = entry.waitedMs;
        break;
      case "usage":
        seen.usage = entry.usage;
        break;
      case "first_token":
        seen.firstTokenMs = entry.atMs;
        break;
      case "loss":
        for (const { field, action } of entry.losses) seen.losses.push(`${field};${action}`);
        break;
      default:
    }
  }
  return seen;
}

function orNone(list: readonly string[]): readonly string[] | undefined {
  return list.length > 0 ? list : undefined;
}

/** Milliseconds with two decimals. */
function rounded(ms: number): number {
  return Math.round(ms * 100) / 100;
}
