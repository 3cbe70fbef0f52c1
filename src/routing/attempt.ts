import { create } from "@bufbuild/protobuf";
import type { CountTokensResponse } from "../../gen/trunkline/v1/chat_pb.ts";
import type { EmbedRequest, EmbedResponse } from "../../gen/trunkline/v1/embeddings_pb.ts";
import { NoticeSchema } from "../../gen/trunkline/v1/usage_pb.ts";
import type { ChatCall, Frame } from "../domain/chat.ts";
import type { RequestContext, Trail } from "../domain/context.ts";
import { GatewayError, toGatewayError } from "../domain/errors.ts";
import { forgetPrompt } from "../domain/forget-prompt.ts";
import type { Route } from "../domain/route.ts";
import type { Target } from "../domain/target.ts";
import { continued } from "./continue.ts";
import { type HedgeLeg, hedged } from "./hedge.ts";
import { endsHolding, hold, type Leg } from "./leg.ts";
import { Said } from "./said.ts";
import { type Failed, Tries, type TryParts } from "./tries.ts";

type Answer = AsyncIterable<readonly Frame[]>;

/** Sends one request to one target. */
export interface Sender {
  chat(target: Target, call: ChatCall, context: RequestContext): Answer;
  countTokens(target: Target, call: ChatCall, context: RequestContext): Promise<CountTokensResponse>;
  embed(target: Target, request: EmbedRequest, context: RequestContext): Promise<EmbedResponse>;
}

/** Gets one answer out of several targets. */
export interface Attempt {
  chat(route: Route, call: ChatCall, context: RequestContext): Answer;
  countTokens(route: Route, call: ChatCall, context: RequestContext): Promise<CountTokensResponse>;
  embed(route: Route, request: EmbedRequest, context: RequestContext): Promise<EmbedResponse>;
}

export interface AttemptParts extends TryParts {
  readonly sender: Sender;
}

/** See the functions below, which it only gives their parts. */
export function createAttempt(parts: AttemptParts): Attempt {
  const { sender } = parts;
  return {
    chat: (route, call, context) => chat(parts, route, call, context),
    countTokens: (route, call, context) =>
      single(parts, route, context, (target) => sender.countTokens(target, call, context)),
    embed: (route, request, context) =>
      single(parts, route, context, (target) => sender.embed(target, request, context)),
  };
}

/**
 * Asks targets until one has begun to answer. From its first content on, its failure is the caller's, unless the route
 * says that cut answers are continued.
 */
async function* chat(parts: AttemptParts, route: Route, call: ChatCall, context: RequestContext): Answer {
  const { sender, states } = parts;
  const tries = new Tries(parts, route, context, call.request.routing?.maxAttempts);
  const said = route.policy.onCut === "continue" && call.stream ? new Said(call.request) : null;
  const begin = (target: Target, asked: ChatCall): Leg => ({
    target,
    watch: states.watch(target, call.stream, tries.isRepeat(target)),
    answer: sender.chat(target, asked, context),
  });
  let target = tries.first();
  for (;;) {
    const leg = route.policy.hedge ? await race(parts, route, target, { call, context, tries }) : begin(target, call);
    // Held until there is content: what a failed target said of itself must not be told of the next one.
    let held: Frame[] | null = [];
    try {
      for await (const frames of leg.answer) {
        if (held === null) {
          said?.push(frames);
          yield frames;
        } else if (frames.some(endsHolding)) {
          leg.watch.firstToken();
          const first: readonly Frame[] = [...failoverNotices(tries.failed, leg.target), ...held, ...frames];
          held = null;
          // It is this answer or none, so that nobody is asked again.
          if (said === null && call.stream) forgetPrompt(call);
          said?.push(first);
          yield first;
        } else hold(frames, held);
      }
      leg.watch.succeeded();
      if (held !== null && held.length > 0) yield held;
      return;
    } catch (thrown) {
      if (!context.signal.aborted) leg.watch.failed(toGatewayError(thrown));
      if (held !== null) target = await tries.next(leg.target, thrown);
      else if (said === null) throw thrown;
      else return yield* continued({ call, context, tries, said, begin }, { target: leg.target, thrown });
    } finally {
      leg.watch.left();
    }
  }
}

/** An attempt that a second one joins when the first takes long. */
async function race(parts: AttemptParts, route: Route, target: Target, { call, context, tries }: Racing): Promise<Leg> {
  const { sender, states, clock } = parts;
  const begin = (runner: Target): HedgeLeg => {
    const own = new AbortController();
    const signal = AbortSignal.any([context.signal, own.signal]);
    return {
      target: runner,
      watch: states.watch(runner, call.stream, tries.isRepeat(runner)),
      answer: sender.chat(runner, call, { ...context, signal }),
      abort: () => own.abort(new GatewayError("canceled", "Another attempt answered first.")),
    };
  };
  const afterMs = route.policy.hedge?.afterMs ?? states.of(target).p95Ms(call.stream);
  const first = begin(target);
  if (afterMs === null) return first;
  let joined = false;
  const second = () => {
    const other = tries.beside();
    joined = other !== null;
    return other && begin(other);
  };
  const winner = await hedged(first, { clock, afterMs, second });
  if (joined) makeLast(winner.target, context.trail);
  return winner;
}

/** Headers, metrics and estimates follow the last target on the trail; that must be the one whose answer is passed on. */
function makeLast(target: Target, trail: Trail): void {
  for (const kind of ["answered", "loss", "streaming"] as const) {
    const own = trail.entries.findLast((entry) => entry.kind === kind && entry.target === target);
    if (own) trail.note(own);
  }
}

/** An answer that comes whole. */
async function single<T>(
  parts: AttemptParts,
  route: Route,
  context: RequestContext,
  send: (target: Target) => Promise<T>,
): Promise<T> {
  const { states } = parts;
  const tries = new Tries(parts, route, context);
  let target = tries.first();
  for (;;) {
    const watch = states.watch(target, false, tries.isRepeat(target));
    try {
      const answer = await send(target);
      watch.succeeded();
      return answer;
    } catch (thrown) {
      if (!context.signal.aborted) watch.failed(toGatewayError(thrown));
      target = await tries.next(target, thrown);
    } finally {
      watch.left();
    }
  }
}

interface Racing {
  readonly call: ChatCall;
  readonly context: RequestContext;
  readonly tries: Tries;
}

/** What the caller is told of targets that could not answer. A second try of the same one is no failover. */
function failoverNotices(failed: readonly Failed[], next: Target): readonly Frame[] {
  const others = failed.filter(({ target }) => target.name !== next.name);
  return others.map(({ target, code }) => {
    const message = `${target.name} failed (${code}); ${next.name} answered.`;
    const detail = { from: target.name, to: next.name, error: code };
    return { case: "notice", value: create(NoticeSchema, { code: "failover", message, detail }), choice: 0, part: 0 };
  });
}
