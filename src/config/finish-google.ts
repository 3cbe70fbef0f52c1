import { createPrivateKey } from "node:crypto";
import type { GoogleIdentity } from "../domain/google-identity.ts";
import { Secret } from "../domain/secret.ts";
import type { Findings } from "./findings.ts";
import type { FileConfig } from "./schema.ts";
import { readTextFile } from "./text-file.ts";

type FileProvider = FileConfig["providers"][string];

/** Where a project's models answer: below its location. Undefined when neither an address nor a project is known. */
export function vertexUrl(provider: FileProvider, { env }: Findings): string | undefined {
  const { base_url: given } = provider;
  if (given !== undefined && /\/projects\/[^/]+\/locations\//.test(given)) return given;
  const project = provider.project ?? (env.GOOGLE_CLOUD_PROJECT || undefined);
  const location = provider.location ?? (env.GOOGLE_CLOUD_LOCATION || "global");
  if (project === undefined) return undefined;
  const host = location === "global" ? "aiplatform.googleapis.com" : `${location}-aiplatform.googleapis.com`;
  const root = (given ?? `https://${host}`).replace(/\/+$/, "").replace(/\/v1$/, "");
  return `${root}/v1/projects/${project}/locations/${location}`;
}

/**
 * Who asks for tokens, where no key or token is given: the file that is named, that of Google's own tools, or, at Google's own
 * address, the machine.
 */
export function googleIdentity(
  provider: FileProvider,
  baseUrl: string,
  path: readonly PropertyKey[],
  findings: Findings,
): GoogleIdentity | null {
  const { env } = findings;
  const file = provider.credentials_file ?? (env.GOOGLE_APPLICATION_CREDENTIALS || undefined);
  if (file !== undefined) return fromFile(file, [...path, "credentials_file"], findings);
  const host = env.GCE_METADATA_HOST || undefined;
  const isGoogles = new URL(baseUrl).hostname.endsWith(".googleapis.com");
  return host !== undefined || isGoogles
    ? { kind: "machine", origin: `http://${host ?? "metadata.google.internal"}` }
    : null;
}

function fromFile(file: string, path: readonly PropertyKey[], findings: Findings): GoogleIdentity | null {
  const text = readTextFile(file);
  if (typeof text !== "string") return findings.problem(path, `is ${file}, which ${text.fault}.`);
  let fields: Readonly<Record<string, unknown>>;
  try {
    fields = Object(JSON.parse(text));
  } catch {
    return findings.problem(path, `is ${file}, which is not JSON.`);
  }
  const word = (name: string) => (typeof fields[name] === "string" ? fields[name] : "");
  const tokenUri = word("token_uri") || "https://oauth2.googleapis.com/token";
  if (!isTokenUri(tokenUri))
    return findings.problem(path, `is ${file}, whose token_uri is not Google's; allowed are https://….googleapis.com.`);
  if (word("type") === "authorized_user") {
    const [clientSecret, refreshToken] = [new Secret(word("client_secret")), new Secret(word("refresh_token"))];
    return { kind: "user", clientId: word("client_id"), clientSecret, refreshToken, tokenUri };
  }
  if (word("type") !== "service_account") {
    const message = `is ${file}, which is no key of a service account and no user's login; others are not supported.`;
    return findings.problem(path, message);
  }
  const email = word("client_email");
  if (email === "" || !isKey(word("private_key")))
    return findings.problem(path, `is ${file}, which lacks client_email or a private_key that can be read.`);
  const privateKey = new Secret(word("private_key"));
  return { kind: "service_account", email, keyId: word("private_key_id"), privateKey, tokenUri };
}

/** Whoever changes the file must not be able to send assertions elsewhere. */
function isTokenUri(text: string): boolean {
  const url = URL.parse(text);
  if (url === null) return false;
  const isLoopback = ["localhost", "127.0.0.1", "[::1]"].includes(url.hostname);
  return isLoopback || (url.protocol === "https:" && url.hostname.endsWith(".googleapis.com"));
}

function isKey(pem: string): boolean {
  try {
    return createPrivateKey(pem).asymmetricKeyType === "rsa";
  } catch {
    return false;
  }
}
