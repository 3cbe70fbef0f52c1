import { type Part, type Proof, type ToolCall, ToolCallKind } from "../../../gen/trunkline/v1/message_pb.ts";
import { type Finished, FinishReason, type PartFinished } from "../../../gen/trunkline/v1/stream_pb.ts";
import type { Frame } from "../../domain/chat.ts";
import {
  encodeAnnotation,
  encodeCallProof,
  encodeFinishReason,
  encodeImage,
  encodeLogprobs,
  encodeReasoningDetails,
  encodeToolCall,
  type ReasoningState,
} from "./encode-parts.ts";

/** What one chunk says about a choice. */
export interface Delta {
  readonly delta: Readonly<Record<string, unknown>>;
  readonly finishReason: string | null;
  readonly logprobs: Record<string, unknown> | null;
}

/** A frame that belongs to one choice. */
export type ChoiceFrame = Exclude<
  Frame,
  { case: "started" | "completed" | "usage" | "notice" | "heartbeat" | "moderation" }
>;

/** The stream of one choice: who has been told the role, which tool has which number, which proofs are still owed. */
export interface ChoiceEncoder {
  /** A call that ends in the frames that are encoded next: its proof can be told when it begins. */
  foresee(part: number, proof: Proof): void;
  /** Keeps what later frames depend on. Called for every frame, before `encode` where that is called. */
  note(frame: ChoiceFrame): void;
  /** A chunk of the provider's own was written: the role is told. */
  tellRole(): void;
  /** The chunks for one frame, in order. */
  encode(frame: ChoiceFrame): readonly Delta[];
}

export function createChoiceEncoder(legacyFunctions: boolean): ChoiceEncoder {
  return new Choice(legacyFunctions);
}

/** A call that is being streamed. */
interface OpenCall {
  readonly index: number;
  readonly custom: boolean;
  /** Whether its proof has been told. */
  proven: boolean;
}

class Choice implements ChoiceEncoder {
  readonly #legacyFunctions: boolean;
  /** Tool calls by part number. Their order is their index on the wire: dense from 0 (edge case 37). */
  #calls: Map<number, OpenCall> | null = null;
  /** Proofs of calls that have not been told yet, by part number. */
  #foreseen: Map<number, Proof> | null = null;
  // Most answers are text alone, and an empty map holds 184 bytes as long as its stream is open.
  #reasoning: Map<number, ReasoningState> | null = null;
  /** Pictures come in pieces, but a data URL is one text. */
  #images: Map<number, { mediaType: string; readonly pieces: Uint8Array[] }> | null = null;
  #roleTold = false;
  #refused = false;

  constructor(legacyFunctions: boolean) {
    this.#legacyFunctions = legacyFunctions;
  }

  foresee(part: number, proof: Proof): void {
    this.#foreseen ??= new Map();
    this.#foreseen.set(part, proof);
  }

  tellRole(): void {
    this.#roleTold = true;
  }

  note(frame: ChoiceFrame): void {
    switch (frame.case) {
      case "partStarted":
        if (frame.value.part) this.#open(frame.part, frame.value.part);
        return;
      case "reasoningDelta":
        this.#reasoningAt(frame.part).text += frame.value;
        return;
      case "refusalDelta":
        this.#refused = true;
        return;
      case "mediaDelta":
        this.#images?.get(frame.part)?.pieces.push(frame.value);
        return;
      case "partFinished":
        this.#finishPart(frame.part, frame.value);
    }
  }

  encode(frame: ChoiceFrame): readonly Delta[] {
    const deltas = this.#deltas(frame);
    const logprobs = encodeLogprobs(frame.logprobs ?? []);
    const finishReason = frame.case === "finished" ? this.#finishReason(frame.value) : null;
    if (deltas.length === 0 && (finishReason !== null || logprobs !== null)) deltas.push({});
    return deltas.map((delta, i) => ({
      delta: this.#withRole(delta),
      finishReason: i === deltas.length - 1 ? finishReason : null,
      logprobs: i === 0 ? logprobs : null,
    }));
  }

  #deltas(frame: ChoiceFrame): Record<string, unknown>[] {
    switch (frame.case) {
      case "textDelta":
        return [{ content: frame.value }];
      case "reasoningDelta":
        return [{ reasoning_content: frame.value }];
      case "refusalDelta":
        return [{ refusal: frame.value }];
      case "argumentsDelta":
        return this.#arguments(frame.part, frame.value);
      case "transcriptDelta":
        return [{ audio: { transcript: frame.value } }];
      case "mediaDelta":
        return this.#images?.has(frame.part) ? [] : [{ audio: { data: Buffer.from(frame.value).toString("base64") } }];
      case "annotation":
        return [{ annotations: [encodeAnnotation(frame.value)] }];
      case "partStarted":
        return frame.value.part ? this.#started(frame.part, frame.value.part) : [];
      case "partFinished":
        return this.#finishedPart(frame.part, frame.value);
      case "finished":
        return this.#last(frame.value);
    }
  }

  /** OpenAI's first chunk of a choice names the role, once (edge case 42). */
  #withRole(delta: Record<string, unknown>): Record<string, unknown> {
    if (this.#roleTold) return delta;
    this.#roleTold = true;
    return { role: "assistant", content: null, ...delta };
  }

  #open(number: number, part: Part): void {
    const { kind, proof, id } = part;
    switch (kind.case) {
      case "toolCall":
        this.#calls ??= new Map();
        this.#calls.set(number, {
          index: this.#calls.size,
          custom: kind.value.kind === ToolCallKind.CUSTOM,
          proven: false,
        });
        return;
      case "reasoning": {
        const { text, summary, redacted } = kind.value;
        this.#reasoning ??= new Map();
        this.#reasoning.set(number, { text, summary, redacted, proof, id });
        return;
      }
      case "refusal":
        this.#refused ||= kind.value.text !== "";
        return;
      case "image":
        this.#images ??= new Map();
        this.#images.set(number, { mediaType: kind.value.media?.mediaType ?? "", pieces: [] });
    }
  }

  #finishPart(number: number, end: PartFinished): void {
    const reasoning = this.#reasoning?.get(number);
    if (reasoning && end.proof) reasoning.proof = end.proof;
    const image = this.#images?.get(number);
    if (image && end.mediaType !== "") image.mediaType = end.mediaType;
  }

  #reasoningAt(number: number): ReasoningState {
    let state = this.#reasoning?.get(number);
    if (state === undefined) {
      state = { text: "", summary: [], redacted: false, proof: undefined, id: "" };
      this.#reasoning ??= new Map();
      this.#reasoning.set(number, state);
    }
    return state;
  }

  /** A part that begins: an opened call, or what the provider sent whole. */
  #started(number: number, part: Part): Record<string, unknown>[] {
    const { kind, annotations } = part;
    const cited = annotations.map((annotation) => ({ annotations: [encodeAnnotation(annotation)] }));
    switch (kind.case) {
      case "text":
        return kind.value === "" ? cited : [{ content: kind.value }, ...cited];
      case "reasoning": {
        const text = kind.value.text || kind.value.summary.join("\n");
        return text === "" ? [] : [{ reasoning_content: text }];
      }
      case "refusal":
        return kind.value.text === "" ? [] : [{ refusal: kind.value.text }];
      case "toolCall":
        return [this.#call(number, kind.value, part)];
      case "audio": {
        const { id, media, transcript } = kind.value;
        const data = media?.source.case === "data" ? Buffer.from(media.source.value).toString("base64") : undefined;
        return [{ audio: { id, data, transcript } }];
      }
      case "image":
        return kind.value.media?.source.case ? [{ images: [encodeImage(kind.value.media)] }] : [];
      default:
        return [];
    }
  }

  #call(number: number, call: ToolCall, part: Part): Record<string, unknown> {
    const known = this.#calls?.get(number);
    if (this.#legacyFunctions && !known?.custom) {
      return { function_call: { name: call.name, arguments: call.arguments } };
    }
    // Where Google's endpoint has it: Vercel's provider for compatible servers reads it in a call's first fragment only.
    const proof = part.proof ?? this.#foreseen?.get(number);
    if (known) known.proven = proof !== undefined;
    return { tool_calls: [{ index: known?.index ?? 0, ...encodeToolCall(call, proof) }] };
  }

  #arguments(number: number, text: string): Record<string, unknown>[] {
    const call = this.#calls?.get(number);
    if (!call) return [];
    if (call.custom) return [{ tool_calls: [{ index: call.index, custom: { input: text } }] }];
    if (this.#legacyFunctions) return [{ function_call: { arguments: text } }];
    return [{ tool_calls: [{ index: call.index, function: { arguments: text } }] }];
  }

  #finishedPart(number: number, end: PartFinished): Record<string, unknown>[] {
    const call = this.#calls?.get(number);
    if (call) {
      const proof = encodeCallProof(end.proof);
      if (call.proven || Object.keys(proof).length === 0) return [];
      // Types of OpenAI's let a fragment go without its function; Vercel's AI SDK and LangChain fail on one that does.
      const nothingMore = call.custom ? { custom: { input: "" } } : { function: { arguments: "" } };
      return [{ tool_calls: [{ index: call.index, ...nothingMore, ...proof }] }];
    }
    const image = this.#images?.get(number);
    if (image && image.pieces.length > 0) {
      const data = Buffer.concat(image.pieces);
      const media = { $typeName: "trunkline.v1.Media", source: { case: "data", value: data }, name: "" } as const;
      return [{ images: [encodeImage({ ...media, mediaType: image.mediaType })] }];
    }
    return end.expiresAt ? [{ audio: { expires_at: Number(end.expiresAt.seconds) } }] : [];
  }

  /**
   * What comes before a choice ends. Proofs are given once and whole: some clients join lists by `index`, others keep
   * only the last one they saw.
   */
  #last(end: Finished): Record<string, unknown>[] {
    const last: Record<string, unknown>[] = [];
    const details = encodeReasoningDetails([...(this.#reasoning?.values() ?? [])]);
    if (details) last.push({ reasoning_details: details });
    if (end.reason === FinishReason.REFUSAL && end.message !== "" && !this.#refused)
      last.push({ refusal: end.message });
    last.push({});
    return last;
  }

  #finishReason(end: Finished): string {
    return encodeFinishReason(end.reason, end.native, this.#legacyFunctions);
  }
}
