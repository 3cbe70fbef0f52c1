import { createHash, createHmac } from "node:crypto";

/** A request as it goes over the wire. */
export interface Signable {
  readonly method: string;
  /** Host and port as the `host` header has them. */
  readonly host: string;
  /** Encoded, with its query. */
  readonly path: string;
  /** Headers to be signed besides `host`, by lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
}

export interface Signer {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string | null;
  readonly region: string;
  readonly service: string;
}

/**
 * Headers that prove who sends a request: AWS Signature Version 4 over the whole of it, body included.
 * @param atMs wall-clock time, milliseconds since 1970; AWS refuses what is more than five minutes off
 * @returns `authorization`, `x-amz-date` and, for temporary credentials, `x-amz-security-token`
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
export function sign(request: Signable, signer: Signer, atMs: number): Readonly<Record<string, string>> {
  const time = new Date(atMs).toISOString().replaceAll(/[:-]|\.\d{3}/g, "");
  const day = time.slice(0, 8);
  const added = {
    "x-amz-date": time,
    ...(signer.sessionToken !== null && { "x-amz-security-token": signer.sessionToken }),
  };
  const headers = { ...request.headers, ...added, host: request.host };
  const { text, names } = canonical({ ...request, headers });
  const scope = `${day}/${signer.region}/${signer.service}/aws4_request`;
  const toSign = `AWS4-HMAC-SHA256\n${time}\n${scope}\n${sha256(text)}`;
  const dayKey = hmac(`AWS4${signer.secretAccessKey}`, day);
  const key = hmac(hmac(hmac(dayKey, signer.region), signer.service), "aws4_request");
  const signature = hmac(key, toSign).toString("hex");
  return {
    ...added,
    authorization: `AWS4-HMAC-SHA256 Credential=${signer.accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`,
  };
}

/** The request in the form that both sides hash. */
function canonical({ method, path, headers, body }: Omit<Signable, "host">): { text: string; names: string } {
  const [pathname = "/", query = ""] = splitOnce(path, "?");
  const sorted = Object.entries(headers).sort(([a], [b]) => (a < b ? -1 : 1));
  const lines = sorted.map(([name, value]) => `${name}:${value.trim().replaceAll(/ {2,}/g, " ")}\n`);
  const names = sorted.map(([name]) => name).join(";");
  const parts = [method, canonicalPath(pathname), canonicalQuery(query), lines.join(""), names, sha256(body)];
  return { text: parts.join("\n"), names };
}

/** Every service but S3 wants a path that is encoded already encoded once more, and `.`, `..` and `//` resolved. */
function canonicalPath(path: string): string {
  const segments: string[] = [];
  for (const segment of path.split("/")) {
    if (segment === "..") segments.pop();
    else if (segment !== "" && segment !== ".") segments.push(encode(segment));
  }
  const tail = segments.length > 0 && path.endsWith("/") ? "/" : "";
  return `/${segments.join("/")}${tail}`;
}

function canonicalQuery(query: string): string {
  if (query === "") return "";
  const pairs = query
    .split("&")
    .map((pair) => splitOnce(pair, "=").map((piece = "") => encode(decodeURIComponent(piece))));
  const written = pairs.map(([name = "", value = ""]): readonly [string, string] => [name, value]);
  written.sort(([a, one], [b, other]) => (a === b ? (one < other ? -1 : 1) : a < b ? -1 : 1));
  return written.map(([name, value]) => `${name}=${value}`).join("&");
}

/** RFC 3986: everything but letters, digits and `-._~`; encodeURIComponent leaves five more. */
function encode(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

function splitOnce(text: string, at: string): [string, string] {
  const position = text.indexOf(at);
  return position < 0 ? [text, ""] : [text.slice(0, position), text.slice(position + 1)];
}

function sha256(data: string | Buffer): string {
  return createHash("sha256").update(data).digest("hex");
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}
