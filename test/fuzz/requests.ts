import { expect } from "vitest";
import { readJsonBody } from "../../src/dialects/json-body.ts";
import type { ChatCall } from "../../src/domain/chat.ts";
import { check } from "../../src/domain/check.ts";
import { GatewayError } from "../../src/domain/errors.ts";
import { estimateInputTokens } from "../../src/domain/estimate.ts";
import type { Target } from "../../src/domain/target.ts";
import { providerOf } from "../../src/providers/catalog.ts";

/** What became of a request on its way to a provider. */
export type Outcome = "unread" | "refused" | "untranslated" | "sent";

/**
 * Reads a body as an edge does.
 * @returns null when it is refused; by a GatewayError that names the member at fault, unless the body is no JSON object
 */
export function parsed<T>(bytes: Uint8Array, parse: (body: ReturnType<typeof readJsonBody>) => T): T | null {
  const body = unlessRefused(() => readJsonBody(bytes), namesNothing);
  return body === null ? null : unlessRefused(() => parse(body), namesParam);
}

/** Sends a call to a target as the gateway does, up to the socket. @throws whatever is no GatewayError */
export function send(call: ChatCall, target: Target): Outcome {
  const isGood = unlessRefused(() => {
    check({ kind: "chat", call });
    return true;
  }, namesField);
  if (isGood === null) return "refused";
  expect(estimateInputTokens(call.request)).toBeGreaterThanOrEqual(0);
  const provider = providerOf(target.provider);
  const request = unlessRefused(() => provider.toRequest(call, target), namesField);
  if (provider.countTokens) unlessRefused(() => provider.countTokens?.toRequest(call, target), namesField);
  if (request === null) return "untranslated";
  const { body, path, headers, losses } = request;
  if (body !== null) expect(JSON.parse(String(body))).toBeTypeOf("object");
  expect(path).toMatch(/^\/[!-~]*$/);
  for (const value of Object.values(headers)) expect(value).toMatch(/^[\t -~]*$/);
  for (const { field } of losses) expect(field).not.toBe("");
  return "sent";
}

/** What comes of some work; null when a GatewayError refuses it. @throws whatever is no GatewayError */
export function unlessRefused<T>(work: () => T, isWellSaid: (error: GatewayError) => void = namesNothing): T | null {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    expect(error.code).not.toBe("internal");
    isWellSaid(error);
    return null;
  }
}

function namesNothing({ message }: GatewayError): void {
  expect(message).not.toBe("");
}

function namesParam({ detail }: GatewayError): void {
  expect(detail.param).toBeTypeOf("string");
}

function namesField({ detail, message }: GatewayError): void {
  expect(detail.field, message).toBeTypeOf("string");
}
