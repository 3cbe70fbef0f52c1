import { create } from "@bufbuild/protobuf";
import { type Part, PartSchema, type Proof } from "../../../gen/trunkline/v1/message_pb.ts";
import { PartFinishedSchema, PartStartedSchema } from "../../../gen/trunkline/v1/stream_pb.ts";
import type { TokenLogprob } from "../../../gen/trunkline/v1/usage_pb.ts";
import type { Frame } from "../../domain/chat.ts";

type DeltaCase = "textDelta" | "reasoningDelta" | "refusalDelta" | "argumentsDelta" | "transcriptDelta";

/** Media goes out in pieces of this size: the contract bounds one event. Bytes. */
const maxMediaBytes = 256 * 1024;

/** Numbers the parts of an answer as they open, and collects the frames of one event. */
export class PartWriter {
  /** Whether a text of the event had to be mended: its own bytes must not reach the caller then. */
  repaired = false;
  #frames: Frame[] = [];
  #next = 0;

  /** The frames since the last call. */
  take(): Frame[] {
    const frames = this.#frames;
    this.#frames = [];
    return frames;
  }

  /** @returns the number of the part */
  open(kind: Part["kind"], more: { readonly id?: string; readonly status?: string } = {}): number {
    const part = this.#next++;
    const value = create(PartStartedSchema, { part: create(PartSchema, { kind, ...more }) });
    this.#frames.push({ case: "partStarted", value, choice: 0, part });
    return part;
  }

  close(
    part: number,
    end: { readonly proof?: Proof; readonly status?: string; readonly mediaType?: string } = {},
  ): void {
    this.#frames.push({ case: "partFinished", value: create(PartFinishedSchema, end), choice: 0, part });
  }

  /** @returns how many UTF-16 units were added */
  delta(name: DeltaCase, part: number, text: string, logprobs: readonly TokenLogprob[] = []): number {
    if (text === "") return 0;
    const value = text.isWellFormed() ? text : text.toWellFormed();
    if (value !== text) this.repaired = true;
    this.#frames.push({ case: name, value, choice: 0, part, ...(logprobs.length > 0 && { logprobs }) });
    return value.length;
  }

  media(part: number, base64: string): void {
    const bytes = Buffer.from(base64, "base64");
    for (let at = 0; at < bytes.length; at += maxMediaBytes) {
      this.push({ case: "mediaDelta", value: bytes.subarray(at, at + maxMediaBytes), choice: 0, part });
    }
  }

  push(frame: Frame): void {
    this.#frames.push(frame);
  }
}

/** One item of the output while it grows. Unknown events mean nothing to it. */
export interface OpenItem {
  event(type: string, fields: Fields): void;
  /**
   * The item as it is in the end: what no event has told of it is told now.
   * @param text the item as it was written, where that is known
   */
  done(item: Fields, text?: string): void;
  /** The answer ended without the item's own end. */
  close(): void;
}

type Fields = Readonly<Record<string, unknown>>;

/** What is left of a text of which so many UTF-16 units were told. */
export function rest(whole: string, told: number): string {
  return whole.slice(told);
}
