import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { Exchange } from "../exchange.ts";
import { WireError } from "../wire-error.ts";

/** The one identity that may sign; any key of Bedrock's own but `invalid` will do as well. */
export const simulatedIdentity = { accessKeyId: "AKIASIMULATED", secretAccessKey: "simulated-secret-access-key" };

/** AWS: five minutes, either way. */
const maxSkewMs = 5 * 60_000;

/** Checks who asks: a bearer key, or a signature over the whole request. @throws WireError as AWS refuses */
export function checkCredentials({ method, headers, raw, now }: Exchange): void {
  const { authorization = "" } = headers;
  if (authorization === "") throw refused("MissingAuthenticationTokenException", "Missing Authentication Token");
  if (authorization.startsWith("Bearer ")) {
    if (authorization.slice("Bearer ".length) !== "invalid") return;
    throw refused("AccessDeniedException", "Authentication failed: Please make sure your API Key is valid.");
  }
  const form =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([a-z0-9-]+)\/bedrock\/aws4_request, SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})$/;
  const [, id, day = "", region = "", names = "", signature = ""] = form.exec(authorization) ?? [];
  if (id === undefined) throw refused("IncompleteSignatureException", "Authorization header is not well formed.");
  if (id !== simulatedIdentity.accessKeyId)
    throw refused("UnrecognizedClientException", "The security token included in the request is invalid.");
  const date = headers["x-amz-date"] ?? "";
  const at = Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"));
  if (!date.startsWith(day) || !(Math.abs(at - now) <= maxSkewMs))
    throw refused("InvalidSignatureException", `Signature expired: ${date} is not within 5 minutes.`);
  if (!/(^|;)host(;|$)/.test(names)) throw refused("InvalidSignatureException", "'Host' must be a signed header.");
  const canonical = canonicalRequest(method, raw, names.split(";"), headers);
  const scope = `${day}/${region}/bedrock/aws4_request`;
  const text = ["AWS4-HMAC-SHA256", date, scope, digest(canonical)].join("\n");
  const key = [day, region, "bedrock", "aws4_request"].reduce<string | Buffer>(
    (secret, piece) => createHmac("sha256", secret).update(piece).digest(),
    `AWS4${simulatedIdentity.secretAccessKey}`,
  );
  const expected = createHmac("sha256", key).update(text).digest();
  if (timingSafeEqual(expected, Buffer.from(signature, "hex"))) return;
  const message = "The request signature we calculated does not match the signature you provided.";
  throw refused("InvalidSignatureException", message);
}

function canonicalRequest(
  method: string,
  { url, bytes }: Exchange["raw"],
  names: readonly string[],
  headers: Exchange["headers"],
): string {
  const [path = "/", query = ""] = url.split("?");
  // Encoded as it came, and once more: every service but S3.
  const twice = path.split("/").map(encoded).join("/");
  const lines = names.map((name) => `${name}:${(headers[name] ?? "").trim().replaceAll(/ +/g, " ")}\n`).join("");
  return [method, twice, query, lines, names.join(";"), digest(bytes)].join("\n");
}

function encoded(segment: string): string {
  return encodeURIComponent(segment).replaceAll(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

function digest(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}

function refused(type: string, message: string): WireError {
  return new WireError(403, type, message);
}
