import type { IncomingHttpHeaders } from "node:http";
import type { NodeRequest } from "../node.ts";

/** What the head of a simple call says. */
export interface LeanHead {
  readonly protocol: "connect" | "grpc" | "grpc-web";
  /** Protobuf, else JSON. */
  readonly binary: boolean;
  /** Whether messages come in envelopes, with flags and length; a unary call of Connect has a bare one. */
  readonly enveloped: boolean;
  /** Of the answer; errors of bare messages are JSON. */
  readonly contentType: string;
  /** The caller's deadline, counted from its arrival. Milliseconds; null for none. */
  readonly timeoutMs: number | null;
}

/** What a content type means. */
interface Form extends Omit<LeanHead, "timeoutMs"> {
  readonly kind: "unary" | "server_streaming" | "both";
  /** Tells how messages of the request are compressed. */
  readonly encodingHeader: string;
}

const connectBare = { protocol: "connect", kind: "unary", enveloped: false } as const;
const connectStream = { protocol: "connect", kind: "server_streaming", enveloped: true } as const;
const grpc = { protocol: "grpc", kind: "both", enveloped: true, encodingHeader: "grpc-encoding" } as const;
const grpcWeb = { ...grpc, protocol: "grpc-web" } as const;

const forms: ReadonlyMap<string, Form> = new Map([
  form("application/json", { ...connectBare, binary: false, encodingHeader: "content-encoding" }),
  form("application/proto", { ...connectBare, binary: true, encodingHeader: "content-encoding" }),
  form("application/connect+json", { ...connectStream, binary: false, encodingHeader: "connect-content-encoding" }),
  form("application/connect+proto", { ...connectStream, binary: true, encodingHeader: "connect-content-encoding" }),
  form("application/grpc", { ...grpc, binary: true }, "application/grpc+proto"),
  form("application/grpc+proto", { ...grpc, binary: true }),
  form("application/grpc+json", { ...grpc, binary: false }),
  form("application/grpc-web", { ...grpcWeb, binary: true }, "application/grpc-web+proto"),
  form("application/grpc-web+proto", { ...grpcWeb, binary: true }),
  form("application/grpc-web+json", { ...grpcWeb, binary: false }),
]);

function form(type: string, of: Omit<Form, "contentType">, contentType = type): [string, Form] {
  return [type, { ...of, contentType }];
}

/**
 * Reads the head of a call that is simple by its head alone: POST, a content type without parameters, nothing compressed,
 * a well-formed deadline. Null for all others, however right they are: those are the library's.
 */
export function readHead(req: NodeRequest, kind: "unary" | "server_streaming"): LeanHead | null {
  const { headers } = req;
  const found = forms.get(headers["content-type"] ?? "");
  if (req.method !== "POST" || found === undefined || (found.kind !== kind && found.kind !== "both")) return null;
  // Trailers of HTTP/1.1 are seldom passed on, so the library has words for gRPC over it.
  if (found.protocol === "grpc" && req.httpVersionMajor !== 2) return null;
  const encoding = headers[found.encodingHeader];
  if (encoding !== undefined && encoding !== "identity") return null;
  const timeoutMs = found.protocol === "connect" ? connectTimeout(headers) : grpcTimeout(headers);
  if (timeoutMs === "odd") return null;
  const { protocol, binary, enveloped, contentType } = found;
  return { protocol, binary, enveloped, contentType, timeoutMs };
}

function connectTimeout(headers: IncomingHttpHeaders): number | null | "odd" {
  const version = headers["connect-protocol-version"];
  if (version !== undefined && version !== "1") return "odd";
  const value = headers["connect-timeout-ms"];
  if (value === undefined) return null;
  return typeof value === "string" && /^\d{1,10}$/.test(value) ? timeout(Number(value)) : "odd";
}

const unitMs: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 };

function grpcTimeout(headers: IncomingHttpHeaders): number | null | "odd" {
  const value = headers["grpc-timeout"];
  if (value === undefined) return null;
  const [, digits, unit = ""] = typeof value === "string" ? (/^(\d{1,8})([HMSmun])$/.exec(value) ?? []) : [];
  return digits === undefined ? "odd" : timeout(Number(digits) * (unitMs[unit] ?? Number.NaN));
}

/** Longest delay of a timer; whoever waits longer than those 24 days is told then. Milliseconds. */
const maxTimeoutMs = 2_147_483_647;

/** Less than a millisecond is the library's to refuse or to keep. */
function timeout(ms: number): number | "odd" {
  return ms >= 1 ? Math.min(ms, maxTimeoutMs) : "odd";
}
