import { create } from "@bufbuild/protobuf";
import { type ChatResponse, type LossPolicy, RoutingOptionsSchema } from "../../../gen/trunkline/v1/chat_pb.ts";
import { type JsonBody, readJsonBody } from "../../dialects/json-body.ts";
import type { StreamEncoder } from "../../dialects/stream-encoder.ts";
import { type ChatCall, type Dialect, type Frame, isContent } from "../../domain/chat.ts";
import type { Caller } from "../../domain/context.ts";
import { type GatewayError, toGatewayError } from "../../domain/errors.ts";
import { createFold } from "../../domain/fold.ts";
import { logBug } from "../log-bug.ts";
import type { Exchange } from "./exchange.ts";

/** A request as a dialect has read it; a dialect adds what it must remember to answer it. */
export interface Parsed {
  readonly call: ChatCall;
}

/** What is asked beside the body. */
export interface Asked {
  readonly lossPolicy: LossPolicy;
  /** What the route's `/*` stood for. */
  readonly rest: string;
  /** One value of a header, by its lower-case name. */
  header(name: string): string | undefined;
}

/** What a wire format brings to the flow that all chats share. Everything in it is pure. */
export interface ChatDialect<P extends Parsed> {
  /** Whose answers go on untouched. */
  readonly name: Dialect;
  /** @throws GatewayError `invalid_value` with `param` in the dialect's own path */
  parse(body: JsonBody, asked: Asked): P;
  /** A whole answer, JSON. */
  encodeWhole(response: ChatResponse, parsed: P): string;
  createStreamEncoder(parsed: P, requestId: string): StreamEncoder;
  /** What breaks a silence: an event or a comment, blank line included. */
  readonly keepAlive: string;
  /** Content type of streams, where they are no event streams. */
  readonly streamType?: string;
  /** An error of a later stage, its field also in the dialect's words. */
  withParam(error: GatewayError, parsed: P): GatewayError;
}

/** The handler of a dialect's chat route. */
export function createChatHandler<P extends Parsed>(dialect: ChatDialect<P>) {
  return async (exchange: Exchange, caller: Caller): Promise<void> => {
    const parsed = await readChat(exchange, dialect);
    try {
      await (parsed.call.stream ? streamAnswer : wholeAnswer)(exchange, dialect, parsed, caller);
    } catch (thrown) {
      throw dialect.withParam(toGatewayError(thrown), parsed);
    }
  };
}

/** Reads a body in a dialect's words, with what the headers add to it. @throws GatewayError as `Exchange.readJson` and `parse` */
export async function readChat<P extends Parsed>(
  exchange: Exchange,
  dialect: Pick<ChatDialect<P>, "parse">,
): Promise<P> {
  const [lossPolicy, sessionId] = [exchange.lossPolicy(), exchange.sessionId()];
  const body = readJsonBody(await exchange.readJson());
  const parsed = dialect.parse(body, { lossPolicy, rest: exchange.rest, header: (name) => exchange.header(name) });
  if (sessionId !== undefined) parsed.call.request.routing = create(RoutingOptionsSchema, { sessionId });
  return parsed;
}

async function wholeAnswer<P extends Parsed>(
  exchange: Exchange,
  dialect: ChatDialect<P>,
  parsed: P,
  caller: Caller,
): Promise<void> {
  const { gateway, context } = exchange;
  const fold = createFold();
  for await (const frames of gateway.chat(parsed.call, caller, context)) fold.push(frames);
  exchange.answer(fold.whole(dialect.name) ?? dialect.encodeWhole(fold.response(context.requestId), parsed));
}

/**
 * Until the first content the answer is held back: a failure is then still an ordinary error response, and the head can
 * name who answers. A caller that is gone aborts `context.signal`, which ends the loop.
 */
async function streamAnswer<P extends Parsed>(
  exchange: Exchange,
  dialect: ChatDialect<P>,
  parsed: P,
  caller: Caller,
): Promise<void> {
  const { gateway, context } = exchange;
  const encoder = dialect.createStreamEncoder(parsed, context.requestId);
  const events = exchange.events(dialect.keepAlive, dialect.streamType);
  let held = "";
  let answering = false;
  try {
    for await (const frames of gateway.chat(parsed.call, caller, context)) {
      context.signal.throwIfAborted();
      held += encoder.push(frames);
      answering ||= frames.some(isAnswer);
      if (held === "" || !answering) continue;
      const drained = events.write(held);
      held = "";
      if (drained) await drained;
    }
    events.end(held);
  } catch (thrown) {
    if (!events.opened) throw thrown;
    const error = toGatewayError(thrown);
    logBug(context.log, error);
    events.end(held + encoder.error(error));
  } finally {
    events.stop();
  }
}

/** Content, or an end without any. */
function isAnswer(frame: Frame): boolean {
  return frame.case === "finished" || isContent(frame);
}
