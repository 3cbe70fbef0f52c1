import type { Frame } from "../domain/chat.ts";
import type { GatewayError } from "../domain/errors.ts";

/** Turns frames into the server-sent events of one wire format. Holds the stream's state; used for one stream. */
export interface StreamEncoder {
  /** The text for one batch of frames, to be written at once; empty when there is nothing to say. */
  push(frames: readonly Frame[]): string;
  /** The last words of a stream that failed. Nothing in them may be taken for the end of a whole answer. */
  error(error: GatewayError): string;
  /** The whole answer as JSON, in formats whose last event holds it; null before. */
  readonly answer?: string | null;
}
