import type { Usage } from "../../../gen/trunkline/v1/usage_pb.ts";
import type { Frame, Wire } from "../../domain/chat.ts";
import type { GatewayError } from "../../domain/errors.ts";
import { toEventLine } from "../event-lines.ts";
import { type JsonMembers, toJsonText } from "../json-text.ts";
import type { StreamEncoder } from "../stream-encoder.ts";
import { CandidateEncoder } from "./encode-candidate.ts";
import { encodeLogprobs } from "./encode-end.ts";
import { encodeGeminiUsage } from "./encode-usage.ts";
import { encodeGeminiError } from "./error-body.ts";

/** How the events of a stream are written: as server-sent events (`alt=sse`), or as the elements of one array. */
export type StreamForm = "sse" | "array";

/** What breaks a silence: nothing that a reader of either form sees. */
export const keepAlives: Readonly<Record<StreamForm, string>> = { sse: ": keep-alive\n\n", array: "\n" };

/**
 * Frames as the events of `streamGenerateContent` (wire.md §5.3). Frames that still are what one event of Google's said are
 * written as that event's own text. The end of each candidate waits for the counts, which come last with some providers.
 * @param requestId the gateway's id of the request, for answers that have none of their own
 */
export function createGeminiEncoder(form: StreamForm, requestId: string): StreamEncoder {
  return new GeminiEncoder(form, requestId);
}

class GeminiEncoder implements StreamEncoder {
  readonly #form: StreamForm;
  readonly #candidates = new Map<number, CandidateEncoder>();
  #responseId: string;
  #model = "";
  #usage: Usage | undefined;
  /** What has been written of the batch under way. */
  #text = "";
  #isEmpty = true;
  #closed = false;

  constructor(form: StreamForm, requestId: string) {
    this.#form = form;
    this.#responseId = requestId;
  }

  push(frames: readonly Frame[]): string {
    this.#text = "";
    for (let at = 0; at < frames.length; ) {
      const wire = frames[at]?.wire;
      const end = wire === undefined ? at + 1 : endOfGroup(frames, at, wire);
      this.#group(end - at === frames.length ? frames : frames.slice(at, end), wire);
      at = end;
    }
    return this.#text;
  }

  error(error: GatewayError): string {
    this.#text = "";
    this.#write(encodeGeminiError(error, this.#responseId));
    this.#close();
    return this.#text;
  }

  #group(frames: readonly Frame[], wire: Wire | undefined): void {
    const untouched = wire !== undefined && isUntouched(frames, wire);
    if (untouched) this.#copy(wire.text);
    for (const frame of frames) {
      this.#note(frame);
      if (!untouched) this.#encode(frame);
      else if (frame.case === "finished") this.#candidate(frame.choice).ended = true;
    }
  }

  /** What later events depend on, whether this frame is encoded or its own text is written. */
  #note(frame: Frame): void {
    if (frame.case === "started") {
      this.#responseId = frame.value.id || this.#responseId;
      this.#model = frame.value.model;
    } else if (frame.case === "usage") this.#usage = frame.value;
    else if (frame.case === "completed") this.#usage = frame.value.usage ?? this.#usage;
  }

  #encode(frame: Frame): void {
    switch (frame.case) {
      case "completed":
        return this.#complete(frame.value.serviceTier);
      case "started":
      case "usage":
      case "notice":
      case "moderation":
      case "heartbeat":
        return;
      default: {
        const parts = this.#candidate(frame.choice).push(frame);
        if (parts.length === 0 && !frame.logprobs) return;
        this.#event(frame.choice, {
          ...(parts.length > 0 && { content: { parts, role: "model" } }),
          ...(frame.logprobs && { logprobsResult: encodeLogprobs(frame.logprobs) }),
        });
      }
    }
  }

  #candidate(choice: number): CandidateEncoder {
    let candidate = this.#candidates.get(choice);
    if (!candidate) {
      candidate = new CandidateEncoder();
      this.#candidates.set(choice, candidate);
    }
    return candidate;
  }

  #complete(serviceTier: string): void {
    const ends = [...this.#candidates].sort(([one], [other]) => one - other);
    const candidates = ends.flatMap(([index, candidate]) => {
      const end = candidate.end();
      // A text of its own: SDKs take a content without parts for a broken one.
      return end === null ? [] : [{ content: { parts: [{ text: "" }], role: "model" }, ...end, index }];
    });
    if (candidates.length > 0) this.#write(toJsonText({ candidates, ...this.#beside(serviceTier) }));
    this.#close();
  }

  #event(index: number, members: JsonMembers): void {
    this.#write(toJsonText({ candidates: [{ ...members, index }], ...this.#beside("") }));
  }

  #beside(serviceTier: string): JsonMembers {
    const usageMetadata = encodeGeminiUsage(this.#usage, serviceTier);
    return { usageMetadata, modelVersion: this.#model, responseId: this.#responseId };
  }

  #write(json: string): void {
    if (this.#form === "sse") this.#text += `data: ${toEventLine(json)}\n\n`;
    else this.#element(json);
  }

  /** An event of Google's, `data: {…}\n\n`, as it is. */
  #copy(event: string): void {
    if (this.#form === "sse") this.#text += event;
    else this.#element(event.slice("data: ".length, -"\n\n".length).replaceAll("\ndata: ", "\n"));
  }

  #element(json: string): void {
    this.#text += (this.#isEmpty ? "[" : ",\r\n") + json;
    this.#isEmpty = false;
  }

  #close(): void {
    if (this.#form === "array" && !this.#closed) this.#text += this.#isEmpty ? "[]" : "]";
    this.#closed = true;
  }
}

/** The end of the frames from `start` on that were read from one wire event. */
function endOfGroup(frames: readonly Frame[], start: number, wire: Wire): number {
  let end = start + 1;
  while (frames[end]?.wire === wire) end++;
  return end;
}

function isUntouched(frames: readonly Frame[], wire: Wire): boolean {
  return wire.dialect === "gemini" && !wire.whole && wire.frames === frames.length;
}
