import type { Message } from "@bufbuild/protobuf";
import { Code, ConnectError, type ConnectRouterOptions, type MethodImplSpec } from "@connectrpc/connect";
import type { Clock } from "../../../domain/clock.ts";
import { onGone } from "../../http.ts";
import type { Arrival } from "../arrival.ts";
import { Batches } from "../batches.ts";
import type { NodeRequest, NodeResponse } from "../node.ts";
import { envelopeHead, messageOf, type ReadBody, readBody } from "./body.ts";
import { type Codec, createCodec, type MessageWriter } from "./codec.ts";
import { LeanContext } from "./context.ts";
import { type LeanHead, readHead } from "./head.ts";
import { createOutlet, type Outlet } from "./outlet.ts";
import { createReply, type Reply } from "./reply.ts";

/** The library's options that are honoured here. With interceptors no call is simple. */
export type LeanOptions = Pick<ConnectRouterOptions, "jsonOptions" | "readMaxBytes" | "requestGate">;

export interface LeanParts {
  readonly options: LeanOptions;
  /** By the name of the message's type. */
  readonly writers: ReadonlyMap<string, MessageWriter>;
  readonly clock: Clock;
  /** Completes an error that says nothing but its code, and counts its request. */
  readonly refuse: (error: ConnectError, arrival: Arrival) => ConnectError;
}

/** A call as it came. */
export interface LeanCall {
  readonly req: NodeRequest;
  readonly res: NodeResponse;
  readonly arrival: Arrival;
  /** Answers with the library, which reads the body again. */
  readonly byLibrary: (body: ReadBody) => void;
}

/** Methods that take one message. */
export type LeanSpec = Extract<MethodImplSpec, { readonly kind: "unary" | "server_streaming" }>;

/** Answers a simple call; false when the call is not simple, and nothing of it has been read. */
export type LeanMethod = (call: LeanCall) => boolean;

/**
 * Answers the simple calls of one method without the library's pipeline of streams, at a third of its cost. What a call's
 * head does not prove simple, and bodies that are not exactly one readable message, go to the library: how it reads and
 * refuses them is right, and seldom asked for.
 */
export function createLeanMethod(spec: LeanSpec, parts: LeanParts): LeanMethod {
  const options = { jsonOptions: parts.options.jsonOptions, writers: parts.writers };
  const json = createCodec(spec.method, false, options);
  const binary = createCodec(spec.method, true, options);
  return (call) => {
    const head = readHead(call.req, spec.kind);
    if (head === null) return false;
    void new LeanAnswer({ spec, head, codec: head.binary ? binary : json, ...call, ...parts }).run();
    return true;
  };
}

/** Longest message where no option says. Bytes; what the library takes. */
const maxMessageBytes = 0xffff_ffff;
/** How long after its deadline a method may still say so itself. Milliseconds. */
const graceMs = 50;

interface LeanAnswerParts extends LeanCall, LeanParts {
  readonly spec: LeanSpec;
  readonly head: LeanHead;
  readonly codec: Codec;
}

/** The life of one simple call. Whatever its method does, it is answered once, and in time. */
class LeanAnswer {
  readonly #parts: LeanAnswerParts;
  readonly #context: LeanContext;
  readonly #outlet: Outlet;
  readonly #reply: Reply;
  readonly #unwatch: () => void;
  #over = false;
  #iterator: AsyncIterator<unknown> | null = null;
  #cancelTimer: (() => void) | null = null;

  constructor(parts: LeanAnswerParts) {
    const { req, res, head, options } = parts;
    this.#parts = parts;
    this.#context = new LeanContext(parts);
    this.#outlet = createOutlet(res);
    this.#reply = createReply({
      outlet: this.#outlet,
      head,
      context: this.#context,
      jsonOptions: options.jsonOptions,
    });
    this.#unwatch = onGone(req, res, () => this.#leave());
    this.#watchDeadline();
  }

  /** Never rejects. */
  async run(): Promise<void> {
    const { req, head, codec, spec, options, arrival, byLibrary } = this.#parts;
    try {
      // Before a byte of the body is read.
      const admitting = options.requestGate?.(this.#context);
      if (admitting !== undefined) await admitting;
      const body = await readBody(req, (options.readMaxBytes ?? maxMessageBytes) + (head.enveloped ? envelopeHead : 0));
      if (this.#over) return;
      const bytes = messageOf(body, head.enveloped);
      const message = bytes && codec.parse(bytes);
      if (message === null) {
        this.#close();
        return byLibrary(body);
      }
      arrival.bodyBytes = body.bytes;
      if (spec.kind === "unary") await this.#unary(spec, message);
      else await this.#stream(spec, message);
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  async #unary({ impl }: Extract<LeanSpec, { kind: "unary" }>, message: Message): Promise<void> {
    const result = await impl(message, this.#context);
    if (this.#over) return;
    this.#reply.whole((output) => this.#parts.codec.write(result, output));
    this.#close();
  }

  async #stream({ impl }: Extract<LeanSpec, { kind: "server_streaming" }>, message: Message): Promise<void> {
    const { codec } = this.#parts;
    const answer = impl(message, this.#context);
    const lists = answer instanceof Batches ? answer.lists : singly(answer);
    const iterator = lists[Symbol.asyncIterator]();
    this.#iterator = iterator;
    while (!this.#over) {
      const { done, value: list } = await iterator.next();
      if (this.#over) return;
      if (done) {
        this.#iterator = null;
        this.#reply.end();
        return this.#close();
      }
      if (list.length === 0) continue;
      const goOn = this.#reply.some(list.length, (at, output) => codec.write(list[at], output));
      // Asked again when its time is up, too: the method is to say so, behind what it has said.
      if (!goOn) await this.#outlet.drained(this.#context.signal);
    }
  }

  #fail(thrown: unknown): void {
    if (this.#over) return;
    const { arrival, refuse } = this.#parts;
    const error = thrown instanceof ConnectError ? thrown : internal(thrown);
    try {
      this.#reply.fail(error.details.length === 0 ? refuse(error, arrival) : error);
    } catch {
      this.#outlet.abandon();
    }
    this.#close(error);
  }

  /** The caller is gone: whatever is done for it ends, and nothing is written any more. */
  #leave(): void {
    if (this.#over) return;
    this.#close(new ConnectError("the caller went away", Code.Canceled));
  }

  /** A method that watches its signal answers by itself. One that does not is answered for. */
  #watchDeadline(): void {
    const { head, clock, arrival } = this.#parts;
    if (head.timeoutMs === null) return;
    const leftMs = arrival.startedMs + head.timeoutMs - clock.nowMs();
    this.#cancelTimer = clock.after(Math.max(0, leftMs), () => {
      const passed = new ConnectError("the operation timed out", Code.DeadlineExceeded);
      this.#context.abort(passed);
      this.#cancelTimer = clock.after(graceMs, () => this.#fail(passed));
    });
  }

  /** Lets go of all that the call holds. */
  #close(reason?: unknown): void {
    this.#over = true;
    this.#cancelTimer?.();
    this.#unwatch();
    this.#context.abort(reason);
    // Not awaited: it waits for the step that the method is in.
    this.#iterator?.return?.().catch(() => {});
  }
}

/** Messages as lists of one. Written out: a generator would keep `return` back until the next message has come. */
function singly<T>(messages: AsyncIterable<T>): AsyncIterable<readonly T[]> {
  return {
    [Symbol.asyncIterator]() {
      const iterator = messages[Symbol.asyncIterator]();
      return {
        async next() {
          const { done, value } = await iterator.next();
          return done ? { done, value: undefined } : { done: false, value: [value] };
        },
        async return() {
          await iterator.return?.();
          return { done: true, value: undefined };
        },
      };
    },
  };
}

function internal(cause: unknown): ConnectError {
  return new ConnectError("internal error", Code.Internal, undefined, undefined, cause);
}
