import type { ProviderInstance, ProviderKey } from "../domain/instance.ts";
import type { ModelFacts } from "../domain/model-facts.ts";
import type { Secret } from "../domain/secret.ts";
import type { BoundOverrides } from "../domain/time-bounds.ts";
import { toFacts, toPrices } from "./fact-fields.ts";
import type { Findings } from "./findings.ts";
import { awsCredentials, bedrockUrl } from "./finish-aws.ts";
import { googleIdentity, vertexUrl } from "./finish-google.ts";
import { kindOfName, providerKinds, servedKinds } from "./provider-kinds.ts";
import type { FileConfig } from "./schema.ts";

/** Name of the embedded simulator's instance. */
export const simulatorName = "simulator";
/** Name of the instance that asks the simulator in Anthropic's wire format. */
export const simulatedAnthropicName = "simulator-anthropic";
export const simulatedNames: readonly string[] = [simulatorName, simulatedAnthropicName];

type FileProvider = FileConfig["providers"][string];

/** The instances that can be served; what is wrong with the others goes to the findings. */
export function finishProviders(providers: FileConfig["providers"], findings: Findings): readonly ProviderInstance[] {
  return Object.entries(providers).flatMap(([name, provider]) => {
    const instance = finishProvider(name, provider, findings);
    return instance === null ? [] : [instance];
  });
}

function finishProvider(name: string, provider: FileProvider, findings: Findings): ProviderInstance | null {
  const path = ["providers", name];
  if (simulatedNames.includes(name)) return findings.problem(path, "is the built-in simulator's name; choose another.");
  const type = provider.type ?? kindOfName(name);
  if (type === undefined) {
    return findings.problem([...path, "type"], `is missing; it takes one of ${servedKinds.join(", ")}.`);
  }
  const kind = providerKinds.get(type);
  if (!kind) throw new Error(`The schema let a kind pass that there is not: ${type}`);
  const ownUrl = ownUrlOf(type, provider, findings);
  const given = type === "vertex" ? undefined : provider.base_url;
  const baseUrl = (given ?? ownUrl)?.replace(/\/+$/, "");
  if (baseUrl === undefined) {
    const advice = addressAdvice[type] ?? ".";
    return findings.problem([...path, "base_url"], `is missing; ${type} has no address of its own${advice}`);
  }

  if (provider.http2 && !baseUrl.startsWith("https:")) {
    findings.problem(
      [...path, "http2"],
      "needs a base_url that begins with https://; the protocol is agreed on by TLS.",
    );
  }

  const ownKeys = finishKeys(provider, path, findings);
  const { keys, aws } =
    type === "bedrock" ? awsCredentials(provider, ownKeys, path, findings) : { keys: ownKeys, aws: null };
  const google = type === "vertex" && keys.length === 0 ? googleIdentity(provider, baseUrl, path, findings) : null;
  const asksForKey =
    baseUrl === ownUrl && !kind.keyless && provider.aws_access_key_id === undefined && type !== "vertex";
  if (provider.api_key === undefined && provider.keys.length === 0 && keys.length === 0 && !aws && asksForKey) {
    findings.problem([...path, "api_key"], `is missing; ${keyAdvice(name)}.`);
  }
  checkForeign(provider, kind.adapter, path, findings);
  const [facts, bounds] = [factsOf(provider.models), boundsOf(provider)];
  warnOfProvider({ name, baseUrl, hasKey: keys.length > 0 || aws !== null }, findings);
  return {
    name,
    provider: kind.adapter,
    baseUrl,
    socketPath: null,
    keys,
    models: [...new Set(provider.models.map((model) => (typeof model === "string" ? model : model.id)))],
    ...(facts.size > 0 && { facts }),
    wire: provider.wire ?? (kind.exact && baseUrl === kind.baseUrl ? "exact" : "repair"),
    simulated: false,
    headers: provider.headers,
    ...(aws && { aws }),
    ...(google && { google }),
    ...(provider.api_version !== undefined && { apiVersion: provider.api_version }),
    ...(provider.http2 && { http2: true }),
    ...(provider.warm_connections > 0 && { warmConnections: provider.warm_connections }),
    ...(Object.keys(bounds).length > 0 && { bounds }),
  };
}

/** Where a kind's models answer unless an address is given; undefined where every installation has its own. */
function ownUrlOf(type: string, provider: FileProvider, findings: Findings): string | undefined {
  if (type === "bedrock") return bedrockUrl(provider, findings);
  return type === "vertex" ? vertexUrl(provider, findings) : (providerKinds.get(type)?.baseUrl ?? undefined);
}

const addressAdvice: Readonly<Record<string, string>> = {
  bedrock: ", and no region says where; set region or AWS_REGION.",
  vertex: ", and no project says where; set project or GOOGLE_CLOUD_PROJECT.",
};

/** Settings that mean something at some kinds only. */
function checkForeign(provider: FileProvider, kind: string, path: readonly string[], findings: Findings): void {
  const { models, api_version } = provider;
  for (const setting of ["region", "aws_access_key_id", "aws_secret_access_key", "aws_session_token"] as const) {
    if (provider[setting] !== undefined && kind !== "bedrock")
      findings.problem([...path, setting], `is Bedrock's; ${kind} takes none.`);
  }
  for (const setting of ["project", "location", "credentials_file"] as const) {
    if (provider[setting] !== undefined && kind !== "vertex")
      findings.problem([...path, setting], `is Vertex's; ${kind} takes none.`);
  }
  if (api_version !== undefined && kind !== "azure") {
    findings.problem([...path, "api_version"], `is Azure's; ${kind} takes none.`);
  }
  for (const [position, model] of models.entries()) {
    if (typeof model === "string") continue;
    const at = [...path, "models", position];
    if (model.deployment !== undefined && kind !== "azure")
      findings.problem([...at, "deployment"], `is Azure's; ${kind} knows models by their names.`);
    if (model.api !== undefined && kind !== "openai" && kind !== "azure")
      findings.problem([...at, "api"], `is for OpenAI's interfaces; ${kind} has one of its own.`);
  }
}

/** `api_key` first, then `keys`; a name that occurs twice would make two keys one in metrics and circuits. */
function finishKeys(provider: FileProvider, path: readonly PropertyKey[], findings: Findings): readonly ProviderKey[] {
  const keys: ProviderKey[] = [];
  const add = (name: string, secret: Secret | null, weight: number, at: readonly PropertyKey[]) => {
    if (secret === null) return;
    if (keys.some((key) => key.name === name)) findings.problem(at, `is named ${name}, as another key is; rename one.`);
    keys.push({ name, secret, weight });
  };
  if (provider.api_key !== undefined) {
    add("key-1", findings.secret([...path, "api_key"], provider.api_key), 1, [...path, "api_key"]);
  }
  for (const [position, { name, secret, weight }] of provider.keys.entries()) {
    const at = [...path, "keys", position];
    const number = position + (provider.api_key === undefined ? 1 : 2);
    add(name ?? `key-${number}`, findings.secret([...at, "secret"], secret), weight, at);
  }
  return keys;
}

/** What the file knows of models, by model. */
function factsOf(models: FileProvider["models"]): ReadonlyMap<string, ModelFacts> {
  const facts = new Map<string, ModelFacts>();
  for (const model of models) {
    if (typeof model === "string") continue;
    const { id, price, deployment, ...fields } = model;
    const said = toFacts(fields, price && toPrices(price, "config"));
    facts.set(id, {
      // Who names what a model refuses wants it out of the way, whatever the caller speaks.
      ...(said.parametersRefused && { dropRefused: true }),
      ...said,
      ...(deployment !== undefined && { deployment }),
    });
  }
  return facts;
}

/** Settings under their names in the file → bounds under theirs inside. */
export function boundsOf(fields: BoundFields): BoundOverrides {
  const { connect_timeout_ms, first_byte_timeout_ms, first_token_timeout_ms, idle_timeout_ms, total_timeout_ms } =
    fields;
  return {
    ...(connect_timeout_ms !== undefined && { connectMs: connect_timeout_ms }),
    ...(first_byte_timeout_ms !== undefined && { firstByteMs: first_byte_timeout_ms }),
    ...(first_token_timeout_ms !== undefined && { firstTokenMs: first_token_timeout_ms }),
    ...(idle_timeout_ms !== undefined && { idleMs: idle_timeout_ms }),
    ...(total_timeout_ms !== undefined && { totalMs: total_timeout_ms }),
  };
}

interface BoundFields {
  readonly connect_timeout_ms?: number | undefined;
  readonly first_byte_timeout_ms?: number | undefined;
  readonly first_token_timeout_ms?: number | undefined;
  readonly idle_timeout_ms?: number | undefined;
  readonly total_timeout_ms?: number | undefined;
}

function keyAdvice(name: string): string {
  const variable = `${name.toUpperCase().replaceAll("-", "_")}_API_KEY`;
  return kindOfName(name) === undefined ? `refer to one, such as env://${variable}` : `set ${variable}`;
}

interface FoundProvider {
  readonly name: string;
  readonly baseUrl: string;
  readonly hasKey: boolean;
}

function warnOfProvider({ name, baseUrl, hasKey }: FoundProvider, findings: Findings): void {
  const { protocol, hostname } = new URL(baseUrl);
  if (protocol === "http:" && hasKey && !isLoopback(hostname)) {
    findings.warn(`providers.${name} sends its key unencrypted, because its base_url begins with http://.`);
  }
}

/** @param host name or address, IPv6 with or without brackets */
export function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|(\[)?::1(\])?)$/i.test(host);
}
