import { create } from "@bufbuild/protobuf";
import {
  AnnotationSchema,
  AudioPartSchema,
  MediaSchema,
  type Part,
  PartSchema,
} from "../../../gen/trunkline/v1/message_pb.ts";
import { FinishReason, PartFinishedSchema } from "../../../gen/trunkline/v1/stream_pb.ts";
import { type SafetyRating, type TokenLogprob, TokenLogprobSchema } from "../../../gen/trunkline/v1/usage_pb.ts";
import { blankFinished, textPart } from "../../domain/blank.ts";
import type { Frame } from "../../domain/chat.ts";
import { toTimestamp } from "../../domain/timestamps.ts";
import { CallsDecoder } from "./decode-calls.ts";
import { DetailsDecoder } from "./decode-details.ts";
import { toProof } from "./proofs.ts";
import { countOf, type Fields, fieldsOf, isFields, listOf, textOf } from "./wire.ts";

/** How a server gives its reasoning otherwise than as text. */
interface ThoughtQuirks {
  readonly reasoningDetails?: boolean;
  readonly thinkingIssuer?: string;
}

/** The parts of one choice that grow by deltas, each opened once. */
type Growing = "text" | "reasoning" | "refusal" | "audio";

/** One choice of an answer: its deltas become frames, with parts numbered as they appear. */
export class ChoiceDecoder {
  readonly index: number;
  /** Whether the last delta had to be read against its letter: its wire text must not reach the caller. */
  repaired = false;
  finished = false;
  readonly #parts = new Map<Growing, number>();
  readonly #calls: CallsDecoder;
  readonly #details: DetailsDecoder | undefined;
  readonly #thinkingIssuer: string | undefined;
  /** Of the thought that is shown, where its provider signs it. */
  #signature = "";
  #nextPart = 0;
  #frames: Frame[] = [];
  #expiresAt: number | null = null;
  /** Of the provider's content filter, by category. */
  readonly #ratings = new Map<string, SafetyRating>();

  constructor(index: number, quirks: ThoughtQuirks | undefined, idPrefix: () => string) {
    this.index = index;
    if (quirks?.reasoningDetails) this.#details = new DetailsDecoder(index, () => this.#nextPart++);
    this.#thinkingIssuer = quirks?.thinkingIssuer;
    this.#calls = new CallsDecoder(index, () => this.#nextPart++, idPrefix);
  }

  /** Frames of one delta or of a whole message, and of the finish reason beside it. */
  push(delta: Fields, choice: Fields): Frame[] {
    this.#frames = [];
    this.repaired = false;
    if (this.finished) {
      // Spoken answers may tell after their end how long they are kept.
      this.repaired = Object.keys(delta).some((name) => name !== "audio");
      return [];
    }
    const logprobs = readLogprobs(choice.logprobs);
    this.#reasoning(delta);
    this.#content(delta.content, logprobs);
    this.#delta("refusal", textOf(delta, "refusal"), logprobs);
    this.#audio(delta.audio);
    this.#toolCalls(delta);
    for (const annotation of listOf(delta, "annotations")) this.#annotation(annotation);
    const reason = textOf(choice, "finish_reason");
    if (reason !== "") this.#finish(reason);
    else if (choice.finish_reason === "") this.repaired = true;
    return this.#frames;
  }

  /** What the content filter found of a piece of the answer; what it blocked once stays blocked. */
  rate(ratings: readonly SafetyRating[]): void {
    for (const rating of ratings) {
      const blocked = rating.blocked || this.#ratings.get(rating.category)?.blocked === true;
      this.#ratings.set(rating.category, { ...rating, blocked });
    }
  }

  /** The answer ended without a finish reason: what there is decides. */
  end(): Frame[] {
    this.#frames = [];
    if (!this.finished) this.#finish(this.#calls.any ? "tool_calls" : "stop");
    return this.#frames;
  }

  #reasoning(delta: Fields): void {
    const details = this.#details ? listOf(delta, "reasoning_details") : [];
    // The text beside details is theirs, once more.
    if (details.length > 0) {
      this.#frames.push(...(this.#details?.push(details) ?? []));
      return;
    }
    const [content, plain] = [textOf(delta, "reasoning_content"), textOf(delta, "reasoning")];
    // Some servers say the same under both names.
    if (content !== "" && plain !== "") this.repaired = true;
    this.#delta("reasoning", content || plain);
  }

  #content(content: unknown, logprobs: TokenLogprob[]): void {
    if (content === null || content === undefined) return this.#delta("text", "", logprobs);
    if (typeof content === "string") return this.#delta("text", content, logprobs);
    this.repaired = true;
    if (!Array.isArray(content))
      return this.#delta("text", typeof content === "number" ? String(content) : "", logprobs);
    for (const part of content.filter(isFields)) {
      if (part.type === "refusal") this.#delta("refusal", textOf(part, "refusal"));
      else if (part.type === "thinking") this.#thinking(part);
      else this.#delta("text", textOf(part, "text"));
    }
  }

  #thinking(part: Fields): void {
    for (const piece of listOf(part, "thinking")) this.#delta("reasoning", textOf(piece, "text"));
    this.#signature = textOf(part, "signature") || this.#signature;
  }

  #delta(growing: Exclude<Growing, "audio">, given: string, logprobs: TokenLogprob[] = []): void {
    if (given === "") return;
    const value = given.isWellFormed() ? given : given.toWellFormed();
    if (value !== given) this.repaired = true;
    const part = this.#part(growing);
    const of = logprobs.filter(({ kind }) => (kind === "refusal") === (growing === "refusal"));
    const place = { choice: this.index, part, ...(of.length > 0 ? { logprobs: of } : {}) };
    this.#frames.push({ case: deltaCases[growing], value, ...place });
  }

  /** The number of a growing part; kinds other than text are opened by an event of their own. */
  #part(growing: Growing): number {
    let part = this.#parts.get(growing);
    if (part !== undefined) return part;
    part = this.#nextPart++;
    this.#parts.set(growing, part);
    if (growing === "text") return part;
    const value = create(PartSchema, { kind: { case: growing, value: {} } });
    this.#push("partStarted", { $typeName: "trunkline.v1.PartStarted", part: value as Part }, part);
    return part;
  }

  #audio(audio: unknown): void {
    if (!isFields(audio)) return;
    if (!this.#parts.has("audio")) {
      const part = this.#nextPart++;
      this.#parts.set("audio", part);
      const id = textOf(audio, "id");
      const media = create(MediaSchema, { source: { case: "data", value: new Uint8Array(0) } });
      const value = create(AudioPartSchema, { media, ...(id === "" ? {} : { id }) });
      const opened = create(PartSchema, { kind: { case: "audio", value } });
      this.#push("partStarted", { $typeName: "trunkline.v1.PartStarted", part: opened }, part);
    }
    const part = this.#part("audio");
    const [data, transcript] = [textOf(audio, "data"), textOf(audio, "transcript")];
    if (data !== "") this.#push("mediaDelta", Buffer.from(data, "base64"), part);
    if (transcript !== "") this.#push("transcriptDelta", transcript, part);
    if (typeof audio.expires_at === "number") this.#expiresAt = audio.expires_at;
  }

  #toolCalls(delta: Fields): void {
    const calls = [...listOf(delta, "tool_calls")];
    const legacy = fieldsOf(delta, "function_call");
    const said = textOf(legacy, "name") !== "" || textOf(legacy, "arguments") !== "";
    // Deprecated clients read `function_call` itself; an empty one beside real calls is a stub.
    if (said) calls.push({ index: 0, function: legacy });
    else if (isFields(delta.function_call)) this.repaired = true;
    if (calls.length === 0) return;
    const { frames, repaired } = this.#calls.push(calls);
    this.#frames.push(...frames);
    if (repaired && !said) this.repaired = true;
  }

  #annotation(annotation: Fields): void {
    const citation = fieldsOf(annotation, "url_citation");
    const [start, end] = [countOf(citation, "start_index"), countOf(citation, "end_index")];
    const value = create(AnnotationSchema, {
      type: textOf(annotation, "type"),
      uri: textOf(citation, "url"),
      title: textOf(citation, "title"),
      ...(start === undefined ? {} : { start }),
      ...(end === undefined ? {} : { end }),
    });
    this.#push("annotation", value, this.#cited());
  }

  /** The part that citations belong to. They do not open it: where they come before its text, it begins empty. */
  #cited(): number {
    const isNew = !this.#parts.has("text");
    const part = this.#part("text");
    if (isNew) this.#push("partStarted", { $typeName: "trunkline.v1.PartStarted", part: textPart("") }, part);
    return part;
  }

  #finish(native: string): void {
    this.finished = true;
    let reason = reasons.get(native) ?? FinishReason.UNSPECIFIED;
    if (reason === FinishReason.STOP && this.#calls.any) reason = FinishReason.TOOL_CALLS;
    else if (reason === FinishReason.STOP && this.#parts.has("refusal")) reason = FinishReason.REFUSAL;
    if (!exactReasons.has(native) || (native === "stop" && reason === FinishReason.TOOL_CALLS)) this.repaired = true;
    this.#frames.push(...this.#closeParts(), ...this.#calls.finish());
    this.#push("finished", { ...blankFinished(reason, native), safetyRatings: [...this.#ratings.values()] }, 0);
  }

  #closeParts(): Frame[] {
    return [...(this.#details?.finish() ?? []), ...this.#closeThought(), ...this.#closeAudio()];
  }

  #closeThought(): Frame[] {
    const part = this.#parts.get("reasoning");
    if (part === undefined || this.#signature === "" || this.#thinkingIssuer === undefined) return [];
    const value = create(PartFinishedSchema, { proof: toProof(this.#thinkingIssuer, "signature", this.#signature) });
    return [{ case: "partFinished", value, choice: this.index, part }];
  }

  #closeAudio(): Frame[] {
    const part = this.#parts.get("audio");
    if (part === undefined) return [];
    const expiresAt = this.#expiresAt === null ? undefined : toTimestamp(Math.trunc(this.#expiresAt) * 1000);
    const value = create(PartFinishedSchema, expiresAt && { expiresAt });
    return [{ case: "partFinished", value, choice: this.index, part }];
  }

  #push<C extends Frame["case"]>(name: C, value: Extract<Frame, { case: C }>["value"], part: number): void {
    // Case and value belong together by the signature; TypeScript does not join them back into the union.
    this.#frames.push({ case: name, value, choice: this.index, part } as Frame);
  }
}

const deltaCases = { text: "textDelta", reasoning: "reasoningDelta", refusal: "refusalDelta" } as const;

/** OpenAI's own reasons, and the words that compatible servers use for them. */
const reasons: ReadonlyMap<string, FinishReason> = new Map([
  ["stop", FinishReason.STOP],
  ["length", FinishReason.LENGTH],
  ["tool_calls", FinishReason.TOOL_CALLS],
  ["function_call", FinishReason.TOOL_CALLS],
  ["content_filter", FinishReason.CONTENT_FILTER],
  ["eos", FinishReason.STOP],
  ["end_turn", FinishReason.STOP],
  ["stop_sequence", FinishReason.STOP],
  ["max_tokens", FinishReason.LENGTH],
  ["model_length", FinishReason.LENGTH],
]);
const exactReasons: ReadonlySet<string> = new Set(["stop", "length", "tool_calls", "function_call", "content_filter"]);

function readLogprobs(logprobs: unknown): TokenLogprob[] {
  if (!isFields(logprobs)) return [];
  const of = (kind: "content" | "refusal") =>
    listOf(logprobs, kind).map((entry) =>
      create(TokenLogprobSchema, {
        ...readLogprob(entry),
        kind,
        top: listOf(entry, "top_logprobs").map((top) => create(TokenLogprobSchema, readLogprob(top))),
      }),
    );
  return [...of("content"), ...of("refusal")];
}

function readLogprob(entry: Fields) {
  const { logprob, bytes } = entry;
  return {
    token: textOf(entry, "token"),
    logprob: typeof logprob === "number" ? logprob : 0,
    raw: Array.isArray(bytes) ? Uint8Array.from(bytes) : new Uint8Array(0),
  };
}
