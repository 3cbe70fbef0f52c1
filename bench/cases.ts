import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { create, toBinary, toJsonString } from "@bufbuild/protobuf";
import { ChatRequestSchema, StreamChatRequestSchema } from "../gen/trunkline/v1/chat_pb.ts";
import { Role } from "../gen/trunkline/v1/message_pb.ts";
import { masterKey } from "./servers.ts";

/** Model of the mock upstream that answers at once. */
export const quickModel = "gpt-4o-mini";
/** Events a stream of the mock upstream: 64 with text, one that opens and one that ends, usage, end marker. */
const sseEvents = 64;

/** Who is asked. */
export type Subject = "upstream" | "bare" | "gateway" | "older";

/** One kind of request, sent over and over. */
export interface Case {
  readonly name: string;
  readonly subject: Subject;
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

/**
 * All cases, the one that ratios refer to first after the upstream itself. Bodies are written into `folder`.
 * @param older whether an older build of the gateway is compared with this one, and nothing else measured
 */
export function createCases(
  folder: string,
  older: boolean,
): { readonly unary: readonly Case[]; readonly stream: readonly Case[] } {
  const bodies = writeBodies(folder);
  const rest = (name: string, subject: Subject, stream: boolean): Case => ({
    name,
    subject,
    path: "/v1/chat/completions",
    headers: [`Authorization: Bearer ${masterKey}`],
    body: stream ? bodies.restStream : bodies.rest,
    mode: stream ? "sse" : "unary",
    expect: stream ? sseEvents : 0,
    h2c: false,
  });
  const rpc = (name: string, method: string, type: string, body: string, more: Partial<Case>): Case => ({
    name,
    subject: "gateway",
    path: `/trunkline.v1.ChatService/${method}`,
    headers: [`Authorization: Bearer ${masterKey}`, `Content-Type: ${type}`, "Connect-Protocol-Version: 1"],
    body,
    mode: "unary",
    expect: 0,
    h2c: false,
    ...more,
  });
  const enveloped = { mode: "connect", expect: sseEvents } as const;
  const controls = (stream: boolean) => [
    rest("direct", "upstream", stream),
    rest("bare pass-through", "bare", stream),
    rest("bare again (A/A)", "bare", stream),
  ];
  // Both builds do the same work and no other: what a process has seen before changes what it costs.
  const builds = (stream: boolean) => [
    ...controls(stream),
    rest("REST, this build", "gateway", stream),
    rest("REST, older build", "older", stream),
  ];
  if (older) return { unary: builds(false), stream: builds(true) };
  return {
    unary: [
      ...controls(false),
      rest("REST", "gateway", false),
      rpc("Connect JSON", "Chat", "application/json", bodies.json, {}),
      rpc("Connect binary", "Chat", "application/proto", bodies.binary, {}),
      rpc("gRPC", "Chat", "application/grpc", bodies.grpc, { mode: "connect", expect: 1, h2c: true }),
    ],
    stream: [
      ...controls(true),
      rest("REST", "gateway", true),
      rpc("Connect JSON", "StreamChat", "application/connect+json", bodies.jsonStream, enveloped),
      rpc("Connect binary", "StreamChat", "application/connect+proto", bodies.binaryStream, enveloped),
      rpc("gRPC", "StreamChat", "application/grpc", bodies.grpcStream, { ...enveloped, h2c: true }),
    ],
  };
}

/** A REST stream of the gateway, whose events come slowly. */
export function slowStream(folder: string, model: string): Case {
  const body = join(folder, "slow.json");
  writeFileSync(body, JSON.stringify({ ...chat, model, stream: true }));
  return {
    name: "slow streams",
    subject: "gateway",
    path: "/v1/chat/completions",
    headers: [`Authorization: Bearer ${masterKey}`],
    body,
    mode: "sse",
    expect: 0,
    h2c: false,
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

function writeBodies(folder: string) {
  const request = create(ChatRequestSchema, {
    model: quickModel,
    messages: [
      { role: Role.SYSTEM, parts: [{ kind: { case: "text", value: system } }] },
      { role: Role.USER, parts: [{ kind: { case: "text", value: question } }] },
    ],
    temperature: 0.5,
    maxOutputTokens: 256,
  });
  const streamRequest = create(StreamChatRequestSchema, { request });
  const text = new TextEncoder();
  const write = (name: string, content: string | Uint8Array) => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };
  const streamJson = toJsonString(StreamChatRequestSchema, streamRequest);
  const streamBinary = toBinary(StreamChatRequestSchema, streamRequest);
  return {
    rest: write("rest.json", JSON.stringify(chat)),
    restStream: write("rest-stream.json", JSON.stringify({ ...chat, stream: true })),
    json: write("connect.json", toJsonString(ChatRequestSchema, request)),
    binary: write("connect.bin", toBinary(ChatRequestSchema, request)),
    grpc: write("grpc.bin", envelope(toBinary(ChatRequestSchema, request))),
    jsonStream: write("connect-stream.json", envelope(text.encode(streamJson))),
    binaryStream: write("connect-stream.bin", envelope(streamBinary)),
    grpcStream: write("grpc-stream.bin", envelope(streamBinary)),
  };
}

/** A message as gRPC and Connect streams carry it: a byte of flags, its length, itself. */
function envelope(message: Uint8Array): Uint8Array {
  const enveloped = new Uint8Array(5 + message.length);
  new DataView(enveloped.buffer).setUint32(1, message.length);
  enveloped.set(message, 5);
  return enveloped;
}
