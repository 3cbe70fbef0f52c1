import { toWellFormedJson } from "../dialects/well-formed-json.ts";
import { type Frame, isContent } from "../domain/chat.ts";
import type { Clock } from "../domain/clock.ts";
import { GatewayError } from "../domain/errors.ts";
import type { Bounds } from "../domain/time-bounds.ts";
import type { Incoming } from "../net/incoming.ts";
import type { EventParser, HttpReply, SseEvent, StreamDecoder } from "./provider.ts";
import type { Watchdog } from "./watchdog.ts";

/** Error bodies are read up to this. Bytes. */
const maxErrorBytes = 64 * 1024;
/** Error bodies are waited for up to this. Milliseconds. */
const maxErrorMs = 5000;
/** Whole answers are read up to this: 2,048 vectors of 3,072 floats as JSON text are about 80 MB. Bytes. */
const maxAnswerBytes = 128 * 1024 * 1024;

/**
 * The frames of a stream, one array per network read that had any.
 * @throws GatewayError `upstream_cut` when the stream ended before the answer did, and whatever the decoder throws
 */
export async function* readStream(
  incoming: Incoming,
  { parser, decoder }: { readonly parser: EventParser; readonly decoder: StreamDecoder },
  watchdog: Watchdog,
  bounds: Bounds,
): AsyncIterable<readonly Frame[]> {
  let waiting = true;
  watchdog.allow("idle", bounds.idleMs);
  for await (const chunks of incoming.body) {
    const frames: Frame[] = [];
    // What was said before an error in the same read was said: it goes out before the error does.
    const failure = attempt(() => {
      for (const chunk of chunks) if (!decoder.done) decode(parser.push(chunk), decoder, frames);
    });
    if (waiting && frames.some(isContent)) {
      waiting = false;
      watchdog.forget("first_token");
    }
    // The answer is whole. What may still come is the end of the body, after which the connection can serve again.
    if (decoder.done) incoming.release();
    if (frames.length > 0) {
      // While the reader takes its time it is not the provider that is silent.
      watchdog.hold("idle");
      yield frames;
    }
    if (failure) throw failure.thrown;
    if (decoder.done) return;
    watchdog.allow("idle", bounds.idleMs);
  }
  const last: Frame[] = [];
  const failure = attempt(() => {
    decode(parser.end(), decoder, last);
    if (!decoder.done) last.push(...decoder.end());
  });
  if (last.length > 0) yield last;
  if (failure) throw failure.thrown;
}

/** Events after the answer's end are ignored. No decoder sees half a character. */
function decode(events: readonly SseEvent[], decoder: StreamDecoder, into: Frame[]): void {
  for (const event of events) {
    if (decoder.done) return;
    for (const frame of decoder.push(toWellFormedEvent(event))) into.push(frame);
  }
}

function toWellFormedEvent(event: SseEvent): SseEvent {
  const data = toWellFormedJson(event.data);
  return data === event.data ? event : { ...event, data };
}

function attempt(work: () => void): { readonly thrown: unknown } | null {
  try {
    work();
    return null;
  } catch (thrown) {
    return { thrown };
  }
}

/** A whole body. @throws GatewayError `upstream_error` when it is larger than the bound */
export async function readReply({ status, headers, body }: Incoming, maxBytes = maxAnswerBytes): Promise<HttpReply> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunks of body) {
    for (const chunk of chunks) {
      parts.push(chunk);
      bytes += chunk.length;
    }
    if (bytes > maxBytes) {
      throw new GatewayError("upstream_error", `The provider's answer is larger than ${maxBytes} bytes.`);
    }
  }
  return { status, headers, body: textOf(parts, bytes) };
}

/**
 * The answer of a failed call, as far as it comes: its status counts even when its body is endless, slow, cut or
 * compressed. Never throws.
 */
export async function readFailure(incoming: Incoming, clock: Clock): Promise<HttpReply> {
  const { status, body } = incoming;
  // What it says of dates is read against its own clock; a provider that does not tell the time is taken to have ours.
  const headers = { date: new Date(clock.wallMs()).toUTCString(), ...incoming.headers };
  const parts: Uint8Array[] = [];
  let bytes = 0;
  const cancelTimer = clock.after(maxErrorMs, () => incoming.abort());
  try {
    for await (const chunks of body) {
      for (const chunk of chunks) {
        parts.push(chunk);
        bytes += chunk.length;
      }
      if (bytes > maxErrorBytes) break;
    }
  } catch {
    // What had come is all there is.
  }
  cancelTimer();
  return { status, headers, body: isCompressed(incoming) ? "" : textOf(parts, Math.min(bytes, maxErrorBytes)) };
}

/** Whether the body is in an encoding that was not asked for. */
export function isCompressed({ headers }: Incoming): boolean {
  const encoding = headers["content-encoding"] ?? "";
  return encoding !== "" && encoding.toLowerCase() !== "identity";
}

function textOf(parts: readonly Uint8Array[], bytes: number): string {
  const [first] = parts;
  const whole =
    parts.length === 1 && first !== undefined
      ? Buffer.from(first.buffer, first.byteOffset, first.length)
      : Buffer.concat(parts);
  return toWellFormedJson(whole.toString("utf8", 0, bytes));
}
