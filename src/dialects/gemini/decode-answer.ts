import type { Usage } from "../../../gen/trunkline/v1/usage_pb.ts";
import { blankCompleted, blankStarted } from "../../domain/blank.ts";
import { type Frame, withWire } from "../../domain/chat.ts";
import { GatewayError } from "../../domain/errors.ts";
import { toTimestamp } from "../../domain/timestamps.ts";
import { skipSpace } from "../json-scan.ts";
import { JsonSlice } from "../json-slice.ts";
import { type Fields, fieldsOf, isFields, listOf, textOf } from "../openai-chat/wire.ts";
import { parseUpstreamJson } from "../upstream-json.ts";
import { CandidateDecoder } from "./decode-candidate.ts";
import type { PartHost } from "./decode-part.ts";
import { decodeUsage } from "./decode-usage.ts";

/** What a decoder is told of its provider and of the request that is answered. */
export interface AnswerOptions {
  /** Reads an error object that came inside an answer, under HTTP 200. */
  failure(error: unknown): GatewayError;
  /** Who signs the thoughts. */
  readonly issuer: string;
  /** The model that was asked, for answers that do not name theirs. */
  readonly model: string;
  /** Names as the provider knows them → as the caller gave them, where they differ. */
  readonly toolNames?: ReadonlyMap<string, string>;
  /** The caller's tools that take free text. */
  readonly customTools?: ReadonlySet<string>;
  /** Calls in the conversation so far: makes ids for calls that have none. */
  readonly callsBefore?: number;
  /** Provider kind under which members that the contract does not know are kept; absent where nobody wants them. */
  readonly keepUnmapped?: string;
}

/** Ids that this gateway made for calls without one begin so; they are not sent back. */
export const madeCallId = "call_gemini_";

/** An answer of `generateContent`, whole or in pieces, on its way to frames. One vocabulary for both. */
export class GeminiAnswer implements PartHost {
  readonly #options: AnswerOptions;
  readonly #candidates = new Map<number, CandidateDecoder>();
  #started = false;
  #responseId = "";
  #usage: Usage | undefined;
  #searches = 0;
  #serviceTier = "";
  #warned = false;
  readonly #unmapped: Record<string, unknown> = {};
  #calls = 0;
  #repaired = false;
  done = false;

  constructor(options: AnswerOptions) {
    this.#options = options;
  }

  /** One event of a stream. @throws GatewayError when it is an error, `upstream_error` when it is not JSON */
  pushEvent(data: string): readonly Frame[] {
    if (data.trim() === "") return [];
    this.#repaired = false;
    const frames = this.#step(parse(data, "a stream event"), data);
    return this.#repaired ? frames : withWire(frames, "gemini", `data: ${data.replaceAll("\n", "\ndata: ")}\n\n`);
  }

  /** A whole answer; or, without `alt=sse`, the list of what its stream would have said. */
  pushWhole(body: string): readonly Frame[] {
    this.#repaired = false;
    const answer = parse(body, "an answer");
    const frames = this.#step(answer, body);
    if (!this.#started) throw new GatewayError("upstream_error", "The provider's answer has no candidates.");
    frames.push(...this.end());
    return this.#repaired || Array.isArray(answer) ? frames : withWire(frames, "gemini", body, true);
  }

  /** The bytes ended. @throws GatewayError `upstream_cut` when the answer did not */
  end(): readonly Frame[] {
    if (this.done) return [];
    const open = [...this.#candidates.values()].some(({ finished }) => !finished);
    if (open || this.#candidates.size === 0) {
      throw new GatewayError("upstream_cut", "The provider's answer ended before it was complete.");
    }
    this.done = true;
    return [this.#completed()];
  }

  nextCallId(): string {
    const { callsBefore = 0 } = this.#options;
    const answer = this.#responseId.replaceAll(/[^A-Za-z0-9]/g, "").slice(-maxIdChars);
    return `${madeCallId}${answer}_${callsBefore + this.#calls++}`;
  }

  toolName(name: string): string {
    return this.#options.toolNames?.get(name) ?? name;
  }

  isCustom(name: string): boolean {
    return this.#options.customTools?.has(name) ?? false;
  }

  repaired(): void {
    this.#repaired = true;
  }

  #step(said: unknown, text: string): Frame[] {
    if (Array.isArray(said)) return said.flatMap((one: unknown) => this.#step(one, JSON.stringify(one)));
    if (!isFields(said)) throw new GatewayError("upstream_error", "The provider sent an answer that is no object.");
    if (isFields(said.error)) throw this.#options.failure(said.error);
    const frames: Frame[] = [];
    const candidates = listOf(said, "candidates");
    const feedback = fieldsOf(said, "promptFeedback");
    const blocked = textOf(feedback, "blockReason") !== "";
    const says = candidates.length > 0 || blocked || isFields(said.usageMetadata);
    if (!this.#started && (says || textOf(said, "responseId") !== "")) {
      frames.push(this.#start(said));
    }
    // Where more than text is said it is read from the wire: parsing would lose integers above 2^53 and the order of keys.
    const source = candidates.some(saysMore) ? sliceOf(text) : undefined;
    candidates.forEach((candidate, i) => {
      frames.push(...this.#candidate(candidate).push(candidate, source?.member("candidates")?.element(i)));
      this.#noteSearches(candidate);
    });
    if (blocked && this.#candidates.size === 0) frames.push(...this.#candidate({}).block(feedback));
    if (isFields(said.usageMetadata)) frames.push(this.#count(said.usageMetadata));
    this.#warn(fieldsOf(said, "modelStatus"), frames);
    if (this.#options.keepUnmapped !== undefined) this.#keepUnmapped(said, candidates);
    return frames;
  }

  #start(said: Fields): Frame {
    this.#started = true;
    this.#responseId = textOf(said, "responseId").toWellFormed();
    const value = blankStarted(this.#responseId, textOf(said, "modelVersion").toWellFormed() || this.#options.model);
    const created = toTimestamp(Date.parse(textOf(said, "createTime")));
    if (created) value.created = created;
    return { case: "started", value, choice: 0, part: 0 };
  }

  #candidate({ index }: Fields): CandidateDecoder {
    // An index of 0 may be left out on the wire.
    const at = typeof index === "number" && Number.isInteger(index) && index >= 0 && index < maxChoices ? index : 0;
    let decoder = this.#candidates.get(at);
    if (!decoder) {
      decoder = new CandidateDecoder(at, this, this.#options.issuer);
      this.#candidates.set(at, decoder);
    }
    return decoder;
  }

  #count(metadata: Fields): Frame {
    this.#usage = decodeUsage(metadata);
    this.#serviceTier = textOf(metadata, "serviceTier") || textOf(metadata, "trafficType") || this.#serviceTier;
    this.#addSearches();
    return { case: "usage", value: this.#usage, choice: 0, part: 0 };
  }

  /** Searches are paid for one by one. */
  #noteSearches(candidate: Fields): void {
    const { webSearchQueries: queries } = fieldsOf(candidate, "groundingMetadata");
    if (Array.isArray(queries)) this.#searches = Math.max(this.#searches, queries.length);
  }

  #addSearches(): void {
    if (!this.#usage || this.#searches === 0) return;
    this.#usage.hostedToolUses = [
      { $typeName: "trunkline.v1.HostedToolUse", type: "web_search", count: this.#searches },
    ];
  }

  /** What the provider says of the model's end is for whoever asks it. */
  #warn(status: Fields, frames: Frame[]): void {
    const message = textOf(status, "message").toWellFormed();
    if (message === "" || this.#warned) return;
    this.#warned = true;
    const notice = { $typeName: "trunkline.v1.Notice", code: "provider_warning", field: "model", message } as const;
    frames.push({ case: "notice", value: { ...notice, detail: {} }, choice: 0, part: 0 });
  }

  #keepUnmapped(said: Fields, candidates: readonly Fields[]): void {
    for (const [name, value] of Object.entries(said)) {
      if (value !== null && !mapped.has(name)) this.#unmapped[name] = value;
    }
    for (const [name, value] of Object.entries(candidates[0] ?? {})) {
      if (value !== null && !mappedOfCandidate.has(name)) this.#unmapped[name] = value;
    }
  }

  #completed(): Frame {
    const { keepUnmapped: kind } = this.#options;
    const value = blankCompleted();
    value.serviceTier = this.#serviceTier;
    if (this.#usage) value.usage = this.#usage;
    if (kind !== undefined && Object.keys(this.#unmapped).length > 0) {
      value.providerData[kind] = JSON.stringify(this.#unmapped);
    }
    return { case: "completed", value, choice: 0, part: 0 };
  }
}

function parse(text: string, what: string): unknown {
  try {
    return parseUpstreamJson(text);
  } catch (cause) {
    throw new GatewayError("upstream_error", `The provider sent ${what} that is not JSON.`, {}, { cause });
  }
}

/** Whether a candidate holds parts that are no text. */
function saysMore(candidate: Fields): boolean {
  return listOf(fieldsOf(candidate, "content"), "parts").some((part) => typeof part.text !== "string");
}

function sliceOf(text: string): JsonSlice {
  return new JsonSlice(text, { start: skipSpace(text, 0), end: text.trimEnd().length });
}

/** Contract: choice_count is at most 128. */
const maxChoices = 128;
const maxIdChars = 24;

/** Members that become frames, or that mean nothing beyond their event. */
const mapped: ReadonlySet<string> = new Set([
  ...["candidates", "usageMetadata", "modelVersion", "responseId", "createTime"],
]);
/** Grounding is kept as well: citations hold its sources, not the searches and what Google wants shown with them. */
const mappedOfCandidate: ReadonlySet<string> = new Set([
  ...["content", "finishReason", "finishMessage", "index", "safetyRatings", "logprobsResult", "continuationToken"],
]);
