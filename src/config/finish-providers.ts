import { didYouMean } from "../domain/did-you-mean.ts";
import type { ProviderInstance } from "../domain/instance.ts";
import type { Secret } from "../domain/secret.ts";
import type { ModelAlias } from "./config.ts";
import type { Findings } from "./findings.ts";
import { kindOfName, type ProviderKind, providerKinds, servedKinds } from "./provider-kinds.ts";
import type { FileConfig } from "./schema.ts";

/** Name of the embedded simulator's instance. */
export const simulatorName = "simulator";
/** Name of the instance that asks the simulator in Anthropic's wire format. */
export const simulatedAnthropicName = "simulator-anthropic";
const simulatedNames: readonly string[] = [simulatorName, simulatedAnthropicName];

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
  if (!kind?.adapter) {
    const message = `is ${type}, for which this version has no adapter; it serves ${servedKinds.join(", ")}.`;
    return findings.problem([...path, "type"], message);
  }
  const baseUrl = (provider.base_url ?? kind.baseUrl)?.replace(/\/+$/, "");
  if (baseUrl === undefined) {
    return findings.problem([...path, "base_url"], `is missing; ${type} has no address of its own.`);
  }

  const apiKey = provider.api_key === undefined ? null : findings.secret([...path, "api_key"], provider.api_key);
  if (provider.api_key === undefined && baseUrl === kind.baseUrl) {
    findings.problem([...path, "api_key"], `is missing; ${keyAdvice(name)}.`);
  }
  warnOfProvider({ name, type, kind, baseUrl, apiKey }, findings);
  return {
    name,
    provider: kind.adapter,
    baseUrl,
    socketPath: null,
    apiKey,
    models: [...new Set(provider.models)],
    wire: provider.wire ?? (kind.exact && baseUrl === kind.baseUrl ? "exact" : "repair"),
    simulated: false,
    headers: provider.headers,
  };
}

function keyAdvice(name: string): string {
  const variable = `${name.toUpperCase().replaceAll("-", "_")}_API_KEY`;
  return kindOfName(name) === undefined ? `refer to one, such as env://${variable}` : `set ${variable}`;
}

interface FoundProvider {
  readonly name: string;
  readonly type: string;
  readonly kind: ProviderKind;
  readonly baseUrl: string;
  readonly apiKey: Secret | null;
}

function warnOfProvider({ name, type, kind, baseUrl, apiKey }: FoundProvider, findings: Findings): void {
  if (kind.adapter !== type) {
    findings.warn(
      `providers.${name} is served as a generic OpenAI-compatible server: what only ${type} knows is not translated.`,
    );
  }
  const { protocol, hostname } = new URL(baseUrl);
  if (protocol === "http:" && apiKey !== null && !isLoopback(hostname)) {
    findings.warn(`providers.${name} sends its key unencrypted, because its base_url begins with http://.`);
  }
}

/** @param host name or address, IPv6 with or without brackets */
export function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|(\[)?::1(\])?)$/i.test(host);
}

/** The aliases; targets that can lead nowhere go to the findings. */
export function finishAliases(
  models: FileConfig["models"],
  instances: readonly ProviderInstance[],
  findings: Findings,
): readonly ModelAlias[] {
  const instanceNames = [...instances.map(({ name }) => name), ...simulatedNames];
  return Object.entries(models).map(([name, { targets, strategy }]) => {
    const names = targets.map((target) => (typeof target === "string" ? target : target.model));
    names.forEach((target, position) => {
      const path = ["models", name, "targets", position];
      const [first = "", ...rest] = target.split("/");
      if (Object.hasOwn(models, target)) {
        findings.problem(path, `is ${target}, itself an alias; name the instance, as in \`openai/${target}\`.`);
      } else if (rest.length > 0 && !instanceNames.includes(first)) {
        checkPrefix(path, first, instanceNames, findings);
      }
    });
    return { name, targets: names, strategy };
  });
}

/** What stands before the slash may be part of a model's own name (`meta-llama/…`): only likely mistakes are reported. */
function checkPrefix(
  path: readonly PropertyKey[],
  first: string,
  instances: readonly string[],
  findings: Findings,
): void {
  if (instances.some((instance) => kindOfName(instance) === first)) return;
  const near = didYouMean(first, instances);
  if (near !== undefined) findings.problem(path, `names ${first}, which is not configured; did you mean ${near}?`);
  else if (providerKinds.has(first)) {
    findings.problem(path, `names ${first}, which is not configured; configured are ${instances.join(", ")}.`);
  }
}
