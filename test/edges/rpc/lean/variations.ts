import { gzipSync } from "node:zlib";
import { bodyOf, bodyWith, envelope, type Form, forms } from "./forms.ts";
import type { RawHead, Version } from "./raw-call.ts";

/** A request that somebody might send, right or wrong. */
export interface Variation {
  readonly version: Version;
  readonly head: RawHead;
  /** In the pieces in which it is sent. */
  readonly body: readonly Uint8Array[];
}

/** Longest message that is taken. Bytes. */
export const maxMessageBytes = 2_000;

const models = ["m", "", "naïve €👋", "fail", "bug", "many", "x".repeat(300)];
const types = [
  ...new Set(forms.map(({ type }) => type)),
  ...["application/grpc+proto", "application/grpc-web", "application/grpc+thrift", "application/grpc-web-text"],
  ...["text/plain", "application/connect+text", "application/x-protobuf", ""],
];
const connectTimeouts = ["10000", "0010000", "12345678901", "-1", "1e4", "10.5", "ten", " 20000", ""];
const grpcTimeouts = ["10S", "1H", "100000000S", "10x", "10 S", "S", "-1S", "10s", ""];
const encodings = ["identity", "gzip", "br", "snappy", "", "IDENTITY", "identity, gzip"];

type Random = () => number;

function pick<T>(random: Random, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)] as T;
}

/** One of many requests: mostly right, each with something odd here or there. */
export function createVariation(random: Random, version: Version): Variation {
  const form = pick(
    random,
    forms.filter((one) => one.version === version),
  );
  const body = random() < 0.5 ? bodyOf(form, pick(random, models)) : oddBody(random, form);
  return { version, head: headFor(random, form), body: inPieces(random, body) };
}

function headFor(random: Random, form: Form): RawHead {
  const sometimes = (share: number) => random() < share;
  const headers: Record<string, string | readonly string[]> = { "content-type": contentType(random, form) };
  if (sometimes(0.3)) headers["connect-timeout-ms"] = pick(random, connectTimeouts);
  if (sometimes(0.3)) headers["grpc-timeout"] = pick(random, grpcTimeouts);
  if (sometimes(0.3)) headers["connect-protocol-version"] = pick(random, ["1", "1", "2", "", "1, 1"]);
  if (sometimes(0.1)) headers["content-encoding"] = pick(random, encodings);
  if (sometimes(0.1)) headers["grpc-encoding"] = pick(random, encodings);
  if (sometimes(0.1)) headers["connect-content-encoding"] = pick(random, encodings);
  if (sometimes(0.2)) headers[pick(random, ["accept-encoding", "grpc-accept-encoding"])] = pick(random, encodings);
  if (sometimes(0.2)) headers.te = "trailers";
  if (sometimes(0.1)) headers["x-deny"] = "1";
  if (sometimes(0.2)) headers["x-many"] = ["one", "two"];
  const service = sometimes(0.05) ? "trunkline.v1.chatservice" : "trunkline.v1.ChatService";
  const own = form.kind === "unary" ? "Chat" : "StreamChat";
  const method = sometimes(0.9) ? own : pick(random, ["Chat", "StreamChat", "CountTokens", "chat", "Nothing"]);
  const query = sometimes(0.1) ? "?a=b" : "";
  const verb = sometimes(0.9) ? "POST" : pick(random, ["GET", "PUT", "DELETE", "OPTIONS"]);
  return { path: `/${service}/${method}${query}`, method: verb, headers };
}

function contentType(random: Random, { type }: Form): string {
  const chance = random();
  if (chance < 0.7) return type;
  if (chance < 0.85) return pick(random, types);
  return pick(random, [
    type.toUpperCase(),
    `${type}; charset=utf-8`,
    `${type};charset=UTF-16`,
    `${type} `,
    `${type}; foo="bar"`,
  ]);
}

function oddBody(random: Random, form: Form): Uint8Array {
  const message = bodyOf(form, pick(random, models));
  const bytes = (text: string, encoding?: BufferEncoding) => bodyWith(form, Buffer.from(text, encoding));
  return pick<() => Uint8Array>(random, [
    () => Buffer.alloc(0),
    () => message.subarray(0, Math.floor(random() * message.length)),
    () => Buffer.concat([message, message]),
    () => Buffer.concat([message, Buffer.of(0)]),
    () => envelope(message, pick(random, [1, 2, 3, 4, 0x80, 0xff])),
    () => envelope(gzipSync(message), 1),
    () => gzipSync(message),
    () => bodyWith(form, Buffer.alloc(0)),
    () => bytes("{"),
    () => bytes("[]"),
    () => bytes('{"temprature":1}'),
    () => bytes('{"model":5}'),
    () => bytes('\u{feff}{"model":"m"}'),
    () => bytes('{"model":"m"} x'),
    () => bytes("7b226d6f64656c223a22c328227d", "hex"),
    () => bytes("0a7f61", "hex"),
    () => bytes("ffffffffffffffffffffff", "hex"),
    () => bytes("0b", "hex"),
    () => bytes("0a02c328", "hex"),
    () => bytes("ca3e0161", "hex"),
    () => bodyOf(form, "x".repeat(maxMessageBytes + 100)),
    () => Buffer.concat([Buffer.of(0, 0xff, 0xff, 0xff, 0xff), message]),
  ])();
}

function inPieces(random: Random, body: Uint8Array): Uint8Array[] {
  if (random() < 0.5 || body.length < 2) return [body];
  const at = 1 + Math.floor(random() * (body.length - 1));
  return [body.subarray(0, at), body.subarray(at)];
}
