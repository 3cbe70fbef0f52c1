import { createPrivateKey, sign } from "node:crypto";
import type { Clock } from "../domain/clock.ts";
import { GatewayError } from "../domain/errors.ts";
import type { GoogleIdentity } from "../domain/google-identity.ts";
import { Secret } from "../domain/secret.ts";
import type { Dialer, Outgoing } from "../net/dial.ts";

/** Gives an identity's access token. @throws GatewayError `upstream_auth` when none is given, and what the dialer throws */
export type TokenSource = (identity: GoogleIdentity, signal: AbortSignal) => Promise<Secret>;

/** How long before its end a token is renewed. Milliseconds. */
const renewBeforeMs = 5 * 60_000;
/** How long asking may take, whoever waits for it. Milliseconds. */
const askMs = 10_000;
const connectTimeoutMs = 5_000;
/** Google: an assertion holds for an hour at most. Seconds. */
const assertionSeconds = 3_600;
/** Google names the life of every token; one that does not is not kept long. Seconds. */
const unknownLifeSeconds = 60;
const maxAnswerBytes = 64 * 1024;
const scope = "https://www.googleapis.com/auth/cloud-platform";

interface Token {
  readonly secret: Secret;
  /** On the monotonic clock. */
  readonly renewAtMs: number;
}

/** Tokens are kept until shortly before their end, and asked for once however many wait. They are never logged. */
export function createGoogleTokens({ clock, dialer }: { readonly clock: Clock; readonly dialer: Dialer }): TokenSource {
  const kept = new WeakMap<GoogleIdentity, Token>();
  const asked = new WeakMap<GoogleIdentity, Promise<Token>>();

  async function ask(identity: GoogleIdentity): Promise<Token> {
    const timeout = new AbortController();
    const late = new GatewayError("timeout", "Google gave no access token in time.", { phase: "connect" });
    const cancelTimer = clock.after(askMs, () => timeout.abort(late));
    try {
      const token = await exchange(identity, clock, dialer, timeout.signal);
      kept.set(identity, token);
      return token;
    } finally {
      cancelTimer();
      asked.delete(identity);
    }
  }

  return async (identity, signal) => {
    const token = kept.get(identity);
    if (token && token.renewAtMs > clock.nowMs()) return token.secret;
    let asking = asked.get(identity);
    if (!asking) {
      asking = ask(identity);
      asked.set(identity, asking);
      // Whoever waited may have left before it failed.
      asking.catch(() => {});
    }
    return (await orAborted(asking, signal)).secret;
  };
}

/** One caller's hang-up ends its own wait only. */
function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) return Promise.reject(signal.reason);
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const leave = () => reject(signal.reason);
  signal.addEventListener("abort", leave, { once: true });
  return Promise.race([promise, aborted]).finally(() => signal.removeEventListener("abort", leave));
}

async function exchange(identity: GoogleIdentity, clock: Clock, dialer: Dialer, signal: AbortSignal): Promise<Token> {
  const incoming = await dialer.open(toRequest(identity, clock.wallMs()), signal);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const some of incoming.body) {
    for (const chunk of some) size += chunk.length;
    if (size > maxAnswerBytes) throw refused("with more than is read");
    chunks.push(...some);
  }
  if (incoming.status !== 200) {
    // 5xx passes; anything else is the credential's fault. The answer may repeat the credential: it is not shown.
    if (incoming.status >= 500)
      throw new GatewayError("service_unavailable", `Google's token endpoint answered with HTTP ${incoming.status}.`);
    throw refused(`with HTTP ${incoming.status}`);
  }
  return toToken(Buffer.concat(chunks).toString("utf8"), clock.nowMs());
}

function toToken(body: string, nowMs: number): Token {
  let answer: { access_token?: unknown; expires_in?: unknown } | null;
  try {
    answer = JSON.parse(body);
  } catch {
    throw refused("with something that is not JSON");
  }
  const { access_token: token, expires_in: life } = answer ?? {};
  if (typeof token !== "string" || !/^[\x21-\x7e]{1,8192}$/.test(token)) throw refused("without a token");
  const lifeMs = (typeof life === "number" && life > 0 ? life : unknownLifeSeconds) * 1_000;
  // A token of a short life is renewed halfway.
  return { secret: new Secret(token), renewAtMs: nowMs + Math.max(lifeMs - renewBeforeMs, lifeMs / 2) };
}

function refused(how: string): GatewayError {
  return new GatewayError("upstream_auth", `Google's token endpoint answered ${how}.`);
}

function toRequest(identity: GoogleIdentity, wallMs: number): Outgoing {
  if (identity.kind === "machine") {
    const path = "/computeMetadata/v1/instance/service-accounts/default/token";
    return { ...base(identity.origin + path), method: "GET", headers: { "metadata-flavor": "Google" }, body: null };
  }
  const form =
    identity.kind === "user"
      ? {
          grant_type: "refresh_token",
          client_id: identity.clientId,
          client_secret: identity.clientSecret.reveal(),
          refresh_token: identity.refreshToken.reveal(),
        }
      : { grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer", assertion: assertionOf(identity, wallMs) };
  const headers = { "content-type": "application/x-www-form-urlencoded", "accept-encoding": "identity" };
  return { ...base(identity.tokenUri), method: "POST", headers, body: new URLSearchParams(form).toString() };
}

function base(address: string) {
  const { origin, pathname } = new URL(address);
  return { origin, socketPath: null, path: pathname, connectTimeoutMs };
}

/** RFC 7523: who asks, signed by the account's key. */
function assertionOf(identity: Extract<GoogleIdentity, { kind: "service_account" }>, wallMs: number): string {
  const { email, keyId, tokenUri } = identity;
  const iat = Math.floor(wallMs / 1_000);
  const head = encoded({ alg: "RS256", typ: "JWT", ...(keyId && { kid: keyId }) });
  const claims = encoded({ iss: email, scope, aud: tokenUri, iat, exp: iat + assertionSeconds });
  const key = createPrivateKey(identity.privateKey.reveal());
  const signature = sign("RSA-SHA256", Buffer.from(`${head}.${claims}`), key).toString("base64url");
  return `${head}.${claims}.${signature}`;
}

function encoded(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
