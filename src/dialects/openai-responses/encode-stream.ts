import { type Finished, FinishReason, type Started } from "../../../gen/trunkline/v1/stream_pb.ts";
import type { Usage } from "../../../gen/trunkline/v1/usage_pb.ts";
import { blankFinished, blankStarted } from "../../domain/blank.ts";
import type { Frame, Wire } from "../../domain/chat.ts";
import type { GatewayError } from "../../domain/errors.ts";
import { toEventLine } from "../event-lines.ts";
import { type JsonMembers, toJsonText } from "../json-text.ts";
import type { StreamEncoder } from "../stream-encoder.ts";
import { encodeResponsesUsage } from "./encode-usage.ts";
import { OutputWriter } from "./output-writer.ts";
import type { ParsedResponses } from "./parse-request.ts";
import { endOf, failureOf, headOf, responseId } from "./response-head.ts";
import { eventData, isAnnouncement, renumbered, withPrevious } from "./wire-event.ts";

/** A comment: shows proxies and clients that the stream lives, and means nothing. */
export const keepAliveComment = ": keep-alive\n\n";

/** What an encoder knows beside the events: the whole answer, once it has ended. */
export interface ResponsesEncoder extends StreamEncoder {
  /** The response's JSON; null before its end. */
  readonly answer: string | null;
}

/**
 * Frames as the events of Responses (wire.md §3.3; edge cases 31, 46, 135 to 137, 142), numbered from 0. Frames that
 * still are what one event of the provider's said are written as that event's own text; once a stage replaced one, all
 * that follows is written anew, since later events repeat what earlier ones said.
 * @param requestId the gateway's id of the request, for answers that have none of their own
 */
export function createResponsesEncoder(parsed: Pick<ParsedResponses, "echo">, requestId: string): ResponsesEncoder {
  return new Encoder(parsed.echo, requestId);
}

class Encoder implements ResponsesEncoder {
  answer: string | null = null;
  readonly #echo: JsonMembers;
  readonly #requestId: string;
  readonly #output: OutputWriter;
  #text = "";
  #sequence = 0;
  /** While the provider's own events are written, what follows from them is only remembered. */
  #muted = false;
  #detached = false;
  /** Events of the provider's that announce what nothing has been said of: whoever says it announces it. */
  #held: readonly string[] = [];
  #begun: Started | null = null;
  #ended = false;
  #usage: Usage | undefined;
  #tier = "";
  #refuses = false;
  #finished: Finished = blankFinished(FinishReason.UNSPECIFIED, "");

  constructor(echo: JsonMembers, requestId: string) {
    this.#echo = echo;
    this.#requestId = requestId;
    this.#output = new OutputWriter(
      (type, members) => this.#write(type, members),
      () => this.#suffix(),
    );
  }

  push(frames: readonly Frame[]): string {
    this.#text = "";
    for (let at = 0; at < frames.length; ) {
      const wire = frames[at]?.wire;
      const end = wire === undefined ? at + 1 : endOfGroup(frames, at, wire);
      this.#group(frames.slice(at, end), wire);
      at = end;
    }
    return this.#text;
  }

  error(error: GatewayError): string {
    this.#text = "";
    const failure = failureOf(error);
    if (this.#begun === null) this.#write("error", { ...failure, param: error.detail.param ?? null });
    else this.#write("response.failed", { response: this.#response({ status: "failed", error: failure }) });
    return this.#text;
  }

  #group(frames: readonly Frame[], wire: Wire | undefined): void {
    const isNote = frames.every(({ case: name }) => name === "notice" || name === "heartbeat");
    const untouched = wire !== undefined && !this.#detached && isUntouched(frames, wire);
    if (untouched && isNote && isAnnouncement(wire.text)) {
      this.#held = [...this.#held, wire.text];
      return;
    }
    if (!untouched && !isNote) this.#detached = true;
    const announced = untouched ? this.#held : [];
    if (!isNote || untouched) this.#held = [];
    this.#muted = untouched;
    for (const frame of frames) this.#encode(frame);
    this.#muted = false;
    if (!untouched) return;
    const text = withPrevious(wire.text, this.#echo);
    if (frames.at(-1)?.case === "completed") this.answer = eventData(text, "response");
    for (const own of [...announced, text]) this.#text += renumbered(own, this.#sequence++);
  }

  #encode(frame: Frame): void {
    switch (frame.case) {
      case "started":
        return this.#start(frame.value);
      case "usage":
        this.#usage = frame.value;
        return;
      case "completed":
        this.#usage = frame.value.usage ?? this.#usage;
        this.#tier = frame.value.serviceTier;
        return this.#complete();
      case "finished":
        if (frame.choice !== 0) return;
        this.#finished = this.#withRefusal(frame.value);
        this.#output.closeAll(endOf(this.#finished).status);
        return;
      case "notice":
        if (frame.value.code === "failover") this.#text += `: ${frame.value.message.replaceAll(/[\r\n]+/g, " ")}\n\n`;
        return;
      case "heartbeat":
      case "moderation":
        return;
      default:
        // There is one choice: nobody can ask for more of them here.
        if (frame.choice !== 0) return;
        this.#refuses ||= isRefusal(frame);
        this.#start(blankStarted("", ""));
        this.#output.push(frame);
    }
  }

  #start(started: Started): void {
    if (this.#begun) return;
    this.#begun = started;
    this.#write("response.created", { response: this.#response({ status: "in_progress" }) });
    this.#write("response.in_progress", { response: this.#response({ status: "in_progress" }) });
  }

  /** Counts come after the finish reason, with some providers: only now are they all there. */
  #complete(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#start(blankStarted("", ""));
    const end = endOf(this.#finished);
    this.#output.closeAll(end.status);
    const response = this.#response(end);
    this.answer = toJsonText(response);
    this.#write(`response.${end.status}`, { response });
  }

  /** A refusal is a part here. One that only the end tells of is the end that is nearest to it. */
  #withRefusal(finished: Finished): Finished {
    if (finished.reason !== FinishReason.REFUSAL || this.#refuses) return finished;
    return { ...finished, reason: FinishReason.CONTENT_FILTER };
  }

  #response(end: JsonMembers): JsonMembers {
    return {
      ...headOf(this.#begun ?? blankStarted("", ""), this.#requestId),
      ...this.#echo,
      ...(this.#tier !== "" && { service_tier: this.#tier }),
      ...{ error: null, incomplete_details: null, ...end },
      output: [...this.#output.items],
      usage: encodeResponsesUsage(this.#usage),
    };
  }

  #suffix(): string {
    return responseId(this.#begun?.id ?? "", this.#requestId)
      .slice("resp_".length)
      .slice(0, maxSuffixLength);
  }

  #write(type: string, members: JsonMembers): void {
    if (this.#muted) return;
    const json = toJsonText({ type, sequence_number: this.#sequence++, ...members });
    this.#text += `event: ${type}\ndata: ${toEventLine(json)}\n\n`;
  }
}

/** Ids of items are at most 64 characters. */
const maxSuffixLength = 48;

/** The end of the frames from `start` on that were read from one wire event. */
function isRefusal(frame: Frame): boolean {
  return frame.case === "refusalDelta" || (frame.case === "partStarted" && frame.value.part?.kind.case === "refusal");
}

function endOfGroup(frames: readonly Frame[], start: number, wire: Wire): number {
  let end = start + 1;
  while (frames[end]?.wire === wire) end++;
  return end;
}

function isUntouched(frames: readonly Frame[], wire: Wire): boolean {
  return wire.dialect === "openai-responses" && !wire.whole && wire.frames === frames.length;
}
