import type { AwsIdentity } from "../domain/aws-identity.ts";
import type { ProviderKey } from "../domain/instance.ts";
import type { Findings } from "./findings.ts";
import type { FileConfig } from "./schema.ts";

type FileProvider = FileConfig["providers"][string];

/** The region of an instance: its own word, that of its address, or the one that AWS's tools take. */
function awsRegion({ region, base_url }: FileProvider, { env }: Findings): string | undefined {
  const inAddress = /^https:\/\/bedrock-runtime(?:-fips)?\.([a-z0-9-]+)\.(?:amazonaws|api\.aws)/.exec(
    base_url ?? "",
  )?.[1];
  return region ?? inAddress ?? (env.AWS_REGION || env.AWS_DEFAULT_REGION || undefined);
}

/** Where Bedrock's models answer, unless an address is given. */
export function bedrockUrl(provider: FileProvider, findings: Findings): string | undefined {
  const region = awsRegion(provider, findings);
  if (region === undefined) return undefined;
  // China is a partition of its own.
  return `https://bedrock-runtime.${region}.amazonaws.com${region.startsWith("cn-") ? ".cn" : ""}`;
}

interface Credentials {
  readonly keys: readonly ProviderKey[];
  readonly aws: AwsIdentity | null;
}

/** A key wins over an identity that signs, and what the file names over the variables of AWS's own tools. */
export function awsCredentials(
  provider: FileProvider,
  keys: readonly ProviderKey[],
  path: readonly PropertyKey[],
  findings: Findings,
): Credentials {
  const { env } = findings;
  const named = provider.aws_access_key_id !== undefined;
  if (keys.length > 0 && !named) return { keys, aws: null };
  if (keys.length > 0)
    findings.problem([...path, "aws_access_key_id"], "cannot stand beside a key; give one of the two.");
  if (!named && env.AWS_BEARER_TOKEN_BEDROCK) {
    const secret = findings.secret([...path, "api_key"], "env://AWS_BEARER_TOKEN_BEDROCK");
    return { keys: secret ? [{ name: "key-1", secret, weight: 1 }] : [], aws: null };
  }
  const references = named ? fromFile(provider) : fromTools(env);
  if (references === null) return { keys, aws: null };
  return { keys, aws: identity(references, provider, path, findings) };
}

interface References {
  readonly id: string;
  readonly secret: string | undefined;
  readonly token: string | undefined;
}

function fromFile(provider: FileProvider): References {
  const { aws_access_key_id: id = "", aws_secret_access_key: secret, aws_session_token: token } = provider;
  return { id, secret, token };
}

function fromTools(env: Findings["env"]): References | null {
  if (!env.AWS_ACCESS_KEY_ID) return null;
  const reference = (name: string) => (env[name] ? `env://${name}` : undefined);
  return {
    id: "env://AWS_ACCESS_KEY_ID",
    secret: reference("AWS_SECRET_ACCESS_KEY"),
    token: reference("AWS_SESSION_TOKEN"),
  };
}

function identity(
  { id, secret, token }: References,
  provider: FileProvider,
  path: readonly PropertyKey[],
  findings: Findings,
): AwsIdentity | null {
  const region = awsRegion(provider, findings);
  if (region === undefined)
    return findings.problem([...path, "region"], "is missing; signatures are for one. Set it, or AWS_REGION.");
  if (secret === undefined)
    return findings.problem([...path, "aws_secret_access_key"], "is missing; an access key signs nothing without it.");
  const accessKeyId = findings.secret([...path, "aws_access_key_id"], id);
  const secretAccessKey = findings.secret([...path, "aws_secret_access_key"], secret);
  const sessionToken = token === undefined ? null : findings.secret([...path, "aws_session_token"], token);
  return accessKeyId && secretAccessKey && { region, accessKeyId, secretAccessKey, sessionToken };
}
