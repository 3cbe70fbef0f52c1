import { Code, ConnectError, createContextKey, type HandlerContext } from "@connectrpc/connect";
import { type Beginnings, type Begun, beginRequest } from "../../domain/begin.ts";
import type { Caller, Operation, RequestContext } from "../../domain/context.ts";
import { toGatewayError } from "../../domain/errors.ts";
import { trailHeaders } from "../../domain/trail-headers.ts";
import type { Gateway } from "../../gateway.ts";
import { logBug } from "../log-bug.ts";
import { arrivalKey } from "./arrival.ts";
import { Batches } from "./batches.ts";
import { toConnectError } from "./errors.ts";
import { LeanContext } from "./lean/context.ts";

/** Who asks, as the gate in front of every method found out. */
export const callerKey = createContextKey<Caller>({ name: "", id: "" }, { description: "caller" });

/** A method's work, within the life of one request. */
export interface Call {
  readonly caller: Caller;
  readonly context: RequestContext;
}

/** Begins requests for methods, and ends them: deadline, hang-up, headers and errors are the same for all. */
export class Calls {
  readonly #gateway: Pick<Gateway, "refused">;
  readonly #beginnings: Beginnings;

  constructor(gateway: Pick<Gateway, "refused">, beginnings: Beginnings) {
    this.#gateway = gateway;
    this.#beginnings = beginnings;
  }

  /** A method with one answer. The deadline is answered when it passes, whatever the work does. */
  async unary<T>(rpc: HandlerContext, operation: Operation, work: (call: Call) => Promise<T>): Promise<T> {
    const { begun, end } = this.#begin(rpc, operation);
    const { context } = begun;
    try {
      const result = await Promise.race([
        work({ caller: rpc.values.get(callerKey), context }),
        aborted(context.signal),
      ]);
      setFields(rpc, "header", context);
      return result;
    } catch (thrown) {
      setFields(rpc, "header", context);
      throw this.#failure(thrown, context, false);
    } finally {
      end();
    }
  }

  /** A method with a stream of answers, in lists. Headers go with the first, what is known later with the trailers. */
  stream<T>(rpc: HandlerContext, operation: Operation, work: (call: Call) => AsyncIterable<readonly T[]>): Batches<T> {
    return new Batches(this.#lists(rpc, operation, work));
  }

  async *#lists<T>(
    rpc: HandlerContext,
    operation: Operation,
    work: (call: Call) => AsyncIterable<readonly T[]>,
  ): AsyncIterable<readonly T[]> {
    const { begun, end } = this.#begin(rpc, operation);
    const { context } = begun;
    let outputStarted = false;
    try {
      for await (const messages of work({ caller: rpc.values.get(callerKey), context })) {
        if (!outputStarted) setFields(rpc, "header", context);
        outputStarted = true;
        yield messages;
      }
    } catch (thrown) {
      throw this.#failure(thrown, context, outputStarted);
    } finally {
      setFields(rpc, "trailer", context);
      end();
    }
  }

  #begin(rpc: HandlerContext, operation: Operation): { begun: Begun; end: () => void } {
    const arrival = rpc.values.get(arrivalKey);
    const traceparent = textOf(arrival?.head.header("traceparent"));
    const idempotencyKey = textOf(arrival?.head.header("idempotency-key"));
    const begun = beginRequest(this.#beginnings, {
      operation,
      protocol: arrival?.protocol ?? "connect",
      timeoutMs: rpc.timeoutMs() ?? null,
      ...(idempotencyKey !== undefined && { idempotencyKey }),
      ...(traceparent !== undefined && { traceparent }),
      ...(arrival !== null && { arrival }),
    });
    if (arrival !== null) begun.context.trail.note({ kind: "received", bodyBytes: arrival.bodyBytes });
    const onAbort = () => {
      const { reason } = rpc.signal;
      // The library's own deadline timer. Ours fires with it, and its reason says which bound was crossed.
      if (reason instanceof ConnectError && reason.code === Code.DeadlineExceeded) return;
      begun.hangUp();
    };
    if (rpc.signal.aborted) onAbort();
    else rpc.signal.addEventListener("abort", onAbort, { once: true });
    const end = () => {
      rpc.signal.removeEventListener("abort", onAbort);
      begun.close();
    };
    return { begun, end };
  }

  #failure(thrown: unknown, context: RequestContext, outputStarted: boolean): ConnectError {
    if (thrown instanceof ConnectError) return thrown;
    const error = toGatewayError(context.signal.aborted ? context.signal.reason : thrown);
    logBug(context.log, error);
    this.#gateway.refused(error, context);
    return toConnectError(error, context, outputStarted);
  }
}

/** What the stages decided, in the answer's head or behind it. */
function setFields(rpc: HandlerContext, where: "header" | "trailer", { requestId, trail }: RequestContext): void {
  const fields = { "trunkline-request-id": requestId, ...trailHeaders(trail) };
  // The standard's headers check and copy each name and value, which ours need not.
  if (rpc instanceof LeanContext) return void Object.assign(rpc[where], fields);
  const headers = where === "header" ? rpc.responseHeader : rpc.responseTrailer;
  for (const [name, value] of Object.entries(fields)) headers.set(name, value);
}

/** A header that came once. */
function textOf(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** Rejects when the signal aborts. Its rejection is always handled: it only ever stands in a race. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
