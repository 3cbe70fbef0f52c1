import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fromJsonString } from "@bufbuild/protobuf";
import { type ChatRequest, ChatRequestSchema } from "../../gen/trunkline/v1/chat_pb.ts";
import { providerKinds } from "../../src/config/provider-kinds.ts";
import { GatewayError } from "../../src/domain/errors.ts";
import type { Target } from "../../src/domain/target.ts";
import { providerOf } from "../../src/providers/catalog.ts";
import { createNdjsonParser } from "../../src/providers/ndjson.ts";
import type { DecodeMemory, EventParser, Provider } from "../../src/providers/provider.ts";
import { createSseParser } from "../../src/providers/sse.ts";
import { packageFacts } from "../fakes/facts.ts";
import type { FramingName } from "./mutate-stream.ts";

/** A golden case with what its answers are read by. */
export interface Recording {
  /** `openai/tools`. */
  readonly name: string;
  readonly provider: Provider;
  /** The request as the contract has it; null where the case has none. */
  readonly chat: string | null;
  readonly target: Target;
  readonly memory: DecodeMemory;
  /** Body of the request as the provider gets it; null where it is refused, or there is none. */
  readonly sent: unknown;
  readonly response: string | null;
  readonly stream: { readonly text: string; readonly framing: FramingName } | null;
  readonly error: { readonly status: number; readonly headers: Record<string, string>; readonly body: string } | null;
}

/** Ways in which streams come; a recording `stream.<name>` is read by the parser of that name. */
export const parsers: Readonly<Record<FramingName, (maxEventChars?: number) => EventParser>> = {
  sse: createSseParser,
  ndjson: createNdjsonParser,
};

/** Every kind of provider that has an adapter. */
export const adapterKinds: readonly string[] = [
  ...new Set([...providerKinds.values()].map(({ adapter }) => adapter)),
].sort();

const root = join(import.meta.dirname, "../golden");
const folders = readdirSync(root);

/** All golden cases of a kind: those of its folder, and of the folders of its further interfaces. */
export function recordingsOf(kind: string): readonly Recording[] {
  const own = folders.filter(
    (folder) => folder === kind || (folder.startsWith(`${kind}-`) && !adapterKinds.includes(folder)),
  );
  return own.flatMap((folder) => readdirSync(join(root, folder)).map((name) => readCase(kind, `${folder}/${name}`)));
}

function readCase(kind: string, name: string): Recording {
  const read = (file: string) => {
    const path = join(root, name, file);
    return existsSync(path) ? readFileSync(path, "utf8") : null;
  };
  const [chat, error, sent] = [read("chat.json"), read("error.json"), read("request.json")];
  const stream = streamOf(read);
  const provider = providerOf(kind);
  const request = chat === null ? null : fromJsonString(ChatRequestSchema, chat);
  const target = targetOf(provider, request, read("target.json"));
  const memory = memoryOf(provider, request, target, stream !== null);
  const recorded = { name, provider, chat, target, memory, stream, response: read("response.json") };
  return { ...recorded, sent: bodyOf(sent), error: error === null ? null : refusalOf(error) };
}

function streamOf(read: (file: string) => string | null): Recording["stream"] {
  for (const framing of ["sse", "ndjson"] as const) {
    const text = read(`stream.${framing}`);
    if (text !== null) return { text, framing };
  }
  // What is mutated are the events; the bytes that carry AWS's have tests of their own.
  const lines = read("stream.events");
  return lines === null ? null : { text: lines.replaceAll(awsEvent, toServerSent), framing: "sse" };
}

const awsEvent = /^:(event|exception)-type (\S+) (.*)\n/gm;

function toServerSent(_: string, type: string, name: string, data: string): string {
  return `event: ${type === "event" ? name : `exception:${name}`}\ndata: ${data}\n\n`;
}

function bodyOf(request: string | null): unknown {
  return request === null ? null : (JSON.parse(request).body ?? null);
}

function refusalOf(text: string): Recording["error"] {
  const { status, headers = {}, body } = JSON.parse(text);
  return { status, headers, body: typeof body === "string" ? body : JSON.stringify(body) };
}

function targetOf(provider: Provider, request: ChatRequest | null, file: string | null): Target {
  const { kind } = provider;
  const given = file === null ? {} : JSON.parse(file);
  const model: string = given.model ?? request?.model ?? "golden";
  const base = { name: `${kind}/${model}`, instance: kind, provider: kind, model, wire: "repair" as const };
  return { ...base, ...given, facts: { ...packageFacts(kind, model), ...given.facts } };
}

function memoryOf(provider: Provider, request: ChatRequest | null, target: Target, stream: boolean): DecodeMemory {
  if (request === null) return { target, stream };
  try {
    return provider.toRequest({ request, stream }, target).memory;
  } catch (error) {
    if (error instanceof GatewayError) return { target, stream };
    throw error;
  }
}
