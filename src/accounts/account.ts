import { create } from "@bufbuild/protobuf";
import type { ChatRequest } from "../../gen/trunkline/v1/chat_pb.ts";
import { type Usage, UsageSchema } from "../../gen/trunkline/v1/usage_pb.ts";
import { type ChatCall, type Frame, isContent } from "../domain/chat.ts";
import type { Clock } from "../domain/clock.ts";
import type { RequestContext } from "../domain/context.ts";
import { GatewayError, toGatewayError } from "../domain/errors.ts";
import { estimateUsage } from "../domain/estimate.ts";
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
    begin(context);
    try {
      for await (const frames of life) {
        for (const frame of frames) {
          if (waiting && isContent(frame)) {
            waiting = false;
            context.trail.note({ kind: "first_token", atMs: clock.nowMs() });
          }
          if (frame.case === "usage") usage = frame.value;
          else if (frame.case === "completed") {
            completed = true;
            usage = frame.value.usage ?? usage;
          }
        }
        if (usage) {
          context.trail.note({ kind: "usage", usage });
          usage = undefined;
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
      if (!waiting && !context.trail.last("usage")) noteEstimate(call.request, context);
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

/** What broke off before its provider counted anything was used all the same. */
function noteEstimate(request: ChatRequest, { trail }: RequestContext): void {
  const sizes = trail.last("streaming")?.sizes ?? { outputChars: 0, reasoningChars: 0 };
  trail.note({ kind: "usage", usage: create(UsageSchema, estimateUsage(request, sizes)) });
}
