import type { Part, Proof } from "../../gen/trunkline/v1/message_pb.ts";
import { partOf } from "../domain/blank.ts";
import type { Frame } from "../domain/chat.ts";

/** What goes back with the calls of one message, in its order: reasoning that has a proof, and the calls themselves. */
export type Step =
  | { readonly kind: "reasoning"; readonly part: Part }
  | { readonly kind: "call"; readonly id: string; readonly proof: Proof | undefined };

/** Reasoning of one message beyond this is not remembered. Characters. */
const maxReasoningChars = 1024 * 1024;

/** Reads the reasoning and the calls of an answer out of its frames. Used for one answer. */
export class AnswerProofs {
  /** By choice, then by the number of the part. */
  readonly #choices = new Map<number, Map<number, Part>>();
  #chars = 0;
  #completed = false;

  take(frame: Frame): void {
    switch (frame.case) {
      case "partStarted": {
        const kind = frame.value.part?.kind;
        if (kind?.case !== "reasoning" && kind?.case !== "toolCall") return;
        const part = partOf(kind.case === "reasoning" ? { case: "reasoning", value: { ...kind.value } } : kind);
        if (frame.value.part?.proof) part.proof = frame.value.part.proof;
        this.#partsOf(frame.choice).set(frame.part, part);
        return;
      }
      case "reasoningDelta": {
        const part = this.#choices.get(frame.choice)?.get(frame.part);
        this.#chars += frame.value.length;
        if (part?.kind.case === "reasoning" && this.#chars <= maxReasoningChars) part.kind.value.text += frame.value;
        return;
      }
      case "partFinished": {
        const part = this.#choices.get(frame.choice)?.get(frame.part);
        if (part && frame.value.proof) part.proof = frame.value.proof;
        return;
      }
      case "completed":
        this.#completed = true;
        return;
      default:
    }
  }

  /** Of each message that calls tools and has proofs; none while the answer is not complete. */
  messages(): readonly (readonly Step[])[] {
    if (!this.#completed || this.#chars > maxReasoningChars) return [];
    return [...this.#choices.values()]
      .map((parts) => [...parts].sort(([one], [other]) => one - other).flatMap(([, part]) => stepOf(part)))
      .filter((steps) => steps.some(({ kind }) => kind === "call") && steps.some(hasProof));
  }

  #partsOf(choice: number): Map<number, Part> {
    let parts = this.#choices.get(choice);
    if (!parts) {
      parts = new Map();
      this.#choices.set(choice, parts);
    }
    return parts;
  }
}

/** Reasoning without a proof means nothing to whoever made it. */
function stepOf(part: Part): Step[] {
  if (part.kind.case === "toolCall") return [{ kind: "call", id: part.kind.value.id, proof: part.proof }];
  return part.proof ? [{ kind: "reasoning", part }] : [];
}

function hasProof(step: Step): boolean {
  return step.kind === "reasoning" || step.proof !== undefined;
}

/** What remembering steps costs. Bytes, roughly. */
export function sizeOf(steps: readonly Step[]): number {
  let bytes = 0;
  for (const step of steps) {
    bytes += 256 + (step.kind === "call" ? step.id.length + (step.proof?.data.length ?? 0) : 0);
    if (step.kind === "reasoning" && step.part.kind.case === "reasoning") {
      const { text, summary } = step.part.kind.value;
      bytes += 2 * text.length + 2 * summary.join("").length + (step.part.proof?.data.length ?? 0);
    }
  }
  return bytes;
}
