import type { CountTokensResponse } from "../../gen/trunkline/v1/chat_pb.ts";
import type { EmbedRequest, EmbedResponse } from "../../gen/trunkline/v1/embeddings_pb.ts";
import type { Proof } from "../../gen/trunkline/v1/message_pb.ts";
import type { ChatCall, Frame } from "../domain/chat.ts";
import type { Clock } from "../domain/clock.ts";
import type { RequestContext } from "../domain/context.ts";
import { type ErrorCode, GatewayError, toGatewayError } from "../domain/errors.ts";
import type { Sizes } from "../domain/estimate.ts";
import type { GoogleIdentity } from "../domain/google-identity.ts";
import type { ProviderInstance } from "../domain/instance.ts";
import type { ModelFacts } from "../domain/model-facts.ts";
import type { Secret } from "../domain/secret.ts";
import type { Target } from "../domain/target.ts";
import type { Bounds } from "../domain/time-bounds.ts";
import type { Dialer } from "../net/dial.ts";
import type { Incoming } from "../net/incoming.ts";
import { eventParserFor } from "./framing.ts";
import { outgoing } from "./outgoing.ts";
import type { DecodeMemory, HttpReply, ModelPage, ModelQuestion, Provider, ProviderRequest } from "./provider.ts";
import { rateLimitHeaders } from "./rate-limits.ts";
import { isCompressed, readFailure, readReply, readStream } from "./read-answer.ts";
import { withoutRefused } from "./refused-fields.ts";
import { cannot, compressed, incomplete } from "./send-failures.ts";
import { createFinisher, estimated, lossFrames, lossNotices, toServedBy } from "./served.ts";
import { createWatchdog, type Watchdog } from "./watchdog.ts";

export interface SendParts {
  readonly dialer: Dialer;
  readonly clock: Clock;
  readonly bounds: Bounds;
  /** Configured instances by name. */
  readonly instances: ReadonlyMap<string, ProviderInstance>;
  /** The adapter of a provider kind. */
  providerOf(kind: string): Provider;
  /** The call with the proofs of reasoning that its caller left out. */
  readonly proofs?: {
    restored(call: ChatCall, context: RequestContext, takes: (proof: Proof) => boolean): ChatCall;
  };
  /** Access tokens of instances that have an identity instead of keys. */
  readonly tokenOf?: (identity: GoogleIdentity, signal: AbortSignal) => Promise<Secret>;
}

/** Pages of model lists are read up to this: more than any provider lists. Bytes. */
const maxListBytes = 16 * 1024 * 1024;

/** What one attempt knows while it runs. */
interface Attempt {
  readonly target: Target;
  readonly provider: Provider;
  readonly instance: ProviderInstance;
  readonly context: RequestContext;
  readonly watchdog: Watchdog;
  readonly bounds: Bounds;
  /** Whether the bound on the first byte was set for this target, and so holds for whole answers too. */
  readonly boundsHead: boolean;
  status: number | null;
  requestId: string;
}

/** One attempt at one target: translate, send, decode. Every failure is a GatewayError that names the target. */
export class Sender {
  readonly #parts: SendParts;

  constructor(parts: SendParts) {
    this.#parts = parts;
  }

  /** The answer's frames, one array per network read. Leaving the loop aborts the call. */
  async *chat(target: Target, call: ChatCall, context: RequestContext): AsyncIterable<readonly Frame[]> {
    const attempt = this.#begin(target, context);
    const { provider, watchdog } = attempt;
    // What it is when the reader leaves the loop.
    let outcome: "ok" | ErrorCode = "canceled";
    try {
      const { incoming, losses, memory } = await this.#ask(call, attempt);
      const sizes: Sizes = { outputChars: 0, reasoningChars: 0 };
      context.trail.note({ kind: "streaming", target, sizes });
      const finish = createFinisher(served(attempt), call, this.#parts.clock.wallMs(), sizes);
      if (losses.length > 0) yield lossFrames(losses);
      const parser = eventParserFor(incoming);
      if (parser) {
        const reading = { parser, decoder: provider.createDecoder(memory) };
        for await (const frames of readStream(incoming, reading, watchdog, attempt.bounds)) yield finish(frames);
      } else {
        yield finish(provider.fromResponse(await readReply(incoming), memory));
      }
      outcome = "ok";
    } catch (thrown) {
      const failure = blame(thrown, attempt);
      outcome = failure.code;
      throw failure;
    } finally {
      this.#end(attempt, outcome);
    }
  }

  /** By itself, so that the translated request is held by nobody while its answer streams. */
  async #ask(call: ChatCall, attempt: Attempt) {
    const { provider, target, context } = attempt;
    const takes = ({ issuer }: Proof) => provider.takesProof?.(issuer, call, target) ?? false;
    const whole = this.#parts.proofs?.restored(call, context, takes) ?? call;
    const request = withoutRefused(whole, target, provider.toRequest);
    return { incoming: await this.#exchange(request, attempt), losses: request.losses, memory: request.memory };
  }

  /** Asks the provider, or estimates where it has no way to count. */
  async countTokens(target: Target, call: ChatCall, context: RequestContext): Promise<CountTokensResponse> {
    const { countTokens } = this.#parts.providerOf(target.provider);
    if (!countTokens) return estimated(target, call);
    return this.#single(
      target,
      context,
      () => withoutRefused(call, target, countTokens.toRequest),
      (reply, { memory }) => countTokens.fromResponse(reply, memory),
    );
  }

  /**
   * One vector for each input, in their order.
   * @throws GatewayError `not_implemented` when the provider has no embeddings, `upstream_error` when it left some out
   */
  async embed(target: Target, request: EmbedRequest, context: RequestContext): Promise<EmbedResponse> {
    const { embeddings } = this.#parts.providerOf(target.provider);
    if (!embeddings) throw cannot(target, "make embeddings");
    const toRequest = () => embeddings.toRequest(request, target);
    return this.#single(target, context, toRequest, (reply, { memory, losses }, attempt) => {
      const response = embeddings.fromResponse(reply, memory);
      if (response.embeddings.length !== request.inputs.length) throw incomplete(response, request);
      if (response.usage) context.trail.note({ kind: "usage", usage: response.usage });
      response.servedBy = toServedBy(served(attempt));
      response.notices.push(...lossNotices(losses));
      return response;
    });
  }

  /** One page of an instance's list of models. */
  async models(instance: ProviderInstance, path: string, signal: AbortSignal): Promise<ModelPage> {
    const { models } = this.#parts.providerOf(instance.provider);
    if (!models) return { models: [], next: null };
    return models.fromResponse(await this.#askOfModels(instance, { method: "GET", path, body: null }, signal));
  }

  /** What an instance says of one model beyond its list; nothing where the list says all. */
  async modelFacts(instance: ProviderInstance, model: string, signal: AbortSignal): Promise<ModelFacts> {
    const detail = this.#parts.providerOf(instance.provider).models?.detail;
    return detail ? detail.fromResponse(await this.#askOfModels(instance, detail.toRequest(model), signal)) : {};
  }

  /** A question about models, which is no caller's attempt. */
  async #askOfModels(instance: ProviderInstance, question: ModelQuestion, signal: AbortSignal): Promise<HttpReply> {
    const provider = this.#parts.providerOf(instance.provider);
    const { name, wire } = instance;
    const target: Target = { name, instance: name, provider: provider.kind, model: "", wire, facts: {} };
    const memory: DecodeMemory = { target, stream: false };
    const { dialer, clock } = this.#parts;
    const request: ProviderRequest = { ...question, headers: {}, losses: [], memory };
    const connectTimeoutMs = this.#parts.bounds.connectMs;
    const asked = outgoing(instance, provider, request, {
      key: undefined,
      connectTimeoutMs,
      wallMs: clock.wallMs(),
    });
    const incoming = await dialer.open(asked, signal);
    if (incoming.status !== 200) throw provider.fromError(await readFailure(incoming, clock), memory);
    return readReply(incoming, maxListBytes);
  }

  /** A call whose answer is one JSON body. */
  async #single<T>(
    target: Target,
    context: RequestContext,
    toRequest: () => ProviderRequest,
    read: (reply: HttpReply, request: ProviderRequest, attempt: Attempt) => T,
  ): Promise<T> {
    const attempt = this.#begin(target, context);
    let outcome: "ok" | ErrorCode = "ok";
    try {
      const request = toRequest();
      const incoming = await this.#exchange(request, attempt);
      return read(await readReply(incoming), request, attempt);
    } catch (thrown) {
      const failure = blame(thrown, attempt);
      outcome = failure.code;
      throw failure;
    } finally {
      this.#end(attempt, outcome);
    }
  }

  #begin(target: Target, context: RequestContext): Attempt {
    const { clock, instances, providerOf } = this.#parts;
    const instance = instances.get(target.instance);
    if (!instance) throw new GatewayError("internal", "A target names an instance that is not configured.");
    context.trail.note({ kind: "attempt", target, atMs: clock.nowMs() });
    const bounds = boundsFor(target, instance, this.#parts.bounds);
    const boundsHead = (target.bounds?.firstByteMs ?? instance.bounds?.firstByteMs) !== undefined;
    const watchdog = createWatchdog(context.signal, clock);
    watchdog.allow("total", bounds.totalMs);
    const provider = providerOf(target.provider);
    return { target, provider, instance, context, watchdog, bounds, boundsHead, status: null, requestId: "" };
  }

  #end({ target, context, watchdog, status, requestId }: Attempt, outcome: "ok" | ErrorCode): void {
    watchdog.stop();
    context.trail.note({
      kind: "attempt_ended",
      target,
      atMs: this.#parts.clock.nowMs(),
      outcome,
      ...(status === null ? {} : { upstreamStatus: status }),
      ...(requestId === "" ? {} : { upstreamRequestId: requestId }),
    });
  }

  async #token({ google, keys }: ProviderInstance, signal: AbortSignal): Promise<Secret | undefined> {
    return google && keys.length === 0 ? this.#parts.tokenOf?.(google, signal) : undefined;
  }

  /** Sends a request and returns its good answer. @throws GatewayError by the provider's own reading of a bad one */
  async #exchange(request: ProviderRequest, attempt: Attempt): Promise<Incoming> {
    const { dialer, clock } = this.#parts;
    const { target, provider, instance, watchdog, bounds } = attempt;
    const { trail } = attempt.context;
    // The head of a unary answer comes only when the model is done, so that only the total bounds it.
    if (request.memory.stream || attempt.boundsHead) watchdog.allow("first_byte", bounds.firstByteMs);
    if (request.memory.stream) watchdog.allow("first_token", bounds.firstTokenMs);
    trail.note({ kind: "sent", atMs: clock.nowMs() });
    const asked = outgoing(instance, provider, request, {
      key: target.key,
      token: await this.#token(instance, watchdog.signal),
      connectTimeoutMs: bounds.connectMs,
      wallMs: clock.wallMs(),
    });
    const incoming = await dialer.open(asked, watchdog.signal);
    watchdog.forget("first_byte");
    attempt.status = incoming.status;
    attempt.requestId = incoming.headers["x-request-id"] ?? incoming.headers["request-id"] ?? "";
    trail.note({ kind: "rate_limit", headers: rateLimitHeaders(incoming.headers) });
    if (incoming.status < 200 || incoming.status > 299) {
      throw provider.fromError(await readFailure(incoming, clock), request.memory);
    }
    if (isCompressed(incoming)) throw compressed(incoming);
    trail.note({
      kind: "answered",
      target,
      atMs: clock.nowMs(),
      model: target.model,
      simulated: instance.simulated,
    });
    // Only now: what a target that failed would have left out is of no interest to anybody.
    if (request.losses.length > 0) trail.note({ kind: "loss", target, losses: request.losses });
    return incoming;
  }
}

/** The bounds of an attempt: a target's win over its instance's, those over the configured ones. */
function boundsFor(target: Target, instance: ProviderInstance, configured: Bounds): Bounds {
  if (target.bounds === undefined && instance.bounds === undefined) return configured;
  return { ...configured, ...instance.bounds, ...target.bounds };
}

function served({ target, instance, context, requestId }: Attempt) {
  const attempts = context.trail.count("attempt");
  return { target, simulated: instance.simulated, upstreamRequestId: requestId, attempts };
}

/** What went wrong, and at whom. When a bound or the caller ended the attempt, that is the reason, whatever it broke. */
function blame(thrown: unknown, { watchdog, target, status, requestId }: Attempt): GatewayError {
  const { signal } = watchdog;
  return toGatewayError(signal.aborted ? signal.reason : thrown).with({
    provider: target.instance,
    model: target.model,
    ...(status === null || status < 300 ? {} : { upstreamStatus: status }),
    ...(requestId === "" ? {} : { upstreamRequestId: requestId }),
  });
}
