import { create } from "@bufbuild/protobuf";
import type { CountTokensResponse } from "../../gen/trunkline/v1/chat_pb.ts";
import type { EmbedRequest, EmbedResponse } from "../../gen/trunkline/v1/embeddings_pb.ts";
import { NoticeSchema } from "../../gen/trunkline/v1/usage_pb.ts";
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

/**
 * Failures after which another target may do better. The caller's own mistakes are not among them: they would be
 * mistakes there too. Nor is its deadline, although its code is `timeout`: `mayFailOver` looks at the signal.
 */
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
  "model_not_found", // Said by a provider: lists may be old, and a bare name may have been a guess.
  "not_implemented", // Said by an adapter that cannot do this operation.
]);

/** What a target says before its first content is held up to this; a provider that goes on is broken. Frames. */
const maxHeldFrames = 1000;

/** Tries the targets in order until one has begun to answer; from its first content on, its failure is the caller's. */
export function createAttempt({
  sender,
  maxAttempts,
}: {
  readonly sender: Sender;
  readonly maxAttempts: number;
}): Attempt {
  /** The targets that may be tried. Always at least one, because resolving gives none empty. */
  function allowed(targets: readonly Target[], wanted = maxAttempts): readonly Target[] {
    return targets.slice(0, Math.min(maxAttempts, wanted));
  }

  async function* chat(targets: readonly Target[], call: ChatCall, context: RequestContext): Answer {
    const candidates = allowed(targets, call.request.routing?.maxAttempts);
    const failed: Failed[] = [];
    for (const target of candidates) {
      // Held until there is content: what a failed target said of itself must not be told of the next one.
      let held: Frame[] | null = [];
      try {
        for await (const frames of sender.chat(target, call, context)) {
          if (held === null) yield frames;
          else if (frames.some(endsHolding)) {
            const first: readonly Frame[] = [...failed.map((one) => failoverNotice(one, target)), ...held, ...frames];
            held = null;
            yield first;
          } else hold(frames, held);
        }
        if (held !== null && held.length > 0) yield held;
        return;
      } catch (thrown) {
        if (held === null || target === candidates.at(-1) || !mayFailOver(thrown, context)) throw thrown;
        failed.push(fail(target, thrown, context));
      }
    }
  }

  async function first<T>(targets: readonly Target[], context: RequestContext, send: (target: Target) => Promise<T>) {
    const candidates = allowed(targets);
    for (const target of candidates) {
      try {
        return await send(target);
      } catch (thrown) {
        if (target === candidates.at(-1) || !mayFailOver(thrown, context)) throw thrown;
        fail(target, thrown, context);
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

/** Pings beyond the limit are left out; they say nothing. @throws GatewayError `upstream_error` for anything else */
function hold(frames: readonly Frame[], held: Frame[]): void {
  for (const frame of frames) {
    if (held.length < maxHeldFrames) held.push(frame);
    else if (frame.case !== "heartbeat") {
      throw new GatewayError("upstream_error", `The provider sent ${maxHeldFrames} events without content.`);
    }
  }
}

interface Failed {
  readonly target: Target;
  readonly code: ErrorCode;
}

function fail(target: Target, thrown: unknown, context: RequestContext): Failed {
  const { code } = toGatewayError(thrown);
  context.log.warn("attempt failed, trying the next target", { target: target.name, code });
  return { target, code };
}

function failoverNotice({ target, code }: Failed, next: Target): Frame {
  const value = create(NoticeSchema, {
    code: "failover",
    message: `${target.name} failed (${code}); ${next.name} answered.`,
    detail: { from: target.name, to: next.name, error: code },
  });
  return { case: "notice", value, choice: 0, part: 0 };
}

function mayFailOver(thrown: unknown, context: RequestContext): boolean {
  return !context.signal.aborted && failsOver.has(toGatewayError(thrown).code);
}
