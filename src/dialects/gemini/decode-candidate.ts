import type { Part, Proof } from "../../../gen/trunkline/v1/message_pb.ts";
import type { SafetyRating } from "../../../gen/trunkline/v1/usage_pb.ts";
import { blankFinished, partOf } from "../../domain/blank.ts";
import type { Frame } from "../../domain/chat.ts";
import { GatewayError } from "../../domain/errors.ts";
import type { JsonSlice } from "../json-slice.ts";
import { toProof } from "../openai-chat/proofs.ts";
import { type Fields, fieldsOf, isFields, listOf, textOf } from "../openai-chat/wire.ts";
import { AnswerText } from "./answer-text.ts";
import { type Cited, decodeCitations } from "./decode-citations.ts";
import { decodeLogprobs } from "./decode-logprobs.ts";
import { type PartHost, readPart, type Said } from "./decode-part.ts";
import { isMalfunction, toFinishReason, toSafetyRatings } from "./finish-reasons.ts";

/** A part that the next piece of the same kind goes on with. */
interface Growing {
  readonly kind: "text" | "reasoning" | "audio";
  readonly part: number;
  readonly mediaType: string;
}

/** Largest piece of media in one event of the contract. Bytes. */
const maxMediaPiece = 256 * 1024;

/** One candidate of an answer: its parts become frames, numbered as they appear. */
export class CandidateDecoder {
  readonly index: number;
  finished = false;
  readonly #host: PartHost;
  readonly #issuer: string;
  readonly #text = new AnswerText();
  /** Signatures of text parts. They are told last: citations may still come, and a closed part takes none. */
  readonly #signed: { readonly part: number; readonly proof: Proof }[] = [];
  /** Sources that support no stretch so far. */
  readonly #unplaced = new Map<string, Cited>();
  /** Sources that were told, and what they support. */
  readonly #told = new Set<string>();
  #growing: Growing | null = null;
  #parts = 0;
  #called = false;
  #ratings: SafetyRating[] = [];
  #frames: Frame[] = [];

  constructor(index: number, host: PartHost, issuer: string) {
    this.index = index;
    this.#host = host;
    this.#issuer = issuer;
  }

  /** Frames of one piece of the candidate, or of all of it. @throws GatewayError for a model that failed to answer */
  push(candidate: Fields, source: JsonSlice | undefined): Frame[] {
    // Behind the end come counts only; what else might come has no place any more.
    if (this.finished) return [];
    this.#frames = [];
    const { parts } = fieldsOf(candidate, "content");
    const slices = source?.member("content")?.member("parts");
    if (Array.isArray(parts)) {
      parts.forEach((part: unknown, i) => {
        if (isFields(part)) this.#part(part, slices?.element(i), i);
      });
    }
    this.#logprobs(fieldsOf(candidate, "logprobsResult"));
    const ratings = listOf(candidate, "safetyRatings");
    if (ratings.length > 0) this.#ratings = toSafetyRatings(ratings);
    this.#cite(candidate);
    this.#token(textOf(candidate, "continuationToken"));
    const native = textOf(candidate, "finishReason");
    if (native !== "" && native !== "FINISH_REASON_UNSPECIFIED")
      this.#finish(native, textOf(candidate, "finishMessage"));
    return this.#frames;
  }

  /** The prompt was blocked: this is all the answer there is. */
  block(feedback: Fields): Frame[] {
    this.#frames = [];
    this.#ratings = toSafetyRatings(listOf(feedback, "safetyRatings"));
    const native = textOf(feedback, "blockReason");
    // Whatever the reason is called, also by versions newer than this code, the prompt was not answered.
    this.#end(toFinishReason("SAFETY", false), native, textOf(feedback, "blockReasonMessage"));
    return this.#frames;
  }

  #part(fields: Fields, source: JsonSlice | undefined, wirePart: number): void {
    const signature = textOf(fields, "thoughtSignature");
    const proof = signature === "" ? undefined : toProof(this.#issuer, "signature", signature);
    const said = readPart(fields, source, this.#host);
    if (said === null || ("text" in said && said.text === "" && fields.thought !== true)) {
      if (proof) this.#bare(proof);
    } else if ("text" in said) this.#write(said, proof, wirePart);
    else this.#whole(said, proof);
  }

  /**
   * Text goes on in the part that is open. A signed piece is a part of its own, so that its signature goes back with
   * exactly what it came with.
   */
  #write({ kind, text }: Extract<Said, { text: string }>, proof: Proof | undefined, wirePart: number): void {
    if (text === "" && !proof) return;
    if (proof || this.#growing?.kind !== kind) this.#open(kind);
    const part = this.#growing?.part ?? 0;
    if (kind === "text") {
      this.#add("textDelta", text, part);
      this.#text.add(part, text, wirePart);
      if (proof) this.#signed.push({ part, proof });
      if (proof) this.#growing = null;
      return;
    }
    if (text !== "") this.#add("reasoningDelta", text, part);
    if (proof) this.#close(proof);
  }

  /** A signature on nothing: it has to go back, as a part without text. */
  #bare(proof: Proof): void {
    const hidden = { $typeName: "trunkline.v1.ReasoningPart", text: "", summary: [], redacted: true } as const;
    const part = this.#start(partOf({ case: "reasoning", value: { ...hidden, summary: [] } }));
    this.#finishPart(part, proof);
  }

  #whole(said: Exclude<Said, { text: string }>, proof: Proof | undefined): void {
    if (said.kind === "media" && said.part.kind.case === "audio" && !proof) return this.#audio(said);
    const part = this.#start(said.part);
    if (said.kind === "call") {
      this.#called = true;
      if (said.input !== "") this.#add("argumentsDelta", said.input, part);
    }
    if (said.kind === "media") this.#media(said.data, part);
    this.#finishPart(part, proof);
  }

  /** Speech is streamed in pieces, each a part of its own on the wire. */
  #audio({ part, mediaType, data }: Extract<Said, { kind: "media" }>): void {
    if (this.#growing?.kind !== "audio" || this.#growing.mediaType !== mediaType) {
      this.#growing = { kind: "audio", part: this.#start(part), mediaType };
    }
    this.#media(data, this.#growing.part);
  }

  #media(data: Uint8Array, part: number): void {
    for (let at = 0; at < data.length; at += maxMediaPiece) {
      this.#add("mediaDelta", data.subarray(at, at + maxMediaPiece), part);
    }
  }

  #open(kind: "text" | "reasoning"): void {
    if (kind === "reasoning") {
      const value = { $typeName: "trunkline.v1.ReasoningPart", text: "", summary: [], redacted: false } as const;
      const part = this.#start(partOf({ case: "reasoning", value: { ...value, summary: [] } }));
      this.#growing = { kind, part, mediaType: "" };
      return;
    }
    this.#close();
    this.#growing = { kind, part: this.#parts++, mediaType: "" };
  }

  /** Opens a part that is no text. */
  #start(opened: Part): number {
    this.#close();
    const part = this.#parts++;
    this.#add("partStarted", { $typeName: "trunkline.v1.PartStarted", part: opened }, part);
    return part;
  }

  /** Ends the growing part. Text stays open, for citations that come with the end. */
  #close(proof?: Proof): void {
    const growing = this.#growing;
    this.#growing = null;
    if (growing && growing.kind !== "text") this.#finishPart(growing.part, proof);
  }

  #finishPart(part: number, proof: Proof | undefined): void {
    const end = { $typeName: "trunkline.v1.PartFinished", status: "", mediaType: "" } as const;
    this.#add("partFinished", proof ? { ...end, proof } : { ...end }, part);
  }

  /** The tokens of a piece belong to what it wrote first. */
  #logprobs(result: Fields): void {
    const logprobs = decodeLogprobs(result);
    if (logprobs.length === 0) return;
    const at = this.#frames.findIndex((frame) => frame.case === "textDelta");
    const place = at >= 0 ? at : this.#frames.findIndex((frame) => frame.case.endsWith("Delta"));
    const frame = this.#frames[place];
    if (frame) this.#frames[place] = { ...frame, logprobs };
  }

  /**
   * Later events of a stream may repeat sources, and say only then what they support: each is told once, and those that
   * support nothing in particular at the end.
   */
  #cite(candidate: Fields): void {
    for (const cited of decodeCitations(candidate, this.#text)) {
      const { type, uri, title, fileId, start, end } = cited.annotation;
      const source = JSON.stringify([type, uri, title, fileId]);
      const place = `${source} ${start} ${end}`;
      if (start === undefined) this.#unplaced.set(source, cited);
      else if (!this.#told.has(place)) this.#add("annotation", cited.annotation, cited.part);
      if (start !== undefined) this.#told.add(place).add(source);
    }
  }

  /** A long turn was paused: with this token the same request goes on. */
  #token(token: string): void {
    if (token === "") return;
    const json = JSON.stringify({ continuationToken: token });
    const value = { provider: "gemini", type: "continuationToken", content: { case: "json", value: json } } as const;
    this.#finishPart(
      this.#start(partOf({ case: "opaque", value: { $typeName: "trunkline.v1.OpaquePart", ...value } })),
      undefined,
    );
  }

  #finish(native: string, message: string): void {
    if (isMalfunction(native)) {
      if (this.#parts === 0)
        throw new GatewayError("upstream_error", failure(native, message), { upstreamCode: native });
      const warning = { $typeName: "trunkline.v1.Notice", code: "provider_warning", field: "", detail: {} } as const;
      this.#add("notice", { ...warning, message: failure(native, message), detail: {} }, 0);
    }
    this.#end(toFinishReason(native, this.#called), native, message);
  }

  #end(reason: ReturnType<typeof toFinishReason>, native: string, message: string): void {
    this.#close();
    for (const [source, { part, annotation }] of this.#unplaced) {
      if (!this.#told.has(source)) this.#add("annotation", annotation, part);
    }
    for (const { part, proof } of this.#signed) this.#finishPart(part, proof);
    const value = blankFinished(reason, native.toWellFormed());
    value.message = message.toWellFormed();
    value.safetyRatings = this.#ratings;
    this.#add("finished", value, 0);
    this.finished = true;
  }

  #add<Case extends Frame["case"]>(
    frameCase: Case,
    value: Extract<Frame, { case: Case }>["value"],
    part: number,
  ): void {
    // One member of the union: its case and value belong together by the signature.
    this.#frames.push({ case: frameCase, value, choice: this.index, part } as Frame);
  }
}

function failure(native: string, message: string): string {
  const words = message === "" ? "" : `: ${message.toWellFormed().slice(0, maxMessageLength)}`;
  return `The model failed to write its answer (${native})${words}`;
}

const maxMessageLength = 500;
