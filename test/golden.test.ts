import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { type DescMessage, fromJsonString, type JsonValue, type MessageShape, toJson } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { type ChatRequest, ChatRequestSchema } from "../gen/trunkline/v1/chat_pb.ts";
import { AnnotationSchema } from "../gen/trunkline/v1/message_pb.ts";
import {
  CompletedSchema,
  FinishedSchema,
  HeartbeatSchema,
  PartFinishedSchema,
  PartStartedSchema,
  StartedSchema,
} from "../gen/trunkline/v1/stream_pb.ts";
import { ModerationResultSchema, NoticeSchema, TokenLogprobSchema, UsageSchema } from "../gen/trunkline/v1/usage_pb.ts";
import type { Frame } from "../src/domain/chat.ts";
import { GatewayError } from "../src/domain/errors.ts";
import { createFold } from "../src/domain/fold.ts";
import type { Target } from "../src/domain/target.ts";
import { createEventStreamParser } from "../src/providers/event-stream.ts";
import { createNdjsonParser } from "../src/providers/ndjson.ts";
import type { DecodeMemory, EventParser, HttpReply, Provider, SseEvent } from "../src/providers/provider.ts";
import { createSseParser } from "../src/providers/sse.ts";
import { orderFaults } from "./contract-order.ts";
import { eventStreamMessage } from "./fakes/event-stream.ts";
import { packageFacts } from "./fakes/facts.ts";

/**
 * Golden cases (style 15): `test/golden/<provider>/<case>/`, each file optional. A provider with several interfaces has
 * a folder for each further one, its name behind the provider's: `openai-responses`.
 *
 *   chat.json      → request.json   what a chat request becomes; target.json changes the target
 *   response.json  → events.json    what a whole answer says (body as it came)
 *   stream.sse     → events.json    what a stream says; with response.json beside it both must fold to the same answer
 *   stream.ndjson                   the same for a provider whose streams are lines
 *   stream.events                   the same for AWS's event streams: a line for each message, `:event-type NAME JSON`
 *   error.json     → failure.json   what a refusal {status, headers, body} means
 *
 * UPDATE_GOLDEN=1 rewrites the right column; the review reads the difference.
 */
const root = join(import.meta.dirname, "golden");
const updating = process.env.UPDATE_GOLDEN === "1";

for (const kind of folders(root)) {
  const provider = await loadProvider(kind);
  describe(`golden ${kind}`, () => {
    for (const name of folders(join(root, kind))) describe(name, () => walkCase(provider, join(root, kind, name)));
  });
}

function walkCase(provider: Provider, folder: string): void {
  const read = (file: string) => (existsSync(join(folder, file)) ? readFileSync(join(folder, file), "utf8") : null);
  const chat = read("chat.json");
  const response = read("response.json");
  const recorded = recordedStream(read);
  const stream = recorded?.bytes ?? null;
  const framing = recorded?.framing ?? createSseParser;
  const error = read("error.json");
  const request = chat === null ? null : fromJsonString(ChatRequestSchema, chat);
  const target = targetOf(provider, request, read("target.json"));
  const memory = (): DecodeMemory => {
    if (request === null) return { target, stream: stream !== null };
    return provider.toRequest({ request, stream: stream !== null }, target).memory;
  };

  if (request !== null) {
    it("translates the request", () => {
      matches(
        folder,
        "request.json",
        outcome(() => requestFile(provider, request, target, stream !== null)),
      );
    });
  }
  if (response !== null) {
    const reply = { status: 200, headers: { "request-id": "req_golden" }, body: response };
    it("reads the whole answer", () => {
      const decoded = decodeWhole(provider, reply, memory());
      checkFrames(decoded);
      if (stream === null) matches(folder, "events.json", eventsFile(decoded));
      else expect(answerOf(decoded)).toEqual(answerOf(decodeStream(provider, [stream], memory(), framing)));
    });
  }
  if (recorded !== null) walkStream(provider, folder, recorded, memory);
  if (error !== null) {
    it("understands the refusal", () => {
      const { status, headers = {}, body } = JSON.parse(error);
      const reply = { status, headers, body: typeof body === "string" ? body : JSON.stringify(body) };
      const { code, message, detail } = provider.fromError(reply, memory());
      matches(folder, "failure.json", { code, message, detail });
    });
  }
}

interface RecordedStream {
  readonly bytes: Buffer;
  readonly framing: Framing;
}

function recordedStream(read: (file: string) => string | null): RecordedStream | null {
  const text = read("stream.sse");
  if (text !== null) return { bytes: Buffer.from(text), framing: createSseParser };
  const lines = read("stream.ndjson");
  if (lines !== null) return { bytes: Buffer.from(lines), framing: createNdjsonParser };
  const messages = read("stream.events");
  if (messages === null) return null;
  const encoded = messages
    .split("\n")
    .filter(Boolean)
    .map((line) => {
      const [header = "", name = "", ...payload] = line.split(" ");
      const type = header === ":event-type" ? "event" : "exception";
      return eventStreamMessage({ [header]: name, ":message-type": type }, payload.join(" "));
    });
  return { bytes: Buffer.concat(encoded), framing: createEventStreamParser };
}

function walkStream(
  provider: Provider,
  folder: string,
  { bytes, framing }: RecordedStream,
  memory: () => DecodeMemory,
): void {
  it("reads the stream", () => {
    const decoded = decodeStream(provider, [bytes], memory(), framing);
    checkFrames(decoded);
    matches(folder, "events.json", eventsFile(decoded));
  });

  it("reads the same stream cut into two at every byte", () => {
    const whole = decodeStream(provider, [bytes], memory(), framing);
    const asked = memory();
    for (let at = 1; at < bytes.length; at++) {
      const split = decodeStream(provider, [bytes.subarray(0, at), bytes.subarray(at)], asked, framing);
      if (!isDeepStrictEqual(split, whole)) expect(eventsFile(split), `cut at byte ${at}`).toEqual(eventsFile(whole));
    }
  });

  it("reads the same stream byte by byte", () => {
    const single = Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
    expect(eventsFile(decodeStream(provider, single, memory(), framing))).toEqual(
      eventsFile(decodeStream(provider, [bytes], memory(), framing)),
    );
  });

  it("never takes a stream that lost its end for a whole answer", () => {
    const events = parse([bytes], framing);
    for (let kept = 0; kept < events.length; kept++) {
      const part = decodeEvents(provider, events.slice(0, kept), memory());
      const finished = part.frames.some((frame) => frame.case === "finished");
      // With the finish reason the answer is there; what is lost may be a count.
      if (part.failure === null) expect(finished, `the first ${kept} events`).toBe(true);
      if (part.failure === null) expect(part.frames.at(-1)?.case).toBe("completed");
    }
  });
}

interface Decoded {
  readonly frames: readonly Frame[];
  readonly failure: GatewayError | null;
}

/** Far above any event of a golden case. Characters. */
const maxEventChars = 1 << 20;

type Framing = (maxEventChars: number) => EventParser;

function parse(chunks: readonly Uint8Array[], framing: Framing): readonly SseEvent[] {
  const parser = framing(maxEventChars);
  return [...chunks.flatMap((chunk) => [...parser.push(chunk)]), ...parser.end()];
}

function decodeStream(
  provider: Provider,
  chunks: readonly Uint8Array[],
  memory: DecodeMemory,
  framing: Framing,
): Decoded {
  return decodeEvents(provider, parse(chunks, framing), memory);
}

function decodeEvents(provider: Provider, events: readonly SseEvent[], memory: DecodeMemory): Decoded {
  const decoder = provider.createDecoder(memory);
  const frames: Frame[] = [];
  return collected(frames, () => {
    for (const event of events) if (!decoder.done) frames.push(...decoder.push(event));
    frames.push(...decoder.end());
  });
}

function decodeWhole(provider: Provider, reply: HttpReply, memory: DecodeMemory): Decoded {
  const frames: Frame[] = [];
  return collected(frames, () => frames.push(...provider.fromResponse(reply, memory)));
}

function collected(frames: readonly Frame[], read: () => unknown): Decoded {
  try {
    read();
    return { frames, failure: null };
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return { frames, failure: error };
  }
}

/** What every decoder promises: the contract's order, and bytes that stand with all of their frames. */
function checkFrames({ frames, failure }: Decoded): void {
  expect(orderFaults(frames, failure === null)).toEqual([]);
  for (const [position, { wire }] of frames.entries()) {
    if (wire === undefined || frames[position - 1]?.wire === wire) continue;
    const together = frames.slice(position, position + wire.frames);
    expect(together.filter((frame) => frame.wire === wire).length, `frames of ${wire.text}`).toBe(wire.frames);
    expect(frames[position + wire.frames]?.wire === wire, `frames of ${wire.text}`).toBe(false);
  }
}

function answerOf({ frames, failure }: Decoded): JsonValue {
  if (failure !== null) throw failure;
  const fold = createFold();
  fold.push(frames);
  const answer = fold.response("golden");
  // A stream has no headers here, so the provider's request id is known to the whole answer alone.
  if (answer.servedBy) answer.servedBy.upstreamRequestId = "";
  return plain(fold.response("golden"));
}

function plain(answer: ReturnType<ReturnType<typeof createFold>["response"]>): JsonValue {
  return JSON.parse(JSON.stringify(answer, (_, value) => (typeof value === "bigint" ? String(value) : value)));
}

function requestFile(provider: Provider, request: ChatRequest, target: Target, stream: boolean): unknown {
  const { path, headers, body, losses } = provider.toRequest({ request, stream }, target);
  return { path, headers, body: body === null ? null : parseExactly(String(body)), losses };
}

function eventsFile({ frames, failure }: Decoded): unknown {
  const events = frames.map(({ choice, part, logprobs, ...frame }) => ({
    case: frame.case,
    choice,
    part,
    value: jsonOf(frame),
    ...(logprobs && { logprobs: logprobs.map((one) => toJson(TokenLogprobSchema, one)) }),
  }));
  return failure === null ? events : [...events, { error: failure.code }];
}

const schemas = {
  started: StartedSchema,
  partStarted: PartStartedSchema,
  partFinished: PartFinishedSchema,
  annotation: AnnotationSchema,
  usage: UsageSchema,
  notice: NoticeSchema,
  moderation: ModerationResultSchema,
  finished: FinishedSchema,
  completed: CompletedSchema,
  heartbeat: HeartbeatSchema,
} satisfies Record<string, DescMessage>;

function jsonOf(frame: Pick<Frame, "case" | "value">): JsonValue {
  if (typeof frame.value === "string") return frame.value;
  if (frame.value instanceof Uint8Array) return Buffer.from(frame.value).toString("base64");
  // The case decides the schema; TypeScript does not follow a union through a lookup.
  const schema: DescMessage = schemas[frame.case as keyof typeof schemas];
  return toJson(schema, frame.value as MessageShape<typeof schema>);
}

/** A request that the provider refuses to translate is written down as its error. */
function outcome(translate: () => unknown): unknown {
  try {
    return translate();
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return { error: { code: error.code, message: error.message, detail: error.detail } };
  }
}

/** Parses with numbers as they were written, so that the golden file shows 9007199254740993 and 1.0. */
function parseExactly(text: string): unknown {
  // Node 24 has both; the library types of es2024 do not know them yet.
  const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };
  const parseWith = JSON.parse as (
    text: string,
    revive: (key: string, value: unknown, at: { source: string }) => unknown,
  ) => unknown;
  return parseWith(text, (_, value, { source }) =>
    typeof value === "number" && String(value) !== source ? rawJSON(source) : value,
  );
}

function matches(folder: string, file: string, value: unknown): void {
  const text = `${JSON.stringify(value, null, 2)}\n`;
  const path = join(folder, file);
  if (updating) writeFileSync(path, text);
  expect(existsSync(path), `${path} is missing: UPDATE_GOLDEN=1 writes it`).toBe(true);
  expect(text).toBe(readFileSync(path, "utf8"));
}

function targetOf(provider: Provider, request: ChatRequest | null, file: string | null): Target {
  const given = file === null ? {} : JSON.parse(file);
  const model: string = given.model ?? request?.model ?? "golden";
  const base = { name: `${provider.kind}/${model}`, instance: provider.kind, provider: provider.kind, model };
  return { ...base, wire: "repair", ...given, facts: { ...packageFacts(provider.kind, model), ...given.facts } };
}

async function loadProvider(folder: string): Promise<Provider> {
  const kind = existsSync(join(root, `../../src/providers/${folder}/adapter.ts`))
    ? folder
    : folder.replace(/-[^-]*$/, "");
  const module: Record<string, unknown> = await import(`../src/providers/${kind}/adapter.ts`);
  const found = Object.values(module).find((value) => isProvider(value) && value.kind === kind);
  if (!isProvider(found)) throw new Error(`src/providers/${kind}/adapter.ts exports no provider of kind '${kind}'`);
  return found;
}

function isProvider(value: unknown): value is Provider {
  return typeof value === "object" && value !== null && "kind" in value && "toRequest" in value;
}

function folders(path: string): readonly string[] {
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}
