import type { RequestContext } from "../domain/context.ts";
import type { LogFields } from "../domain/log.ts";
import type { Observer, RequestEnd } from "../domain/observer.ts";

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

function requestFields(context: RequestContext, end: RequestEnd): LogFields {
  const { operation, protocol, startedMs, trail } = context;
  const answered = trail.last("answered");
  const usage = trail.last("usage")?.usage;
  const firstToken = trail.last("first_token");
  const losses = trail.entries.flatMap((entry) => (entry.kind === "loss" ? entry.losses : []));
  const retries = trail.entries.filter((entry) => entry.kind === "retried");
  const skipped = trail.entries.filter((entry) => entry.kind === "skipped");
  const queued = trail.last("queued");
  return {
    operation,
    protocol,
    caller: trail.last("admitted")?.caller.name,
    model: trail.last("asked")?.model,
    stream: end.stream,
    outcome: end.error?.code ?? end.outcome,
    ...(end.error && { reason: end.error.message, field: end.error.detail.field }),
    instance: (answered ?? trail.last("attempt"))?.target.instance,
    answeredBy: answered?.model,
    attempts: trail.count("attempt"),
    retries: retries.length > 0 ? retries.map(({ how, target }) => `${how};${target.name}`) : undefined,
    skipped: skipped.length > 0 ? skipped.map(({ target, reason }) => `${target.name};${reason}`) : undefined,
    replayed: trail.last("replayed")?.status,
    queuedMs: queued && rounded(queued.waitedMs),
    inputTokens: usage?.inputTokens,
    outputTokens: usage?.outputTokens,
    durationMs: rounded(end.endedMs - startedMs),
    firstTokenMs: firstToken && rounded(firstToken.atMs - startedMs),
    bodyBytes: trail.last("received")?.bodyBytes,
    losses: losses.length > 0 ? losses.map(({ field, action }) => `${field};${action}`) : undefined,
  };
}

/** Milliseconds with two decimals. */
function rounded(ms: number): number {
  return Math.round(ms * 100) / 100;
}
