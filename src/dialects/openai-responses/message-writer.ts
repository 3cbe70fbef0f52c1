import type { Part, Proof } from "../../../gen/trunkline/v1/message_pb.ts";
import type { TokenLogprob } from "../../../gen/trunkline/v1/usage_pb.ts";
import type { JsonMembers, JsonTree } from "../json-text.ts";
import { proofText } from "../openai-chat/proofs.ts";
import { proofCarrier } from "../wrapped-parts.ts";
import { toClientAnnotation } from "./encode-annotation.ts";
import { type ContentFrame, type ItemPlace, type ItemStatus, noteEnd, Writer } from "./item-writer.ts";
import { ownIssuer, proofFormats } from "./wire.ts";

/** One entry of a message's content. */
interface Content {
  readonly part: Part;
  readonly isRefusal: boolean;
  readonly logprobs: JsonTree[];
  text: string;
}

/** A message: text and refusals that stand together, each an entry of its content. */
export class MessageWriter extends Writer {
  readonly #contents = new Map<number, Content>();
  /** The provider's id of what the parts belong to; empty when there is none. */
  readonly #partId: string;

  constructor(place: ItemPlace, part: Part, number: number) {
    super(place);
    this.#partId = part.id;
    this.open({ id: place.id, type: "message", status: "in_progress", content: [], role: "assistant" });
    this.#begin(part, number);
  }

  /** Parts of one message have one id; without ids, what is said without a break is one message. */
  override adopt(part: Part, number: number): boolean {
    const isSaid = part.kind.case === "text" || part.kind.case === "refusal";
    if (!isSaid || part.id !== this.#partId) return false;
    // What proves a part travels behind its item, so that nothing may stand between.
    if ([...this.#contents.values()].some(({ part: { proof } }) => proof && !isPhase(proof))) return false;
    this.#begin(part, number);
    return true;
  }

  write(frame: ContentFrame): void {
    const entry = this.#entry(frame.part);
    if (entry === undefined) return;
    const [content, at] = entry;
    switch (frame.case) {
      case "textDelta":
      case "refusalDelta":
        return this.#say(content, at, frame.value, frame.logprobs);
      case "annotation": {
        content.part.annotations.push(frame.value);
        const index = content.part.annotations.length - 1;
        const members = { content_index: at, annotation_index: index, annotation: toClientAnnotation(frame.value) };
        return this.inside("output_text.annotation.added", members);
      }
      case "partFinished":
        return noteEnd(content.part, frame.value);
    }
  }

  protected finish(status: ItemStatus): JsonMembers {
    const contents = [...this.#contents.values()];
    let phase: string | undefined;
    for (const [at, content] of contents.entries()) {
      const { text, logprobs, isRefusal, part } = content;
      if (isRefusal) this.inside("refusal.done", { content_index: at, refusal: text });
      else this.inside("output_text.done", { content_index: at, text, logprobs });
      this.inside("content_part.done", { content_index: at, part: entryOf(content) });
      const { proof } = part;
      if (proof && isPhase(proof)) phase = proofText(proof);
      else if (proof) this.carried.push(proofCarrier(proof, ""));
    }
    const head = { id: this.id, type: "message", status, role: "assistant" };
    return { ...head, content: contents.map(entryOf), ...(phase !== undefined && { phase }) };
  }

  #begin(part: Part, number: number): void {
    const isRefusal = part.kind.case === "refusal";
    const content: Content = { part: { ...part, annotations: [] }, isRefusal, logprobs: [], text: "" };
    const at = this.#contents.size;
    this.#contents.set(number, content);
    this.inside("content_part.added", { content_index: at, part: entryOf(content) });
    const whole =
      part.kind.case === "text" ? part.kind.value : part.kind.case === "refusal" ? part.kind.value.text : "";
    this.#say(content, at, whole);
    for (const annotation of part.annotations)
      this.write({ case: "annotation", value: annotation, choice: 0, part: number });
  }

  #entry(number: number): readonly [Content, number] | undefined {
    const content = this.#contents.get(number);
    return content && [content, [...this.#contents.keys()].indexOf(number)];
  }

  #say(content: Content, at: number, delta: string, logprobs: readonly TokenLogprob[] = []): void {
    if (delta === "") return;
    content.text += delta;
    const told = logprobs.map(encodeLogprob);
    content.logprobs.push(...told);
    if (content.isRefusal) this.inside("refusal.delta", { content_index: at, delta });
    else this.inside("output_text.delta", { content_index: at, delta, logprobs: told });
  }
}

function isPhase({ issuer, format }: Proof): boolean {
  return issuer === ownIssuer && format === proofFormats.phase;
}

function entryOf({ isRefusal, text, part, logprobs }: Content): JsonMembers {
  if (isRefusal) return { type: "refusal", refusal: text };
  return { type: "output_text", annotations: part.annotations.map(toClientAnnotation), logprobs: [...logprobs], text };
}

function encodeLogprob(entry: TokenLogprob): JsonMembers {
  const token = ({ token, logprob, raw }: TokenLogprob) => ({ token, logprob, bytes: Array.from(raw) });
  return { ...token(entry), top_logprobs: entry.top.map(token) };
}
