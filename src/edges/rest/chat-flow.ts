import { create } from "@bufbuild/protobuf";
import { type ChatResponse, type LossPolicy, RoutingOptionsSchema } from "../../../gen/trunkline/v1/chat_pb.ts";
import { type JsonBody, readJsonBody } from "../../dialects/json-body.ts";
import type { StreamEncoder } from "../../dialects/stream-encoder.ts";
import { type ChatCall, type Dialect, type Frame, isContent } from "../../domain/chat.ts";
import type { Caller } from "../../domain/context.ts";
import { type GatewayError, toGatewayError } from "../../domain/errors.ts";
import { createFold } from "../../domain/fold.ts";
import type { Answer } from "../../gateway.ts";
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
  /** How much of the body is what an earlier answer left; 0 where nothing is. */
  readonly inherited: number;
  /** One value of a header, by its lower-case name. */
  header(name: string): string | undefined;
}

/** What a wire format brings to the flow that all chats share. Everything in it is pure. */
export interface ChatDialect<P extends Parsed> {
  /** Whose answers go on untouched. */
  readonly name: Dialect;
  /** @throws GatewayError `invalid_value` with `param` in the dialect's own path */
  parse(body: JsonBody, asked: Asked): P;
  /** What a whole answer of this dialect's own needs before it goes on; nothing unless given. */
  finish?(answer: string, parsed: P): string;
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

/** What a dialect remembers from one request to the next. */
export interface ChatMemory<P extends Parsed> {
  /** The body with what it refers to in place of the references. @throws GatewayError for what is not kept */
  recall(body: JsonBody, caller: Caller): Promise<{ readonly body: JsonBody; readonly inherited: number }>;
  /** Told each good answer as the dialect wrote it, before its end reaches the caller. Never fails. */
  keep(answer: string, parsed: P, caller: Caller): Promise<void>;
}

/** What a dialect does otherwise than all others. */
export interface ChatWays<P extends Parsed> {
  readonly memory?: (exchange: Exchange) => ChatMemory<P>;
  /** Asks the gateway; unless given, for the parsed call. */
  readonly ask?: (parsed: P, exchange: Exchange, caller: Caller) => Answer;
}

/** The handler of a dialect's chat route. */
export function createChatHandler<P extends Parsed>(
  dialect: ChatDialect<P>,
  { memory: memoryOf = forgets, ask = askGateway }: ChatWays<P> = {},
) {
  return async (exchange: Exchange, caller: Caller): Promise<void> => {
    const memory = memoryOf(exchange);
    const parsed = await readChat(exchange, dialect, (body) => memory.recall(body, caller));
    const keep = (answer: string) => memory.keep(answer, parsed, caller);
    try {
      const answer = ask(parsed, exchange, caller);
      const asked = { exchange, dialect, parsed, answer, keep };
      await (parsed.call.stream ? streamAnswer(asked) : wholeAnswer(asked));
    } catch (thrown) {
      throw dialect.withParam(toGatewayError(thrown), parsed);
    }
  };
}

/** Reads a body in a dialect's words, with what the headers add to it. @throws GatewayError as `Exchange.readJson` and `parse` */
export async function readChat<P extends Parsed>(
  exchange: Exchange,
  dialect: Pick<ChatDialect<P>, "parse">,
  recall: (body: JsonBody) => ReturnType<ChatMemory<P>["recall"]> = forgetful.recall,
): Promise<P> {
  const [lossPolicy, sessionId] = [exchange.lossPolicy(), exchange.sessionId()];
  const { body, inherited } = await recall(readJsonBody(await exchange.readJson()));
  const header = (name: string) => exchange.header(name);
  const parsed = dialect.parse(body, { lossPolicy, rest: exchange.rest, inherited, header });
  if (sessionId !== undefined) parsed.call.request.routing = create(RoutingOptionsSchema, { sessionId });
  return parsed;
}

const forgetful = {
  recall: async (body: JsonBody) => ({ body, inherited: 0 }),
  keep: async () => {},
};

function forgets(): typeof forgetful {
  return forgetful;
}

function askGateway({ call }: Parsed, { gateway, context }: Exchange, caller: Caller): Answer {
  return gateway.chat(call, caller, context);
}

/** One request on its way to its answer. */
interface Answering<P extends Parsed> {
  readonly exchange: Exchange;
  readonly dialect: ChatDialect<P>;
  readonly parsed: P;
  readonly answer: Answer;
  readonly keep: (answer: string) => Promise<void>;
}

async function wholeAnswer<P extends Parsed>(asked: Answering<P>): Promise<void> {
  const { exchange, dialect, parsed, answer, keep } = asked;
  const { context } = exchange;
  const fold = createFold();
  for await (const frames of answer) fold.push(frames);
  const own = fold.whole(dialect.name);
  const finished = own !== null && dialect.finish ? dialect.finish(own, parsed) : own;
  const whole = finished ?? dialect.encodeWhole(fold.response(context.requestId), parsed);
  await keep(whole);
  exchange.answer(whole);
}

/**
 * Until the first content the answer is held back: a failure is then still an ordinary error response, and the head can
 * name who answers. A caller that is gone aborts `context.signal`, which ends the loop.
 */
async function streamAnswer<P extends Parsed>(asked: Answering<P>): Promise<void> {
  const { exchange, dialect, parsed, answer, keep } = asked;
  const { context } = exchange;
  const encoder = dialect.createStreamEncoder(parsed, context.requestId);
  const events = exchange.events(dialect.keepAlive, dialect.streamType);
  let held = "";
  let answering = false;
  let kept = false;
  try {
    for await (const frames of answer) {
      context.signal.throwIfAborted();
      held += encoder.push(frames);
      answering ||= frames.some(isAnswer);
      if (!kept && encoder.answer) {
        kept = true;
        await keep(encoder.answer);
      }
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
