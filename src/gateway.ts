import type { CountTokensResponse } from "../gen/trunkline/v1/chat_pb.ts";
import type { EmbedRequest, EmbedResponse } from "../gen/trunkline/v1/embeddings_pb.ts";
import type { Model } from "../gen/trunkline/v1/models_pb.ts";
import type { ChatCall, Frame } from "./domain/chat.ts";
import type { Caller, RequestContext, RequestHead } from "./domain/context.ts";
import { GatewayError } from "./domain/errors.ts";
import type { ResponseStore, StoredResponse } from "./domain/response-store.ts";
import type { Route } from "./domain/route.ts";

/** An answer on its way: one array per network read. */
export type Answer = AsyncIterable<readonly Frame[]>;

/** What is asked, whichever operation asks it. */
export type Work =
  | { readonly kind: "chat" | "count_tokens"; readonly call: ChatCall }
  | { readonly kind: "embeddings"; readonly request: EmbedRequest };

/** What was set aside for a request before it was sent. */
export interface Reservation {
  /** Gives back what the request did not use. Called exactly once, however the request ends. */
  settle(): Promise<void>;
}

/** The stages of a request's life, by role. main.ts chooses who plays them. Every failure is a GatewayError. */
export interface Stages {
  /** Who asks, from the head alone, before a byte of the body is read. @throws `invalid_api_key`, `overloaded` */
  admit(head: RequestHead): Caller;
  /** The contract's bounds, for every edge alike. @throws `invalid_value` */
  check(work: Work): void;
  /** Which targets may answer, best first, and by which rules; never empty. @throws `model_not_found` */
  resolve(work: Work, context: RequestContext): Promise<Route>;
  /** With those targets only that this caller may ask; never empty. @throws `model_not_allowed` */
  authorize(route: Route, caller: Caller): Route;
  /**
   * A place among the running requests, limits and budgets, before anything is spent; may wait.
   * @throws `overloaded`, `timeout`, `rate_limit_exceeded`, `budget_exceeded`
   */
  reserve(work: Work, route: Route, caller: Caller, context: RequestContext): Promise<Reservation>;
  /** Guardrails on the way in; the same work or a masked copy. @throws `guardrail_blocked`, `content_filter` */
  screenPrompt<W extends Work>(work: W, caller: Caller, context: RequestContext): Promise<W>;
  /** A remembered answer, or null. */
  recall(call: ChatCall, caller: Caller, context: RequestContext): Promise<Answer | null>;
  /** One answer from the route's targets: translate, send, decode; again or elsewhere when one fails. */
  readonly attempt: {
    chat(route: Route, call: ChatCall, context: RequestContext): Answer;
    countTokens(route: Route, call: ChatCall, context: RequestContext): Promise<CountTokensResponse>;
    embed(route: Route, request: EmbedRequest, context: RequestContext): Promise<EmbedResponse>;
  };
  /** Guardrails on the way out. */
  screenAnswer(answer: Answer, caller: Caller, context: RequestContext): Answer;
  /** Usage, cost, audit, metrics: wraps a whole life, so that refusals and cut streams count. */
  readonly account: {
    stream(life: Answer, call: ChatCall, context: RequestContext): Answer;
    single<T>(life: () => Promise<T>, context: RequestContext): Promise<T>;
    refused(error: GatewayError, context: RequestContext): void;
  };
  /** The answer that the same request was given before, by its idempotency key; or the life that makes one. */
  once(call: ChatCall, caller: Caller, context: RequestContext, life: (own: RequestContext) => Answer): Answer;
  /** Answers that later requests can go on from. */
  readonly responses: ResponseStore;
  readonly models: {
    list(caller: Caller, context: RequestContext): Promise<readonly Model[]>;
    /** @throws `model_not_found` */
    get(name: string, caller: Caller, context: RequestContext): Promise<Model>;
  };
}

/** What the edges see. */
export interface Gateway {
  /** Who asks. Called first, from the head alone. @throws GatewayError `invalid_api_key`, `overloaded` */
  admit(head: RequestHead): Caller;
  /**
   * The answer's frames in the contract's order, for unary callers too (the edge folds them).
   * Ends after `completed`, or throws a GatewayError. Leaving the loop early aborts the call to the provider.
   */
  chat(call: ChatCall, caller: Caller, context: RequestContext): Answer;
  countTokens(call: ChatCall, caller: Caller, context: RequestContext): Promise<CountTokensResponse>;
  embed(request: EmbedRequest, caller: Caller, context: RequestContext): Promise<EmbedResponse>;
  listModels(caller: Caller, context: RequestContext): Promise<readonly Model[]>;
  getModel(name: string, caller: Caller, context: RequestContext): Promise<Model>;
  /** Answers that are kept for those who asked. */
  readonly responses: ResponseStore;
  /** @throws GatewayError `response_not_found`, for another caller's too */
  getResponse(id: string, caller: Caller, context: RequestContext): Promise<StoredResponse>;
  /** @throws GatewayError `response_not_found` */
  deleteResponse(id: string, caller: Caller, context: RequestContext): Promise<void>;
  /** Counts what an edge answers with an error. Nothing if the request came far enough to be counted already. */
  refused(error: GatewayError, context: RequestContext): void;
}

/** The life of a request: read it from top to bottom. Add a stage by adding a line. */
export function createGateway(stage: Stages): Gateway {
  // What every request goes through before it may be sent anywhere.
  async function prepare<W extends Work>(work: W, caller: Caller, context: RequestContext) {
    context.trail.note({ kind: "admitted", caller });
    context.trail.note({ kind: "asked", ...asked(work) });
    stage.check(work);
    const route = stage.authorize(await stage.resolve(work, context), caller);
    const reservation = await stage.reserve(work, route, caller, context);
    try {
      return { route, reservation, screened: await stage.screenPrompt(work, caller, context) };
    } catch (refusal) {
      await reservation.settle();
      throw refusal;
    }
  }

  async function* chat(call: ChatCall, caller: Caller, context: RequestContext): Answer {
    const { route, reservation, screened } = await prepare({ kind: "chat", call }, caller, context);
    try {
      const remembered = await stage.recall(screened.call, caller, context);
      const answer = remembered ?? stage.attempt.chat(route, screened.call, context);
      yield* stage.screenAnswer(answer, caller, context);
    } finally {
      await reservation.settle();
    }
  }

  async function countTokens(call: ChatCall, caller: Caller, context: RequestContext): Promise<CountTokensResponse> {
    const { route, reservation, screened } = await prepare({ kind: "count_tokens", call }, caller, context);
    try {
      return await stage.attempt.countTokens(route, screened.call, context);
    } finally {
      await reservation.settle();
    }
  }

  async function embed(request: EmbedRequest, caller: Caller, context: RequestContext): Promise<EmbedResponse> {
    const { route, reservation, screened } = await prepare({ kind: "embeddings", request }, caller, context);
    try {
      return await stage.attempt.embed(route, screened.request, context);
    } finally {
      await reservation.settle();
    }
  }

  function listModels(caller: Caller, context: RequestContext): Promise<readonly Model[]> {
    context.trail.note({ kind: "admitted", caller });
    return stage.models.list(caller, context);
  }

  function getModel(name: string, caller: Caller, context: RequestContext): Promise<Model> {
    context.trail.note({ kind: "admitted", caller });
    return stage.models.get(name, caller, context);
  }

  // Accounting wraps the whole life, so that a refusal or a cut stream is counted like a success.
  const { account } = stage;
  return {
    admit: stage.admit,
    chat: (call, caller, context) =>
      account.stream(
        stage.once(call, caller, context, (own) => chat(call, caller, own)),
        call,
        context,
      ),
    countTokens: (call, caller, context) => account.single(() => countTokens(call, caller, context), context),
    embed: (request, caller, context) => account.single(() => embed(request, caller, context), context),
    listModels: (caller, context) => account.single(() => listModels(caller, context), context),
    getModel: (name, caller, context) => account.single(() => getModel(name, caller, context), context),
    ...keptResponses(stage),
    refused: account.refused,
  };
}

function asked(work: Work): { readonly model: string; readonly stream: boolean } {
  if (work.kind === "embeddings") return { model: work.request.model, stream: false };
  return { model: work.call.request.model, stream: work.call.stream };
}

/** What callers ask of their own kept answers. */
function keptResponses({ responses, account }: Stages): Pick<Gateway, "responses" | "getResponse" | "deleteResponse"> {
  async function found<T>(
    id: string,
    caller: Caller,
    context: RequestContext,
    ask: () => Promise<T>,
  ): Promise<NonNullable<T>> {
    context.trail.note({ kind: "admitted", caller });
    const answer = await ask();
    if (answer) return answer;
    const detail = { param: "response_id", retryable: false };
    throw new GatewayError("response_not_found", `Response with id '${id}' not found.`, detail);
  }
  return {
    responses,
    getResponse: (id, caller, context) =>
      account.single(() => found(id, caller, context, () => responses.get(caller.id, id)), context),
    deleteResponse: (id, caller, context) =>
      account.single(
        async () => void (await found(id, caller, context, () => responses.delete(caller.id, id))),
        context,
      ),
  };
}
