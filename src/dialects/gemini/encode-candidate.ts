import type { Annotation, Media, Part } from "../../../gen/trunkline/v1/message_pb.ts";
import type { Finished, PartFinished } from "../../../gen/trunkline/v1/stream_pb.ts";
import { textPart } from "../../domain/blank.ts";
import type { Frame } from "../../domain/chat.ts";
import type { JsonMembers, JsonTree } from "../json-text.ts";
import { continuationOf, encodeAnswerPart, isObjectText } from "./encode-answer.ts";
import { type CitedText, encodeEnd, encodeGrounding } from "./encode-end.ts";
import { signatureOf } from "./proofs.ts";

/** One candidate of a stream: what its frames say, as contents of events. */
export class CandidateEncoder {
  /** Parts that can only be written when they are whole: calls, pictures, what other providers want back. */
  readonly #held = new Map<number, Part>();
  /** Content of such parts so far. */
  readonly #chunks = new Map<number, readonly Uint8Array[]>();
  /** Parts that are written piece by piece, as they began. */
  readonly #growing = new Map<number, Part>();
  /** Text that was written, by part, for citations: their places are counted in its bytes. */
  readonly #texts = new Map<number, string>();
  readonly #cited: { readonly part: number; readonly annotation: Annotation }[] = [];
  #called = false;
  #continuation: JsonTree | undefined;
  #end: Finished | null = null;
  /** Whether its end has been written, by whomever. */
  ended = false;

  /** Parts that a frame has written; usually one, often none. */
  push(frame: Frame): readonly JsonMembers[] {
    if (this.#held.size === 0 || !begins.has(frame.case) || this.#growing.has(frame.part)) return this.#take(frame);
    const isCall = frame.case === "partStarted" && frame.value.part?.kind.case === "toolCall";
    const before = [...this.#held].filter(([number, part]) => number < frame.part && isOver(part, isCall));
    return [...before.flatMap(([number]) => this.#write(number)), ...this.#take(frame)];
  }

  #take(frame: Frame): readonly JsonMembers[] {
    switch (frame.case) {
      case "textDelta":
      case "refusalDelta":
        this.#texts.set(frame.part, (this.#texts.get(frame.part) ?? "") + frame.value);
        return this.#say({ text: frame.value }, frame.value);
      case "reasoningDelta":
        return this.#say({ text: frame.value, thought: true }, frame.value);
      case "argumentsDelta": {
        const held = this.#held.get(frame.part);
        if (held?.kind.case === "toolCall") held.kind.value.arguments += frame.value;
        return [];
      }
      case "mediaDelta":
        return this.#media(frame.part, frame.value);
      case "partStarted":
        return frame.value.part ? this.#start({ ...frame.value.part }, frame.part) : [];
      case "partFinished":
        return this.#finish(frame.value, frame.part);
      case "annotation":
        this.#cited.push({ part: frame.part, annotation: frame.value });
        return [];
      case "finished":
        this.#end = frame.value;
        return [...this.#held.keys()].flatMap((part) => this.#write(part));
      default:
        return [];
    }
  }

  /** The candidate's last members; null when its end is not known, or was written. */
  end(): JsonMembers | null {
    if (this.#end === null || this.ended) return null;
    this.ended = true;
    const cited = this.#citations();
    return {
      ...encodeEnd(this.#end),
      ...(cited.length > 0 && { groundingMetadata: encodeGrounding(cited) }),
      ...(this.#continuation !== undefined && { continuationToken: this.#continuation }),
    };
  }

  #say(part: JsonMembers, text: string): readonly JsonMembers[] {
    return text === "" ? [] : [part];
  }

  #start(part: Part, number: number): readonly JsonMembers[] {
    const { kind } = part;
    switch (kind.case) {
      case "text":
      case "refusal":
      case "reasoning":
        this.#texts.set(number, kind.case === "text" ? kind.value : "");
        if (kind.case === "reasoning" && kind.value.redacted) break;
        this.#growing.set(number, part);
        return one(encodeAnswerPart(part, { firstCall: false }));
      case "audio":
        // Speech is streamed in pieces, each a part of its own.
        this.#growing.set(number, part);
        return kind.value.media ? piece(kind.value.media, bytesOf(kind.value.media)) : [];
      case "toolCall":
        // Later frames write into it.
        part.kind = { case: "toolCall", value: { ...kind.value } };
        break;
      default:
    }
    this.#held.set(number, part);
    return [];
  }

  #media(number: number, data: Uint8Array): readonly JsonMembers[] {
    const growing = this.#growing.get(number);
    if (growing?.kind.case === "audio" && growing.kind.value.media) return piece(growing.kind.value.media, data);
    this.#chunks.set(number, [...(this.#chunks.get(number) ?? []), data]);
    return [];
  }

  #finish({ proof, mediaType }: PartFinished, number: number): readonly JsonMembers[] {
    const held = this.#held.get(number);
    if (held) {
      if (proof) held.proof = proof;
      return this.#write(number, mediaType);
    }
    if (!proof) return [];
    // The proof stands behind what it proves, on a part without words of its own.
    const growing = this.#growing.get(number) ?? textPart("");
    const isThought = growing.kind.case === "reasoning";
    return [{ text: "", ...(isThought && { thought: true }), thoughtSignature: signatureOf({ ...growing, proof }) }];
  }

  #write(number: number, mediaType = ""): readonly JsonMembers[] {
    const part = this.#held.get(number);
    this.#held.delete(number);
    if (part === undefined) return [];
    this.#continuation ??= continuationOf(part);
    const firstCall = part.kind.case === "toolCall" && !this.#called;
    this.#called ||= firstCall;
    const media = mediaOf(part);
    const chunks = this.#chunks.get(number);
    this.#chunks.delete(number);
    if (media && (chunks || mediaType !== "")) {
      const data = Buffer.concat(chunks ? [bytesOf(media), ...chunks] : [bytesOf(media)]);
      return piece({ ...media, mediaType: mediaType || media.mediaType }, data, signatureOf(part));
    }
    return one(encodeAnswerPart(part, { firstCall }));
  }

  #citations(): readonly CitedText[] {
    const before = new Map<number, number>();
    let bytes = 0;
    for (const [part, text] of this.#texts) {
      before.set(part, bytes);
      bytes += Buffer.byteLength(text);
    }
    return this.#cited.map(({ part, annotation }) => ({
      annotation,
      text: this.#texts.get(part) ?? "",
      at: { bytesBefore: before.get(part) ?? 0 },
    }));
  }
}

/** Frames that can be a part's first. */
const begins: ReadonlySet<Frame["case"]> = new Set<Frame["case"]>([
  ...(["partStarted", "textDelta", "refusalDelta", "reasoningDelta"] as const),
]);

/** Whether a part has ended, though nobody said so, now that a later one begins. Only calls are mixed with each other. */
function isOver({ kind }: Part, callBegins: boolean): boolean {
  return kind.case !== "toolCall" || (!callBegins && isObjectText(kind.value.arguments || "{}"));
}

function one(part: JsonMembers | null): readonly JsonMembers[] {
  return part === null ? [] : [part];
}

function mediaOf({ kind }: Part): Media | undefined {
  return kind.case === "image" || kind.case === "video" || kind.case === "file" ? kind.value.media : undefined;
}

function bytesOf({ source }: Media): Uint8Array {
  return source.case === "data" ? source.value : new Uint8Array(0);
}

function piece({ mediaType }: Media, data: Uint8Array, thoughtSignature?: string): readonly JsonMembers[] {
  if (data.length === 0) return [];
  const octets = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("base64");
  return [{ inlineData: { mimeType: mediaType, data: octets }, thoughtSignature }];
}
