import type { Clock } from "../../domain/clock.ts";
import { GatewayError } from "../../domain/errors.ts";
import type { Incoming } from "../http.ts";

export interface BodyLimits {
  readonly maxBodyBytes: number;
  /** How long the whole body may take to arrive, from the moment it is read. Milliseconds. */
  readonly bodyTimeoutMs: number;
}

/**
 * Checks what the head says of the body, before a byte of it is read.
 * @throws GatewayError `unsupported_media_type`, `request_too_large`
 */
export function checkBodyHead(req: Incoming, limits: BodyLimits): void {
  const type = req.headers["content-type"];
  if (!isJson(type)) {
    throw new GatewayError("unsupported_media_type", "The content type must be application/json, encoded as UTF-8.");
  }
  const encoding = req.headers["content-encoding"];
  if (encoding !== undefined && encoding.toString().toLowerCase() !== "identity") {
    throw new GatewayError("unsupported_media_type", "Compressed bodies are not accepted. Send no content-encoding.");
  }
  if (Number(req.headers["content-length"] ?? 0) > limits.maxBodyBytes) throw tooLarge(limits);
}

const jsonType = /^application\/(?:json|[\w.+-]{1,64}\+json)$/i;

/** `application/json`, `application/vnd.x+json`, with no other charset than UTF-8. */
function isJson(header: string | undefined): boolean {
  const [type = "", ...parameters] = (header ?? "").split(";");
  if (!jsonType.test(type.trim())) return false;
  return parameters.every((parameter) => {
    const [name = "", value = ""] = parameter.split("=");
    return name.trim().toLowerCase() !== "charset" || /^"?utf-?8"?$/i.test(value.trim());
  });
}

/**
 * Reads a body to its end; it holds at most `maxBodyBytes` and is given up at the first byte more.
 * @throws GatewayError `request_too_large`; `request_timeout` for a slow body; `canceled` when it broke off
 */
export function readBody(req: Incoming, limits: BodyLimits, clock: Clock, signal: AbortSignal): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    const onData = (chunk: Uint8Array) => {
      bytes += chunk.length;
      if (bytes > limits.maxBodyBytes) fail(tooLarge(limits));
      else chunks.push(chunk);
    };
    const onEnd = () => {
      cleanUp();
      resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks, bytes));
    };
    const onBroken = () => fail(new GatewayError("canceled", "The body broke off before its end."));
    const onAbort = () => fail(signal.reason);
    const cancelTimer = clock.after(limits.bodyTimeoutMs, () => fail(tooSlow(limits)));
    const cleanUp = () => {
      cancelTimer();
      signal.removeEventListener("abort", onAbort);
      req.off("data", onData).off("end", onEnd).off("error", onBroken).off("close", onBroken);
    };
    const fail = (error: unknown) => {
      cleanUp();
      // A late error of the broken stream has nobody left to tell.
      req.on("error", () => {});
      req.pause();
      reject(error);
    };
    if (signal.aborted) return onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    req.on("data", onData).on("end", onEnd).on("error", onBroken).on("close", onBroken);
  });
}

function tooLarge({ maxBodyBytes }: BodyLimits): GatewayError {
  return new GatewayError("request_too_large", `The body has more than ${maxBodyBytes} bytes, the most accepted here.`);
}

function tooSlow({ bodyTimeoutMs }: BodyLimits): GatewayError {
  return new GatewayError("request_timeout", `The body did not arrive within ${bodyTimeoutMs} ms.`, {
    retryable: false,
  });
}
