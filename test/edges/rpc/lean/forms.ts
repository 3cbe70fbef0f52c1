import { create, fromBinary, fromJsonString, toBinary, toJsonString } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { endStreamFromJson, errorFromJsonBytes } from "@connectrpc/connect/protocol-connect";
import { findTrailerError } from "@connectrpc/connect/protocol-grpc";
import { trailerParse } from "@connectrpc/connect/protocol-grpc-web";
import {
  ChatRequestSchema,
  ChatResponseSchema,
  StreamChatRequestSchema,
  StreamChatResponseSchema,
} from "../../../../gen/trunkline/v1/chat_pb.ts";
import type { RawAnswer, RawHead, Version } from "./raw-call.ts";

/** A way to call: protocol, encoding, one answer or a stream of them, and version of HTTP. */
export interface Form {
  readonly name: string;
  readonly version: Version;
  readonly type: string;
  readonly kind: "unary" | "stream";
}

const connectForms: readonly Form[] = (["1.1", "2"] as const).flatMap((version) => [
  form("Connect JSON", version, "application/json", "unary"),
  form("Connect binary", version, "application/proto", "unary"),
  form("Connect JSON", version, "application/connect+json", "stream"),
  form("Connect binary", version, "application/connect+proto", "stream"),
]);
const grpcForms = (["unary", "stream"] as const).flatMap((kind) => [
  form("gRPC", "2", "application/grpc", kind),
  form("gRPC JSON", "2", "application/grpc+json", kind),
  form("gRPC-Web", "1.1", "application/grpc-web+proto", kind),
  form("gRPC-Web JSON", "2", "application/grpc-web+json", kind),
]);

/** All that go the short way. */
export const forms: readonly Form[] = [...connectForms, ...grpcForms];
export const streamForms = forms.filter(({ kind }) => kind === "stream");

function form(name: string, version: Version, type: string, kind: Form["kind"]): Form {
  return { name: `${name}, ${kind}, HTTP/${version}`, version, type, kind };
}

const isBinary = ({ type }: Form) => !type.endsWith("json");
const isBare = ({ type }: Form) => type === "application/json" || type === "application/proto";

/** The head of a call. @param timeoutMs of the caller's deadline */
export function headOf(form: Form, fields: RawHead["headers"] = {}, timeoutMs: number | null = null): RawHead {
  const isConnect = !form.type.startsWith("application/grpc");
  const timeout = isConnect ? { "connect-timeout-ms": `${timeoutMs}` } : { "grpc-timeout": `${timeoutMs}m` };
  const path = `/trunkline.v1.ChatService/${form.kind === "unary" ? "Chat" : "StreamChat"}`;
  return { path, headers: { "content-type": form.type, ...(timeoutMs !== null && timeout), ...fields } };
}

/** The body of a call for a model by name; nothing else is asked. */
export function bodyOf(form: Form, model = "m"): Buffer {
  const request = create(ChatRequestSchema, { model });
  const streamed = create(StreamChatRequestSchema, { request });
  if (form.kind === "unary") {
    return bodyWith(form, isBinary(form) ? toBinary(ChatRequestSchema, request) : json(ChatRequestSchema, request));
  }
  const { type } = form;
  const bytes = type.endsWith("json")
    ? json(StreamChatRequestSchema, streamed)
    : toBinary(StreamChatRequestSchema, streamed);
  return bodyWith(form, bytes);
}

const json = (...[schema, message]: Parameters<typeof toJsonString>) => Buffer.from(toJsonString(schema, message));

/** A message as the body of a call. */
export function bodyWith(form: Form, message: Uint8Array): Buffer {
  return isBare(form) ? Buffer.from(message) : envelope(message);
}

export function envelope(message: Uint8Array, flags = 0): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(flags);
  head.writeUInt32BE(message.byteLength, 1);
  return Buffer.concat([head, message]);
}

/** What an answer says, whatever its form. */
export interface Said {
  /** The model of the answer, or the text of each event. */
  readonly texts: readonly string[];
  /** By its name; null for an answer that ended well. */
  readonly code: string | null;
  readonly message: string | null;
  readonly error: ConnectError | null;
  readonly trailers: Headers;
}

export function readAnswer(form: Form, answer: RawAnswer): Said {
  if (!answer.whole) throw new Error("the answer broke off");
  if (isBare(form)) return readBare(form, answer);
  let trailers = toHeaders(answer.trailers);
  let error: ConnectError | null = null;
  const texts: string[] = [];
  for (const { flags, bytes } of envelopesOf(answer.body)) {
    if (flags === 0) texts.push(textOf(form, bytes));
    else if (flags === 0x80) trailers = trailerParse(bytes);
    else ({ metadata: trailers, error = null } = withError(endStreamFromJson(bytes)));
  }
  if (form.type.startsWith("application/grpc")) {
    error = findTrailerError(trailers) ?? null;
    if (!trailers.has("grpc-status")) throw new Error("the answer has no status");
  }
  return said(texts, error, trailers);
}

function withError({ metadata, error }: ReturnType<typeof endStreamFromJson>) {
  return { metadata, error: error ?? null };
}

function readBare(form: Form, { status, headers, body }: RawAnswer): Said {
  const trailing = Object.entries(headers).filter(([name]) => name.startsWith("trailer-"));
  const trailers = toHeaders(Object.fromEntries(trailing.map(([name, value]) => [name.slice(8), value])));
  if (status === 200) return said([textOf(form, body)], null, trailers);
  return said([], errorFromJsonBytes(body, undefined, new ConnectError("no error", Code.Unknown)), trailers);
}

function said(texts: readonly string[], error: ConnectError | null, trailers: Headers): Said {
  return { texts, code: error && (Code[error.code] ?? ""), message: error?.rawMessage ?? null, error, trailers };
}

function textOf(form: Form, bytes: Uint8Array): string {
  if (form.kind === "unary") {
    const schema = ChatResponseSchema;
    return (isBinary(form) ? fromBinary(schema, bytes) : fromJsonString(schema, Buffer.from(bytes).toString())).model;
  }
  const schema = StreamChatResponseSchema;
  const { event } = isBinary(form) ? fromBinary(schema, bytes) : fromJsonString(schema, Buffer.from(bytes).toString());
  return event.case === "textDelta" ? event.value : "";
}

function envelopesOf(body: Buffer): { readonly flags: number; readonly bytes: Buffer }[] {
  const found = [];
  for (let at = 0; at < body.length; ) {
    const length = body.readUInt32BE(at + 1);
    const bytes = body.subarray(at + 5, at + 5 + length);
    if (bytes.length < length) throw new Error("the last envelope is cut");
    found.push({ flags: body.readUInt8(at), bytes });
    at += 5 + length;
  }
  return found;
}

export function toHeaders(fields: RawAnswer["headers"]): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(fields)) {
    for (const one of [value ?? []].flat()) headers.append(name, one);
  }
  return headers;
}
