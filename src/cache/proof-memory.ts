import { type ChatMessage, type Part, type Proof, Role } from "../../gen/trunkline/v1/message_pb.ts";
import type { ChatCall, Frame } from "../domain/chat.ts";
import type { Clock } from "../domain/clock.ts";
import type { RequestContext } from "../domain/context.ts";
import { AnswerProofs, type Step, sizeOf } from "./answer-proofs.ts";

type Answer = AsyncIterable<readonly Frame[]>;

export interface ProofBounds {
  /** How long proofs are remembered. Milliseconds; 0 remembers none. */
  readonly ttlMs: number;
  /** The oldest go first. Bytes. */
  readonly maxBytes: number;
}

interface Remembered {
  readonly steps: readonly Step[];
  readonly bytes: number;
  readonly untilMs: number;
}

/**
 * Proofs of reasoning for callers whose client cannot carry them. Some models take a tool's result only together with the
 * proof of the reasoning that led to the call, and most chat clients drop what they do not know. What an answer with tool
 * calls proved is remembered by the id of its first call, for the caller who got it and for nobody else, and put back when
 * the call comes back bare. wire.md §17.2
 */
export class ProofMemory {
  readonly #clock: Clock;
  /** Oldest first. */
  readonly #remembered = new Map<string, Remembered>();
  #bounds: ProofBounds;
  #bytes = 0;

  constructor({ clock, ...bounds }: ProofBounds & { readonly clock: Clock }) {
    this.#clock = clock;
    this.#bounds = bounds;
  }

  limit(bounds: ProofBounds): void {
    this.#bounds = bounds;
    this.#tidy();
  }

  /** The answer as it is; what it proves is remembered when it is complete. Costs nothing where no tool can be called. */
  watch(answer: Answer, call: ChatCall, context: RequestContext): Answer {
    const callerId = callerOf(context);
    if (call.request.tools.length === 0 || this.#bounds.ttlMs === 0 || callerId === undefined) return answer;
    return this.#watched(answer, callerId);
  }

  /**
   * The call with the proofs that its caller left out.
   * @param takes whether the target reads a proof: one that it does not is left where it is
   */
  restored(call: ChatCall, context: RequestContext, takes: (proof: Proof) => boolean): ChatCall {
    const callerId = callerOf(context);
    if (this.#remembered.size === 0 || callerId === undefined) return call;
    this.#tidy();
    let changed = false;
    const messages = call.request.messages.map((message) => {
      const steps = this.#of(message, callerId);
      const useful = steps?.filter((step) => (step.kind === "call" ? true : takesProof(step.part.proof, takes)));
      if (!useful?.some((step) => step.kind === "reasoning" || takesProof(step.proof, takes))) return message;
      changed = true;
      return { ...message, parts: withProofs(message.parts, useful, takes) };
    });
    return changed ? { ...call, request: { ...call.request, messages } } : call;
  }

  async *#watched(answer: Answer, callerId: string): Answer {
    const proofs = new AnswerProofs();
    for await (const frames of answer) {
      for (const frame of frames) proofs.take(frame);
      yield frames;
    }
    for (const steps of proofs.messages()) this.#keep(callerId, steps);
  }

  #keep(callerId: string, steps: readonly Step[]): void {
    const first = steps.find((step) => step.kind === "call");
    if (first?.kind !== "call" || first.id === "") return;
    const key = keyOf(callerId, first.id);
    this.#forget(key);
    const bytes = sizeOf(steps) + key.length;
    if (bytes > this.#bounds.maxBytes) return;
    this.#remembered.set(key, { steps, bytes, untilMs: this.#clock.nowMs() + this.#bounds.ttlMs });
    this.#bytes += bytes;
    this.#tidy();
  }

  /** What is remembered of a message that calls tools and proves nothing. */
  #of({ role, parts }: ChatMessage, callerId: string): readonly Step[] | undefined {
    if (role !== Role.ASSISTANT || parts.some(({ proof }) => proof !== undefined)) return undefined;
    const first = parts.find(({ kind }) => kind.case === "toolCall");
    return first?.kind.case === "toolCall"
      ? this.#remembered.get(keyOf(callerId, first.kind.value.id))?.steps
      : undefined;
  }

  #forget(key: string): void {
    this.#bytes -= this.#remembered.get(key)?.bytes ?? 0;
    this.#remembered.delete(key);
  }

  /** Forgets what is too old, and the oldest while there is too much. */
  #tidy(): void {
    const nowMs = this.#clock.nowMs();
    for (const [key, { untilMs }] of this.#remembered) {
      if (untilMs > nowMs && this.#bytes <= this.#bounds.maxBytes && this.#bounds.ttlMs > 0) return;
      this.#forget(key);
    }
  }
}

/**
 * The parts of a message with what was remembered: reasoning before the first call comes first, other reasoning before the
 * call that it led to. Reasoning that the caller sent without a proof gives way to the same with one.
 */
function withProofs(parts: readonly Part[], steps: readonly Step[], takes: (proof: Proof) => boolean): Part[] {
  const before = new Map<string, Part[]>();
  const proofs = new Map<string, Proof>();
  const beginning: Part[] = [];
  let pending = beginning;
  for (const step of steps) {
    if (step.kind === "reasoning") pending.push(step.part);
    else {
      if (pending !== beginning) before.set(step.id, pending);
      if (step.proof && takes(step.proof)) proofs.set(step.id, step.proof);
      pending = [];
    }
  }
  const restoresReasoning = steps.some(({ kind }) => kind === "reasoning");
  const kept = restoresReasoning ? parts.filter(({ kind }) => kind.case !== "reasoning") : parts;
  const rest = kept.flatMap((part) => {
    if (part.kind.case !== "toolCall") return [part];
    const proof = proofs.get(part.kind.value.id);
    return [...(before.get(part.kind.value.id) ?? []), proof ? { ...part, proof } : part];
  });
  return [...beginning, ...rest];
}

function takesProof(proof: Proof | undefined, takes: (proof: Proof) => boolean): boolean {
  return proof !== undefined && takes(proof);
}

function callerOf({ trail }: RequestContext): string | undefined {
  return trail.last("admitted")?.caller.id;
}

function keyOf(callerId: string, callId: string): string {
  return `${callerId}\0${callId}`;
}
