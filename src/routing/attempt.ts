import type { CountTokensResponse } from "../../gen/trunkline/v1/chat_pb.ts";
import type { EmbedRequest, EmbedResponse } from "../../gen/trunkline/v1/embeddings_pb.ts";
import { type ChatCall, type Frame, isContent } from "../domain/chat.ts";
import type { RequestContext } from "../domain/context.ts";
import { type ErrorCode, GatewayError, toGatewayError } from "../domain/errors.ts";
import type { Target } from "../domain/target.ts";

type Answer = AsyncIterable<readonly Frame[]>;

/** Sends one request to one target. */
export interface Sender {
  chat(target: Target, call: ChatCall, context: RequestContext): Answer;
  countTokens(target: Target, call: ChatCall, context: RequestContext): Promise<CountTokensResponse>;
  embed(target: Target, request: EmbedRequest, context: RequestContext): Promise<EmbedResponse>;
}

/** Gets one answer out of several targets. */
export interface Attempt {
  chat(targets: readonly Target[], call: ChatCall, context: RequestContext): Answer;
  countTokens(targets: readonly Target[], call: ChatCall, context: RequestContext): Promise<CountTokensResponse>;
  embed(targets: readonly Target[], request: EmbedRequest, context: RequestContext): Promise<EmbedResponse>;
}

/** Failures after which another target may do better. The caller's own mistakes and its deadline are not among them. */
const failsOver: ReadonlySet<ErrorCode> = new Set([
  "rate_limit_exceeded",
  "insufficient_quota",
  "timeout",
  "service_unavailable",
  "overloaded",
  "upstream_error",
  "upstream_auth",
  "upstream_cut",
  "conflict",
]);

/** Tries the targets in order until one has begun to answer; from its first content on, its failure is the caller's. */
export function createAttempt(parts: { readonly sender: Sender; readonly maxAttempts: number }): Attempt {
  const { sender } = parts;

  function* bounded(targets: readonly Target[], wanted: number | undefined): Iterable<readonly [Target, boolean]> {
    const count = Math.min(targets.length, parts.maxAttempts, wanted ?? parts.maxAttempts);
    for (const [index, target] of targets.slice(0, count).entries()) yield [target, index === count - 1];
  }

  async function* chat(targets: readonly Target[], call: ChatCall, context: RequestContext): Answer {
    for (const [target, last] of bounded(targets, call.request.routing?.maxAttempts)) {
      // Held until there is content: what a failed target said of itself must not be told of the next one.
      let held: Frame[] | null = [];
      try {
        for await (const frames of sender.chat(target, call, context)) {
          if (held === null) yield frames;
          else if (frames.some(endsHolding)) {
            yield held.length === 0 ? frames : [...held, ...frames];
            held = null;
          } else held.push(...frames);
        }
        if (held !== null && held.length > 0) yield held;
        return;
      } catch (thrown) {
        if (last || held === null || !mayFailOver(thrown, context)) throw thrown;
        context.log.warn("attempt failed, trying the next target", { target: target.name, code: codeOf(thrown) });
      }
    }
  }

  async function first<T>(targets: readonly Target[], context: RequestContext, send: (target: Target) => Promise<T>) {
    for (const [target, last] of bounded(targets, undefined)) {
      try {
        return await send(target);
      } catch (thrown) {
        if (last || !mayFailOver(thrown, context)) throw thrown;
        context.log.warn("attempt failed, trying the next target", { target: target.name, code: codeOf(thrown) });
      }
    }
    throw new GatewayError("internal", "There was no target to try.");
  }

  return {
    chat,
    countTokens: (targets, call, context) =>
      first(targets, context, (target) => sender.countTokens(target, call, context)),
    embed: (targets, request, context) => first(targets, context, (target) => sender.embed(target, request, context)),
  };
}

/** Content, or an end: an answer without a word must not be held for ever. */
function endsHolding(frame: Frame): boolean {
  return isContent(frame) || frame.case === "finished" || frame.case === "completed";
}

function mayFailOver(thrown: unknown, context: RequestContext): boolean {
  return !context.signal.aborted && failsOver.has(codeOf(thrown));
}

function codeOf(thrown: unknown): ErrorCode {
  return toGatewayError(thrown).code;
}
