import { type GoogleFailure, readGoogleError, readInnerError } from "../../dialects/gemini/google-error.ts";
import { GatewayError } from "../../domain/errors.ts";
import type { Target } from "../../domain/target.ts";
import type { DecodeMemory, HttpReply } from "../provider.ts";

/** What a failed call means, by contract section 2.7. */
export function fromError({ status, headers, body }: HttpReply, { target }: DecodeMemory): GatewayError {
  return blame(readGoogleError(status, headers, body), target, { upstreamStatus: status });
}

/** An error that came inside an answer, under HTTP 200. */
export function failureOf(error: unknown, target: Target): GatewayError {
  return blame(readInnerError(error), target, {});
}

function blame(
  { code, message, detail }: GoogleFailure,
  { instance, model }: Target,
  more: { readonly upstreamStatus?: number },
): GatewayError {
  return new GatewayError(code, message, { provider: instance, model, ...more, ...detail });
}
