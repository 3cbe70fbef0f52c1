import type { CountTokensResponse } from "../../gen/trunkline/v1/chat_pb.ts";
import type { EmbedRequest, EmbedResponse } from "../../gen/trunkline/v1/embeddings_pb.ts";
import { type ChatCall, type Frame, isContent } from "../domain/chat.ts";
import type { Clock } from "../domain/clock.ts";
import type { RequestContext } from "../domain/context.ts";
import { GatewayError, toGatewayError } from "../domain/errors.ts";
import type { Bounds, ProviderInstance } from "../domain/instance.ts";
import type { Target } from "../domain/target.ts";
import type { Dialer, Incoming } from "../net/dial.ts";
import type { DecodeMemory, HttpReply, ModelPage, Provider, ProviderRequest } from "./provider.ts";
import { rateLimitHeaders } from "./rate-limits.ts";
import { createFinisher, lossNotices, type Served } from "./served.ts";
import { createSseParser } from "./sse.ts";
import { createWatchdog, type Watchdog } from "./watchdog.ts";

export interface SendParts {
  readonly dialer: Dialer;
  readonly clock: Clock;
  readonly bounds: Bounds;
  /** Configured instances by name. */
  readonly instances: ReadonlyMap<string, ProviderInstance>;
  /** The adapter of a provider kind. */
  providerOf(kind: string): Provider;
}

/** One attempt at one target. Every failure is a GatewayError that names the target. */
export interface Sender {
  /** The answer's frames, one array per network read. Leaving the loop aborts the call. */
  chat(target: Target, call: ChatCall, context: RequestContext): AsyncIterable<readonly Frame[]>;
  countTokens(target: Target, call: ChatCall, context: RequestContext): Promise<CountTokensResponse>;
  embed(target: Target, request: EmbedRequest, context: RequestContext): Promise<EmbedResponse>;
  /** One page of an instance's list of models. */
  models(instance: ProviderInstance, path: string, signal: AbortSignal): Promise<ModelPage>;
}

/** Error bodies are read up to this. Bytes. */
const maxErrorBytes = 64 * 1024;
/** Whole answers are read up to this: 2,048 vectors of 3,072 floats as JSON text are about 80 MB. Bytes. */
const maxAnswerBytes = 128 * 1024 * 1024;

export function createSender(parts: SendParts): Sender {
  const { dialer, clock, bounds } = parts;

  async function* chat(target: Target, call: ChatCall, context: RequestContext): AsyncIterable<readonly Frame[]> {
    const provider = parts.providerOf(target.provider);
    const attempt = begin(target, context);
    let outcome: "ok" | GatewayError = new GatewayError("canceled", "The answer is not read any further.");
    try {
      const request = provider.toRequest(call, target);
      const incoming = await exchange(provider, request, attempt);
      const finish = createFinisher(servedBy(target, incoming, context), call);
      const notices = lossNotices(request.losses);
      if (request.losses.length > 0) context.trail.note({ kind: "loss", losses: request.losses });
      if (notices.length > 0) yield notices;
      const batches = isEventStream(incoming)
        ? readStream(provider, incoming, request.memory, attempt.watchdog, bounds)
        : readWhole(provider, incoming, request.memory);
      for await (const frames of batches) yield finish(frames);
      outcome = "ok";
    } catch (thrown) {
      outcome = blame(thrown, target, attempt);
      throw outcome;
    } finally {
      end(attempt, outcome);
    }
  }

  /** A call whose answer is one JSON body. */
  async function single<T>(
    target: Target,
    context: RequestContext,
    toRequest: (provider: Provider) => ProviderRequest,
    read: (provider: Provider, reply: HttpReply, memory: DecodeMemory) => T,
  ): Promise<T> {
    const provider = parts.providerOf(target.provider);
    const attempt = begin(target, context);
    let outcome: "ok" | GatewayError = "ok";
    try {
      const request = toRequest(provider);
      if (request.losses.length > 0) context.trail.note({ kind: "loss", losses: request.losses });
      const incoming = await exchange(provider, request, attempt);
      const result = read(provider, await readReply(incoming, maxAnswerBytes), request.memory);
      return result;
    } catch (thrown) {
      outcome = blame(thrown, target, attempt);
      throw outcome;
    } finally {
      end(attempt, outcome);
    }
  }

  function begin(target: Target, context: RequestContext): Attempt {
    context.trail.note({ kind: "attempt", target, atMs: clock.nowMs() });
    const watchdog = createWatchdog(context.signal, clock);
    watchdog.allow("total", bounds.totalMs);
    return { target, context, watchdog, status: null, requestId: null };
  }

  function end({ target, context, watchdog, status, requestId }: Attempt, outcome: "ok" | GatewayError): void {
    watchdog.stop();
    context.trail.note({
      kind: "attempt_ended",
      target,
      atMs: clock.nowMs(),
      outcome: outcome === "ok" ? "ok" : outcome.code,
      ...(status === null ? {} : { upstreamStatus: status }),
      ...(requestId === null ? {} : { upstreamRequestId: requestId }),
    });
  }

  /** Sends a request and returns its good answer. @throws GatewayError by the provider's own reading of a bad one */
  async function exchange(provider: Provider, request: ProviderRequest, attempt: Attempt): Promise<Incoming> {
    const { target, context, watchdog } = attempt;
    const { stream } = request.memory;
    const instance = instanceOf(target.instance);
    // A unary answer's head comes only when the model is done, so that only the total bounds it.
    if (stream) {
      watchdog.allow("first_byte", bounds.firstByteMs);
      watchdog.allow("first_token", bounds.firstTokenMs);
    }
    context.trail.note({ kind: "sent", atMs: clock.nowMs() });
    const incoming = await dialer.open(outgoing(instance, provider, request), watchdog.signal);
    watchdog.forget("first_byte");
    attempt.status = incoming.status;
    attempt.requestId = incoming.headers["x-request-id"] ?? incoming.headers["request-id"] ?? null;
    context.trail.note({ kind: "rate_limit", headers: rateLimitHeaders(incoming.headers) });
    if (incoming.status >= 200 && incoming.status < 300) {
      context.trail.note({ kind: "answered", target, atMs: clock.nowMs(), model: target.model });
      return incoming;
    }
    throw provider.fromError(await readReply(incoming, maxErrorBytes, "cut"), request.memory);
  }

  function instanceOf(name: string): ProviderInstance {
    const instance = parts.instances.get(name);
    if (!instance) throw new GatewayError("internal", "A target names an instance that is not configured.");
    return instance;
  }

  function servedBy(target: Target, incoming: Incoming, context: RequestContext): Served {
    return {
      target,
      simulated: instanceOf(target.instance).simulated,
      upstreamRequestId: incoming.headers["x-request-id"] ?? incoming.headers["request-id"] ?? "",
      attempts: context.trail.count("attempt"),
    };
  }

  async function models(instance: ProviderInstance, path: string, signal: AbortSignal): Promise<ModelPage> {
    const provider = parts.providerOf(instance.provider);
    if (!provider.models) return { models: [], next: null };
    const memory: DecodeMemory = { target: listTarget(instance), stream: false };
    const request: ProviderRequest = { method: "GET", path, headers: {}, body: null, losses: [], memory };
    const incoming = await dialer.open(outgoing(instance, provider, request), signal);
    const reply = await readReply(incoming, maxAnswerBytes);
    if (reply.status !== 200) throw provider.fromError(reply, memory);
    return provider.models.fromResponse(reply);
  }

  return {
    chat,
    models,
    countTokens(target, call, context) {
      const counter = parts.providerOf(target.provider).countTokens;
      if (!counter) throw cannot(target, "count tokens");
      const toRequest = () => counter.toRequest(call, target);
      return single(target, context, toRequest, (_, reply, memory) => counter.fromResponse(reply, memory));
    },
    embed(target, request, context) {
      const embedder = parts.providerOf(target.provider).embeddings;
      if (!embedder) throw cannot(target, "make embeddings");
      const toRequest = () => embedder.toRequest(request, target);
      return single(target, context, toRequest, (_, reply, memory) => embedder.fromResponse(reply, memory));
    },
  };
}

interface Attempt {
  readonly target: Target;
  readonly context: RequestContext;
  readonly watchdog: Watchdog;
  status: number | null;
  requestId: string | null;
}

function outgoing(instance: ProviderInstance, provider: Provider, request: ProviderRequest) {
  const base = new URL(instance.baseUrl);
  const body = request.body === null ? {} : { "content-type": "application/json" };
  return {
    origin: base.origin,
    socketPath: instance.socketPath,
    method: request.method,
    path: (base.pathname === "/" ? "" : base.pathname) + request.path,
    headers: {
      ...body,
      "accept-encoding": "identity", // A compressed stream would come in lumps.
      "user-agent": "trunkline",
      ...instance.headers,
      ...request.headers,
      ...(instance.apiKey === null ? {} : provider.authHeaders(instance.apiKey.reveal())),
    },
    body: request.body,
  };
}

function isEventStream(incoming: Incoming): boolean {
  return (incoming.headers["content-type"] ?? "").toLowerCase().startsWith("text/event-stream");
}

async function* readStream(
  provider: Provider,
  incoming: Incoming,
  memory: DecodeMemory,
  watchdog: Watchdog,
  bounds: Bounds,
): AsyncIterable<readonly Frame[]> {
  const parser = createSseParser();
  const decoder = provider.createDecoder(memory);
  let waiting = true;
  watchdog.allow("idle", bounds.idleMs);
  for await (const chunks of incoming.body) {
    watchdog.allow("idle", bounds.idleMs);
    const frames: Frame[] = [];
    for (const chunk of chunks) {
      for (const event of parser.push(chunk)) if (!decoder.done) frames.push(...decoder.push(event));
    }
    if (waiting && frames.some(isContent)) {
      waiting = false;
      watchdog.forget("first_token");
    }
    // The answer is whole; what may still come is the end of the body, after which the connection can serve again.
    if (decoder.done) incoming.release();
    if (frames.length > 0) yield frames;
    if (decoder.done) return;
  }
  const last: Frame[] = [];
  for (const event of parser.end()) if (!decoder.done) last.push(...decoder.push(event));
  if (!decoder.done) last.push(...decoder.end());
  if (last.length > 0) yield last;
}

async function* readWhole(
  provider: Provider,
  incoming: Incoming,
  memory: DecodeMemory,
): AsyncIterable<readonly Frame[]> {
  yield provider.fromResponse(await readReply(incoming, maxAnswerBytes), memory);
}

async function readReply(
  incoming: Incoming,
  maxBytes: number,
  tooLong: "refuse" | "cut" = "refuse",
): Promise<HttpReply> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunks of incoming.body) {
    for (const chunk of chunks) {
      parts.push(chunk);
      bytes += chunk.length;
    }
    if (bytes <= maxBytes) continue;
    if (tooLong === "cut") break;
    throw new GatewayError("upstream_error", `The provider's answer is larger than ${maxBytes} bytes.`);
  }
  return { status: incoming.status, headers: incoming.headers, body: Buffer.concat(parts).toString("utf8") };
}

function blame(thrown: unknown, target: Target, attempt: Attempt): GatewayError {
  const error = toGatewayError(attempt.watchdog.signal.aborted ? attempt.watchdog.signal.reason : thrown);
  return error.with({
    provider: target.instance,
    model: target.model,
    ...(attempt.status === null || attempt.status < 300 ? {} : { upstreamStatus: attempt.status }),
    ...(attempt.requestId === null ? {} : { upstreamRequestId: attempt.requestId }),
  });
}

function cannot(target: Target, what: string): GatewayError {
  return new GatewayError("not_implemented", `The provider ${target.instance} cannot ${what}.`, { field: "model" });
}

function listTarget(instance: ProviderInstance): Target {
  const { name, provider, wire } = instance;
  return { name, instance: name, provider, model: "", wire, facts: {} };
}
