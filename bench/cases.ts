import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { create, toBinary, toJsonString } from "@bufbuild/protobuf";
import { ChatRequestSchema, StreamChatRequestSchema } from "../gen/trunkline/v1/chat_pb.ts";
import { Role } from "../gen/trunkline/v1/message_pb.ts";
import { claudeModel, masterKey, paced, quickModel, usualEvents } from "./agreed.ts";

/** The ways to ask. "REST translated" is OpenAI's dialect in front of a provider that speaks Anthropic's. */
export const paths = ["REST", "REST translated", "Connect JSON", "Connect binary", "gRPC", "gRPC-Web"] as const;
export type Path = (typeof paths)[number];

/** What is asked for: an answer in one piece, a stream without pauses, a stream with 20 ms between two events. */
export const kinds = ["unary", "streams", "paced"] as const;
export type Kind = (typeof kinds)[number];

/** One kind of request, sent over and over. */
export interface Case {
  readonly name: string;
  readonly path: string;
  readonly headers: readonly string[];
  /** File with the body. */
  readonly body: string;
  /** What the load generator reads: a whole answer, server-sent events, or enveloped messages. */
  readonly mode: "unary" | "sse" | "connect";
  /** Fewer events than this are an error. */
  readonly expect: number;
  /** HTTP/2 by prior knowledge, over a few connections. */
  readonly h2c: boolean;
}

/** A request over one of the paths. The body is written into `folder`. */
export function createCase(folder: string, path: Path, kind: Kind): Case {
  const model = path === "REST translated" ? claudeModel : quickModel;
  const named = kind === "paced" ? paced(model) : model;
  if (path === "REST") return restCase(folder, { model: named, stream: kind !== "unary" });
  if (path === "REST translated")
    return { ...restCase(folder, { model: named, stream: kind !== "unary" }), name: path };
  return rpcCase(folder, path, { model: named, stream: kind !== "unary" });
}

export interface RestAsk {
  readonly model?: string;
  readonly stream?: boolean;
  /** Size of the prompt. */
  readonly promptBytes?: number;
  /** Events of a stream of this model. */
  readonly events?: number;
  /** Further headers. */
  readonly headers?: readonly string[];
  /** Further members of the body. */
  readonly members?: Readonly<Record<string, unknown>>;
}

/** A request in OpenAI's dialect. */
export function restCase(folder: string, ask: RestAsk): Case {
  const { model = quickModel, stream = false, promptBytes, events = usualEvents, headers = [], members = {} } = ask;
  const messages = promptBytes === undefined ? chat.messages : [{ role: "user", content: promptOf(promptBytes) }];
  const body = JSON.stringify({ ...chat, model, messages, ...(stream && { stream }), ...members });
  return {
    name: "REST",
    path: "/v1/chat/completions",
    headers: [`Authorization: Bearer ${masterKey}`, ...headers],
    body: write(folder, body),
    mode: stream ? "sse" : "unary",
    expect: stream ? events : 0,
    h2c: false,
  };
}

/** Slow streams, of which none ends while it is measured. */
export function slowStream(folder: string, model: string): Case {
  return { ...restCase(folder, { model, stream: true }), name: "slow streams", expect: 0 };
}

const rpcTypes = {
  "Connect JSON": { unary: "application/json", stream: "application/connect+json" },
  "Connect binary": { unary: "application/proto", stream: "application/connect+proto" },
  gRPC: { unary: "application/grpc", stream: "application/grpc" },
  "gRPC-Web": { unary: "application/grpc-web+proto", stream: "application/grpc-web+proto" },
} as const;

function rpcCase(
  folder: string,
  name: keyof typeof rpcTypes,
  { model, stream }: { readonly model: string; readonly stream: boolean },
): Case {
  const type = rpcTypes[name][stream ? "stream" : "unary"];
  const request = create(ChatRequestSchema, { ...typedChat, model });
  const streamed = create(StreamChatRequestSchema, { request });
  const isJson = name === "Connect JSON";
  const message = stream
    ? isJson
      ? Buffer.from(toJsonString(StreamChatRequestSchema, streamed))
      : toBinary(StreamChatRequestSchema, streamed)
    : isJson
      ? Buffer.from(toJsonString(ChatRequestSchema, request))
      : toBinary(ChatRequestSchema, request);
  const isEnveloped = stream || !name.startsWith("Connect");
  return {
    name,
    path: `/trunkline.v1.ChatService/${stream ? "StreamChat" : "Chat"}`,
    headers: [`Authorization: Bearer ${masterKey}`, `Content-Type: ${type}`, "Connect-Protocol-Version: 1"],
    body: write(folder, isEnveloped ? envelope(message) : message),
    mode: isEnveloped ? "connect" : "unary",
    expect: stream ? usualEvents : isEnveloped ? 1 : 0,
    h2c: name === "gRPC",
  };
}

const system = "You are a helpful assistant. Answer briefly and name your sources.";
const question = "Which animal jumps over the lazy dog, and how quick is it?";
const chat = {
  model: quickModel,
  messages: [
    { role: "system", content: system },
    { role: "user", content: question },
  ],
  temperature: 0.5,
  max_tokens: 256,
};
const typedChat = {
  messages: [
    { role: Role.SYSTEM, parts: [{ kind: { case: "text" as const, value: system } }] },
    { role: Role.USER, parts: [{ kind: { case: "text" as const, value: question } }] },
  ],
  temperature: 0.5,
  maxOutputTokens: 256,
};

/** Text of a length, with the line breaks, quotes and umlauts that a prompt has. */
function promptOf(bytes: number): string {
  const line = `He said "${question}", and it wasn't über-quick.\n`;
  return line.repeat(Math.ceil(bytes / line.length)).slice(0, bytes);
}

let written = 0;

function write(folder: string, content: string | Uint8Array): string {
  const path = join(folder, `body-${written++}`);
  writeFileSync(path, content);
  return path;
}

/** A message as gRPC and Connect streams carry it: a byte of flags, its length, itself. */
function envelope(message: Uint8Array): Uint8Array {
  const enveloped = new Uint8Array(5 + message.length);
  new DataView(enveloped.buffer).setUint32(1, message.length);
  enveloped.set(message, 5);
  return enveloped;
}
