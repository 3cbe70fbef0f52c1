import type { Usage } from "../../gen/trunkline/v1/usage_pb.ts";
import { type ChatCall, type Frame, isContent } from "../domain/chat.ts";
import type { Clock } from "../domain/clock.ts";
import type { RequestContext } from "../domain/context.ts";
import { GatewayError, toGatewayError } from "../domain/errors.ts";
import { type Counted, type Sizes, sizesOf, usageSoFar } from "../domain/estimate.ts";
import type { Observer, RequestEnd } from "../domain/observer.ts";

type Answer = AsyncIterable<readonly Frame[]>;

/** Wraps lives of requests, so that each is counted once, however it ends. */
export interface Account {
  stream(life: Answer, call: ChatCall, context: RequestContext): Answer;
  single<T>(life: () => Promise<T>, context: RequestContext): Promise<T>;
  /** Counts a request that an edge refused before its life began; nothing if it has. */
  refused(error: GatewayError, context: RequestContext): void;
}

/**
 * Watches each answer go by and tells the observers how its request ended: `ok` only after `completed`, `canceled` when
 * the reader left early, else `error`. What an answer had used before it broke off is on the trail: as the provider
 * counted it, or else estimated from what went by.
 */
export function createAccount(parts: { readonly clock: Clock; readonly observers: readonly Observer[] }): Account {
  const { clock, observers } = parts;

  function begin(context: RequestContext): void {
    context.trail.note({ kind: "begun" });
    for (const observer of observers) observer.requestStarted(context);
  }
  function end(context: RequestContext, outcome: RequestEnd["outcome"], error: GatewayError | null): void {
    const endedMs = clock.nowMs();
    const stream = context.trail.last("asked")?.stream ?? false;
    for (const observer of observers) observer.requestEnded(context, { outcome, error, endedMs, stream });
  }

  async function* stream(life: Answer, call: ChatCall, context: RequestContext): Answer {
    let outcome: RequestEnd["outcome"] = "canceled";
    let failure: GatewayError | null = null;
    let waiting = true;
    let completed = false;
    let usage: Usage | undefined;
    let counted: Counted | null = null;
    begin(context);
    try {
      for await (const frames of life) {
        for (const frame of frames) {
          if (waiting && isContent(frame)) {
            waiting = false;
            context.trail.note({ kind: "first_token", atMs: clock.nowMs() });
          }
          if (frame.case === "usage") counted = { usage: frame.value, sizes: sizesAt(frame, frames, context) };
          else if (frame.case === "completed") {
            completed = true;
            usage = frame.value.usage ?? counted?.usage;
          }
        }
        yield frames;
      }
      // The last guard of the first promise: an answer without an end is an error, whatever the stages did.
      if (!completed) throw new GatewayError("upstream_cut", "The answer ended before it was complete.");
      outcome = "ok";
    } catch (thrown) {
      failure = toGatewayError(thrown);
      outcome = failure.code === "canceled" ? "canceled" : "error";
      throw failure;
    } finally {
      if (outcome === "canceled" && failure === null) ({ outcome, failure } = whyLeft(context));
      // What routing noted holds all attempts.
      if (!completed && (counted !== null || !waiting) && !context.trail.last("usage")) {
        usage = usageSoFar(call.request, sizesIn(context), counted);
      }
      if (usage) context.trail.note({ kind: "usage", usage });
      end(context, outcome, failure);
    }
  }

  async function single<T>(life: () => Promise<T>, context: RequestContext): Promise<T> {
    // A second question for the same answer is no second request.
    if (context.trail.count("begun") > 0) return life();
    begin(context);
    try {
      const result = await life();
      end(context, "ok", null);
      return result;
    } catch (thrown) {
      const failure = toGatewayError(thrown);
      end(context, failure.code === "canceled" ? "canceled" : "error", failure);
      throw failure;
    }
  }

  function refused(error: GatewayError, context: RequestContext): void {
    if (context.trail.count("begun") > 0) return;
    begin(context);
    end(context, error.code === "canceled" ? "canceled" : "error", error);
  }

  return { stream, single, refused };
}

/** A reader that leaves because the request's time is up has not gone away: it is about to say why. */
function whyLeft({ signal }: RequestContext): { outcome: RequestEnd["outcome"]; failure: GatewayError | null } {
  if (!signal.aborted) return { outcome: "canceled", failure: null };
  const failure = toGatewayError(signal.reason);
  return { outcome: failure.code === "canceled" ? "canceled" : "error", failure };
}

/** What the attempt under way has said, the frames that have just come included. */
function sizesIn({ trail }: RequestContext): Readonly<Sizes> {
  return trail.last("streaming")?.sizes ?? { outputChars: 0, reasoningChars: 0 };
}

/** What it had said by one of those frames. */
function sizesAt(then: Frame, frames: readonly Frame[], context: RequestContext): Readonly<Sizes> {
  const { outputChars, reasoningChars } = sizesIn(context);
  const later: Sizes = { outputChars: 0, reasoningChars: 0 };
  for (const frame of frames.slice(frames.indexOf(then) + 1)) sizesOf(frame, later);
  return {
    outputChars: Math.max(0, outputChars - later.outputChars),
    reasoningChars: Math.max(0, reasoningChars - later.reasoningChars),
  };
}
