import { createHmac, generateKeyPairSync, randomBytes, verify } from "node:crypto";
import type { Exchange, WholeReply } from "../exchange.ts";
import { type Fields, isFields } from "../json.ts";
import { WireError } from "../wire-error.ts";

/** Made at the first use: nobody else has it, and it ends with the process. */
let pair: ReturnType<typeof makePair> | null = null;

function makePair() {
  const publicKeyEncoding = { type: "spki", format: "pem" } as const;
  const privateKeyEncoding = { type: "pkcs8", format: "pem" } as const;
  const keys = generateKeyPairSync("rsa", { modulusLength: 2048, publicKeyEncoding, privateKeyEncoding });
  return { ...keys, secret: randomBytes(32) };
}

const email = "simulated@simulated.iam.gserviceaccount.com";
const keyId = "simulated-key";
const lifeSeconds = 3_600;

/** A key file, as Google's console gives it out. @param origin where this simulator answers */
export function keyFile(origin: string): Fields {
  pair ??= makePair();
  return {
    type: "service_account",
    project_id: "simulated",
    private_key_id: keyId,
    private_key: pair.privateKey,
    client_email: email,
    token_uri: `${origin}/vertex/token`,
  };
}

/** A token for a signed assertion or a refresh token. @throws WireError as Google's endpoint refuses */
export function exchangeToken({ body, headers, now }: Exchange): WholeReply {
  const form = isFields(body) ? body : {};
  if (form.grant_type === "refresh_token") {
    if (form.refresh_token === "invalid") throw denied("invalid_grant", "Token has been expired or revoked.");
    return tokenReply(now);
  }
  if (form.grant_type !== "urn:ietf:params:oauth:grant-type:jwt-bearer")
    throw denied("unsupported_grant_type", "Invalid grant_type");
  const [head = "", claims = "", signature = ""] = String(form.assertion).split(".");
  const bytes = Buffer.from(`${head}.${claims}`);
  const isSigned = pair !== null && verify("RSA-SHA256", bytes, pair.publicKey, Buffer.from(signature, "base64url"));
  if (!isSigned || parsed(head).alg !== "RS256") throw denied("invalid_grant", "Invalid JWT Signature.");
  const { iss, aud, iat, exp, scope } = parsed(claims);
  const seconds = now / 1_000;
  const inTime = Number(iat) <= seconds + 60 && Number(exp) > seconds && Number(exp) - Number(iat) <= lifeSeconds;
  if (!inTime) throw denied("invalid_grant", "Invalid JWT: Token must be a short-lived token (60 minutes)");
  if (iss !== email || aud !== `http://${headers.host}/vertex/token`)
    throw denied("invalid_grant", "Invalid grant: account not found");
  if (!String(scope).includes("cloud-platform")) throw denied("invalid_scope", "Invalid OAuth scope");
  return tokenReply(now);
}

/** What the metadata server of a machine gives out. */
export function machineToken({ headers, now }: Exchange): WholeReply {
  if (headers["metadata-flavor"] !== "Google") throw new WireError(403, "", "Missing Metadata-Flavor:Google header.");
  return tokenReply(now);
}

function tokenReply(now: number): WholeReply {
  pair ??= makePair();
  const end = String(Math.floor(now / 1_000) + lifeSeconds);
  const token = `ya29.${end}.${createHmac("sha256", pair.secret).update(end).digest("base64url")}`;
  return { status: 200, headers: {}, body: { access_token: token, expires_in: lifeSeconds - 1, token_type: "Bearer" } };
}

/** Whether a token was given out here, and still holds. */
export function isToken(token: string, now: number): boolean {
  const [, end = "", mark = ""] = /^ya29\.(\d+)\.([\w-]+)$/.exec(token) ?? [];
  if (pair === null || Number(end) * 1_000 <= now) return false;
  return mark === createHmac("sha256", pair.secret).update(end).digest("base64url");
}

function parsed(part: string): Fields {
  const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
  return isFields(value) ? value : {};
}

/** OAuth's form of errors. */
export class TokenError extends WireError {}

function denied(error: string, description: string): TokenError {
  return new TokenError(400, error, description);
}
