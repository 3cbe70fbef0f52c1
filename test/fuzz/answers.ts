import { expect } from "vitest";
import { toWellFormedJson } from "../../src/dialects/well-formed-json.ts";
import { blankChatRequest } from "../../src/domain/blank.ts";
import type { Frame } from "../../src/domain/chat.ts";
import { GatewayError } from "../../src/domain/errors.ts";
import type { DecodeMemory, Provider, SseEvent } from "../../src/providers/provider.ts";
import { createFinisher } from "../../src/providers/served.ts";
import { orderFaults } from "../contract-order.ts";
import type { FramingName } from "./mutate-stream.ts";
import { parsers } from "./recordings.ts";

/** As the gateway does with all that it reads. */
function wellFormed({ event, data }: SseEvent): SseEvent {
  return { event, data: toWellFormedJson(data) };
}

export interface Answered {
  readonly frames: readonly Frame[];
  /** Why it broke off; null when it is whole. */
  readonly failure: GatewayError | null;
}

/** What a provider's bytes say, read as the gateway reads them. @throws whatever is no GatewayError */
export function readStreamed(
  provider: Provider,
  memory: DecodeMemory,
  chunks: readonly Uint8Array[],
  framing: FramingName,
): Answered {
  return collected((frames) => {
    const parser = parsers[framing](maxEventChars);
    const decoder = provider.createDecoder(memory);
    for (const chunk of chunks) {
      if (decoder.done) break;
      for (const event of parser.push(chunk)) if (!decoder.done) frames.push(...decoder.push(wellFormed(event)));
    }
    if (decoder.done) return;
    for (const event of parser.end()) if (!decoder.done) frames.push(...decoder.push(wellFormed(event)));
    if (!decoder.done) frames.push(...decoder.end());
  });
}

/** The same of a whole answer. */
export function readWhole(provider: Provider, memory: DecodeMemory, body: string): Answered {
  const reply = { status: 200, headers: { "request-id": "r" }, body: toWellFormedJson(body) };
  return collected((frames) => frames.push(...provider.fromResponse(reply, memory)));
}

/** Longest event of these tests. Characters. */
const maxEventChars = 300_000;

function collected(read: (frames: Frame[]) => unknown): Answered {
  const frames: Frame[] = [];
  let failure: GatewayError | null = null;
  try {
    read(frames);
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    failure = error;
  }
  const call = { request: blankChatRequest(), stream: true };
  const sizes = { outputChars: 0, reasoningChars: 0 };
  const target = { name: "p/m", instance: "p", provider: "p", model: "m", wire: "repair" as const, facts: {} };
  createFinisher({ target, simulated: false, upstreamRequestId: "r", attempts: 1 }, call, 0, sizes)(frames);
  return { frames, failure };
}

/**
 * What every answer keeps to, whatever the provider sent.
 * @param bytes what was read; an answer's frames hold no more than a multiple of it
 */
export function checkAnswer({ frames, failure }: Answered, bytes: number): void {
  expect(orderFaults(frames, failure === null).join("; ")).toBe("");
  if (failure !== null) {
    expect(neverUpstream).not.toContain(failure.code);
    expect(frames.some((frame) => frame.case === "completed")).toBe(false);
  }
  expect(sizeOf(frames)).toBeLessThan(200 * bytes + 10_000);
}

/** Codes that would say that the caller, or this program, is at fault for what a provider sent. */
const neverUpstream: readonly string[] = ["internal", "invalid_api_key", "unknown_route", "unknown_method", "canceled"];

/** About what frames hold in memory. Characters; each wire text once. */
function sizeOf(frames: readonly Frame[]): number {
  let size = 0;
  let last: Frame["wire"];
  for (const { value, wire, logprobs } of frames) {
    size += 50 + (typeof value === "string" || value instanceof Uint8Array ? value.length : jsonLength(value));
    if (logprobs) size += jsonLength(logprobs);
    if (wire !== last) size += wire?.text.length ?? 0;
    last = wire;
  }
  return size;
}

function jsonLength(value: unknown): number {
  return JSON.stringify(value, (_, inner) => (typeof inner === "bigint" ? String(inner) : inner)).length;
}
