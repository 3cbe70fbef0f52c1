import type { ModerationResult, Usage } from "../../../gen/trunkline/v1/usage_pb.ts";
import { blankCompleted, blankStarted } from "../../domain/blank.ts";
import { type Frame, type Wire, withWire } from "../../domain/chat.ts";
import { GatewayError } from "../../domain/errors.ts";
import { toTimestamp } from "../../domain/timestamps.ts";
import { EventTemplate } from "../event-template.ts";
import { parseUpstreamJson } from "../upstream-json.ts";
import { ChoiceDecoder } from "./decode-choice.ts";
import { FilterDecoder } from "./decode-filter-events.ts";
import { decodeModeration } from "./decode-moderation.ts";
import { decodeUsage, type UsageQuirks } from "./decode-usage.ts";
import { type Fields, fieldsOf, isFields, listOf, parseObject, textOf } from "./wire.ts";

/** What a server's answers have otherwise than OpenAI's. */
export interface AnswerQuirks {
  readonly usage?: UsageQuirks;
  /** The member that holds the server's own facts, among them `usage` and `error` of a stream. */
  readonly ownFacts?: string;
  /** Finish reasons that say that the server failed, and the HTTP status that each amounts to. */
  readonly failures?: Readonly<Record<string, number>>;
  /** Addresses that the answer is based on come as a list `citations` beside the choices. */
  readonly citations?: boolean;
  /** Reasoning may come as `reasoning_details`, with proofs. */
  readonly reasoningDetails?: boolean;
  /** Who issues the signatures of parts of type `thinking`. */
  readonly thinkingIssuer?: string;
  /** What a content filter found of prompt and answer is told beside the choices, as Azure's does. */
  readonly contentFilter?: boolean;
}

/** What a decoder is told of its provider. */
export interface AnswerOptions {
  /** Reads an error object that came inside an answer, under HTTP 200. */
  failure(error: unknown): GatewayError;
  /** Provider kind under which members that the contract does not know are kept; absent where nobody wants them. */
  readonly keepUnmapped?: string;
  readonly quirks?: AnswerQuirks;
}

/** A chat completion, whole or in chunks, on its way to frames. One vocabulary for both. */
export class AnswerDecoder {
  readonly #options: AnswerOptions;
  readonly #choices = new Map<number, ChoiceDecoder>();
  #id = "";
  #started = false;
  #usage: Usage | undefined;
  #serviceTier = "";
  readonly #moderation: ModerationResult[] = [];
  readonly #filter: FilterDecoder | undefined;
  readonly #unmapped: Record<string, unknown> = {};
  /** Padding against those who measure lengths is random, and nothing else. */
  readonly #template = new EventTemplate("content", "obfuscation");
  /** Where the text of the event that the template was learned from went. */
  #pattern: Pick<Frame, "choice" | "part"> = { choice: 0, part: 0 };
  done = false;

  constructor(options: AnswerOptions) {
    this.#options = options;
    if (options.quirks?.contentFilter) this.#filter = new FilterDecoder();
  }

  /** @throws GatewayError when the event is an error, `upstream_error` when it is not JSON */
  pushChunk(data: string): readonly Frame[] {
    const text = this.#template.match(data);
    if (text !== null && text !== "") return [this.#repeated(text, data)];
    this.#template.forget();
    if (data.trim() === "[DONE]") return this.#complete(`data: ${data}\n\n`);
    const chunk = parseObject(data, "a stream event");
    const { frames, repaired } = this.#step(chunk, "delta");
    if (repaired) return frames;
    const [frame] = frames;
    if (frames.length === 1 && frame?.case === "textDelta" && !frame.logprobs && !data.includes("\n")) {
      this.#pattern = frame;
      this.#template.learn(data);
    }
    return withWire(frames, "openai-chat", `data: ${data.replaceAll("\n", "\ndata: ")}\n\n`);
  }

  /**
   * An event that its name calls an error, whatever is in it.
   * @throws GatewayError always
   */
  pushFailure(data: string): never {
    let said: unknown = data;
    try {
      said = parseUpstreamJson(data);
    } catch {
      // Words alone.
    }
    throw this.#options.failure((isFields(said) ? said.error : null) ?? said);
  }

  /** The frame of an event that differs from the one before in nothing but its text. */
  #repeated(value: string, data: string): Frame {
    const { choice, part } = this.#pattern;
    const wire: Wire = { dialect: "openai-chat", text: `data: ${data}\n\n`, frames: 1, whole: false };
    return { case: "textDelta", value, choice, part, wire };
  }

  /** A whole answer. */
  pushWhole(body: string): readonly Frame[] {
    const answer = parseObject(body, "an answer");
    if (!Array.isArray(answer.choices) && answer.error === undefined) {
      throw new GatewayError("upstream_error", "The provider's answer has no choices.");
    }
    const { frames, repaired } = this.#step(answer, "message");
    this.#checkAnswered();
    const ends = this.#unfinished();
    const whole = [...frames, ...ends, this.#completed()];
    // An answer without usage is completed by an estimate, which its own text does not have.
    return repaired || ends.length > 0 ? whole : withWire(whole, "openai-chat", body, true);
  }

  /** The bytes ended. @throws GatewayError `upstream_cut` when the answer did not */
  end(): readonly Frame[] {
    if (this.done) return [];
    const open = [...this.#choices.values()].some(({ finished }) => !finished);
    if (open || this.#choices.size === 0) {
      throw new GatewayError("upstream_cut", "The provider's stream ended before its answer was complete.");
    }
    return this.#complete(null);
  }

  #step(chunk: Fields, member: "delta" | "message"): { frames: Frame[]; repaired: boolean } {
    const { quirks = {} } = this.#options;
    const ownFacts = quirks.ownFacts === undefined ? noFields : fieldsOf(chunk, quirks.ownFacts);
    const failure = failureIn(chunk) ?? ownFacts.error ?? null;
    if (failure !== null) throw this.#options.failure(failure);
    const frames: Frame[] = [];
    const choices = listOf(chunk, "choices");
    const says = choices.length > 0 || isFields(chunk.usage) || isFields(ownFacts.usage) || isFields(chunk.moderation);
    if (!this.#started && (says || textOf(chunk, "id") !== "")) frames.push(this.#start(chunk));
    if (this.#filter) frames.push(...this.#moderated(this.#filter.prompt(chunk, this.#started)));
    let repaired = choices.length > 0 && (textOf(chunk, "id") === "" || typeof chunk.object !== "string");
    for (const choice of choices) {
      this.#checkFinish(choice);
      if (this.#filter) frames.push(...this.#moderated(this.#filter.answer(choice, this.#choices)));
      if (!isFields(choice[member]) && textOf(choice, "finish_reason") === "") {
        repaired = true; // Azure's filter results: clients reach into the delta that is not there.
        if (typeof choice.index === "number") this.#filter?.rate(choice, this.#choices.get(choice.index));
        continue;
      }
      const decoder = this.#choice(choice);
      const delta = fieldsOf(choice, member);
      this.#filter?.rate(choice, decoder);
      frames.push(...decoder.push(quirks.citations ? withCitations(delta, chunk, choice) : delta, choice));
      if (decoder.repaired || typeof choice.index !== "number") repaired = true;
    }
    const usage = isFields(chunk.usage) ? chunk.usage : ownFacts.usage;
    if (isFields(usage)) {
      this.#usage = decodeUsage(usage, quirks.usage);
      // A client would add up what stands there.
      if (quirks.usage?.countsApart && this.#usage.outputTokens !== usage.completion_tokens) repaired = true;
      frames.push({ case: "usage", value: this.#usage, choice: 0, part: 0 });
    }
    if (isFields(chunk.moderation)) frames.push(...this.#moderated(decodeModeration(chunk.moderation)));
    this.#serviceTier = textOf(chunk, "service_tier") || this.#serviceTier;
    if (this.#options.keepUnmapped !== undefined) this.#keepUnmapped(chunk);
    return { frames, repaired };
  }

  /** @throws GatewayError for a choice that ended because the server failed */
  #checkFinish(choice: Fields): void {
    const reason = textOf(choice, "finish_reason");
    const status = this.#options.quirks?.failures?.[reason];
    if (status !== undefined) {
      throw this.#options.failure({ type: reason, code: status, message: `The answer ended with ${reason}.` });
    }
    if (reason === "error") throw this.#options.failure(choice.error ?? "The answer failed.");
  }

  #start(chunk: Fields): Frame {
    this.#started = true;
    this.#id = textOf(chunk, "id");
    const value = blankStarted(this.#id, textOf(chunk, "model"));
    const created = typeof chunk.created === "number" ? toTimestamp(Math.trunc(chunk.created) * 1000) : undefined;
    if (created) value.created = created;
    return { case: "started", value, choice: 0, part: 0 };
  }

  #choice({ index }: Fields): ChoiceDecoder {
    const at = typeof index === "number" && Number.isInteger(index) && index >= 0 && index < maxChoices ? index : 0;
    let decoder = this.#choices.get(at);
    if (!decoder) {
      // Ids for calls without one: told apart between answers by the answer's own id.
      const { quirks } = this.#options;
      decoder = new ChoiceDecoder(
        at,
        quirks,
        () => `call_${this.#id.replaceAll(/[^A-Za-z0-9]/g, "").slice(-maxIdChars)}`,
      );
      this.#choices.set(at, decoder);
    }
    return decoder;
  }

  /** Notes what an answer's last frame repeats. */
  #moderated(frames: readonly Frame[]): readonly Frame[] {
    for (const frame of frames) if (frame.case === "moderation") this.#moderation.push(frame.value);
    return frames;
  }

  #keepUnmapped(chunk: Fields): void {
    for (const [name, value] of Object.entries(chunk)) {
      if (value !== null && !mapped.has(name)) this.#unmapped[name] = value;
    }
  }

  /** @param text the sentinel as it came; null when the bytes just ended */
  #complete(text: string | null): readonly Frame[] {
    this.#checkAnswered();
    this.done = true;
    const ends = this.#unfinished();
    const frames = [...ends, this.#completed()];
    return text === null || ends.length > 0 ? frames : withWire(frames, "openai-chat", text);
  }

  /** @throws GatewayError when the provider came to an end without an answer */
  #checkAnswered(): void {
    if (this.#choices.size === 0) throw new GatewayError("upstream_error", "The provider's answer has no choices.");
  }

  /** Choices that the provider left without a finish reason before its sentinel. */
  #unfinished(): Frame[] {
    return [...this.#choices.values()].flatMap((choice) => choice.end());
  }

  #completed(): Frame {
    const kind = this.#options.keepUnmapped;
    const value = blankCompleted();
    value.serviceTier = this.#serviceTier;
    value.moderation = this.#moderation;
    if (this.#usage) value.usage = this.#usage;
    if (kind !== undefined && Object.keys(this.#unmapped).length > 0) {
      value.providerData[kind] = JSON.stringify(this.#unmapped);
    }
    return { case: "completed", value, choice: 0, part: 0 };
  }
}

/** An error object; or the whole, where a server writes its errors bare: `{"object":"error",…}`, `{"code","error":"…"}`. */
function failureIn(chunk: Fields): unknown {
  if (chunk.object === "error") return chunk;
  return typeof chunk.error === "string" && typeof chunk.code === "string" ? chunk : chunk.error;
}

/** The addresses beside the choices, as citations of the first. They come with the last chunk. */
function withCitations(delta: Fields, { citations }: Fields, { index }: Fields): Fields {
  if (!Array.isArray(citations) || citations.length === 0 || (index ?? 0) !== 0) return delta;
  const urls = citations.filter((url) => typeof url === "string").slice(0, maxCitations);
  const annotations = urls.map((url) => ({ type: "url_citation", url_citation: { url } }));
  return { ...delta, annotations: [...listOf(delta, "annotations"), ...annotations] };
}

const noFields: Fields = {};
/** More sources than any search reads. */
const maxCitations = 200;
/** Contract: choice_count is at most 128. */
const maxChoices = 128;
const maxIdChars = 24;
/** Members of an answer that become frames, or that mean nothing beyond their event. */
const mapped: ReadonlySet<string> = new Set([
  ...["id", "object", "created", "model", "choices", "usage", "service_tier", "moderation"],
  "obfuscation",
]);
