import type { ChatRequest } from "../../gen/trunkline/v1/chat_pb.ts";
import type { Annotation } from "../../gen/trunkline/v1/message_pb.ts";
import type {
  Completed,
  Finished,
  Heartbeat,
  PartFinished,
  PartStarted,
  Started,
} from "../../gen/trunkline/v1/stream_pb.ts";
import type { ModerationResult, Notice, TokenLogprob, Usage } from "../../gen/trunkline/v1/usage_pb.ts";

/** A wire format that an edge or a provider speaks for chat. `typed` is the contract itself. */
export type Dialect =
  | "openai-chat"
  | "openai-completions"
  | "openai-responses"
  | "anthropic-messages"
  | "gemini"
  | "typed";

/**
 * What a provider sent, kept beside the frames that were read from it, so that a caller of the same dialect gets it
 * untouched. All frames of one wire event share one object and stand together, in order.
 */
export interface Wire {
  readonly dialect: Dialect;
  /** One stream event in full, blank line included (`data: {…}\n\n`); or the whole body when `whole`. */
  readonly text: string;
  /** How many frames were read from it. When fewer arrive together, a stage replaced one: encode them anew. */
  readonly frames: number;
  /** Whether the text is a whole unary answer. */
  readonly whole: boolean;
}

interface Placed {
  /** Choice that the event belongs to, from 0. */
  readonly choice: number;
  /** Part of the choice's message, from 0. */
  readonly part: number;
  readonly logprobs?: readonly TokenLogprob[];
  /** Absent where the event was made, repaired or replaced by the gateway. */
  readonly wire?: Wire;
}

/**
 * One event of an answer: the oneof of `trunkline.v1.StreamChatResponse` as a plain union (same cases, same values).
 * Only edges/rpc turns frames into messages. The order of frames is that of the contract, "StreamChatResponse".
 *
 * A `heartbeat` also carries wire events that mean nothing to the contract (pings, unknown events), so that their bytes
 * still reach a caller of the same dialect.
 */
export type Frame =
  | (Placed & { readonly case: "textDelta"; readonly value: string })
  | (Placed & { readonly case: "reasoningDelta"; readonly value: string })
  | (Placed & { readonly case: "refusalDelta"; readonly value: string })
  | (Placed & { readonly case: "argumentsDelta"; readonly value: string })
  | (Placed & { readonly case: "mediaDelta"; readonly value: Uint8Array })
  | (Placed & { readonly case: "transcriptDelta"; readonly value: string })
  | (Placed & { readonly case: "started"; readonly value: Started })
  | (Placed & { readonly case: "partStarted"; readonly value: PartStarted })
  | (Placed & { readonly case: "partFinished"; readonly value: PartFinished })
  | (Placed & { readonly case: "annotation"; readonly value: Annotation })
  | (Placed & { readonly case: "usage"; readonly value: Usage })
  | (Placed & { readonly case: "notice"; readonly value: Notice })
  | (Placed & { readonly case: "moderation"; readonly value: ModerationResult })
  | (Placed & { readonly case: "finished"; readonly value: Finished })
  | (Placed & { readonly case: "completed"; readonly value: Completed })
  | (Placed & { readonly case: "heartbeat"; readonly value: Heartbeat });

/** Where a value lies in JSON: in characters of a text, in bytes where bytes are kept. End exclusive. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** The caller's own JSON, kept so that a provider of the same dialect patches it instead of rebuilding it. */
export interface SourceBody {
  readonly dialect: Dialect;
  /** UTF-8, as the caller sent it. */
  readonly bytes: Uint8Array;
  /** Values of the top-level members by name, none twice: where they lie in the bytes. */
  readonly members: ReadonlyMap<string, Span>;
  /**
   * Paths of members that the dialect does not define, in the caller's spelling. A provider of the same dialect gets
   * them as they are; an adapter of another dialect reports each as dropped.
   */
  readonly unknown: readonly string[];
  /**
   * Headers that say how the text is meant (its version, features that it asks for), by lower-case names: they go to a
   * provider of the same dialect, and to no other.
   */
  readonly headers?: Readonly<Record<string, string>>;
}

/** One chat request on its way through the gateway. */
export interface ChatCall {
  readonly request: ChatRequest;
  /** Whether the caller wants events; otherwise the edge folds them. */
  readonly stream: boolean;
  /** Gone once the prompt was let go of; see `forgetPrompt`. */
  source?: SourceBody | undefined;
}

/** Whether a frame shows the caller something of the answer: the event that ends the wait for the first token. */
export function isContent(frame: Frame): boolean {
  switch (frame.case) {
    case "textDelta":
    case "reasoningDelta":
    case "refusalDelta":
    case "argumentsDelta":
    case "mediaDelta":
    case "transcriptDelta":
    case "partStarted":
      return true;
    default:
      return false;
  }
}

/**
 * Ties frames to the wire event that they were read from.
 * @param frames what one event said; empty when it said nothing that the contract knows
 */
export function withWire(frames: readonly Frame[], dialect: Dialect, text: string, whole = false): readonly Frame[] {
  if (frames.length === 0) {
    return [{ case: "heartbeat", value: heartbeat, choice: 0, part: 0, wire: { dialect, text, frames: 1, whole } }];
  }
  const wire: Wire = { dialect, text, frames: frames.length, whole };
  return frames.map((frame) => ({ ...frame, wire }));
}

const heartbeat: Heartbeat = { $typeName: "trunkline.v1.Heartbeat" };
