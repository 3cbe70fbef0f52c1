import { Option } from "commander";
import { Secret } from "../domain/secret.ts";
import { CliError, exitCodes } from "./exit.ts";
import type { Terminal } from "./terminal.ts";

/** A running gateway and the key to show it. */
export interface GatewayAddress {
  readonly url: URL;
  readonly key: Secret | null;
  /** Variable that the key is read from. */
  readonly keyVariable: string;
}

export interface AddressFlags {
  readonly url?: string;
  readonly keyEnv: string;
}

const defaultKeyVariable = "TRUNKLINE_MASTER_KEY";

/** Options of the commands that talk to a running gateway. There is none for the key itself: others can read command lines. */
export function addressOptions(): Option[] {
  return [
    new Option("--url <url>", "the gateway (default: http://127.0.0.1 with the PORT variable's port, or 8080)"),
    new Option("--key-env <name>", "environment variable that holds the key").default(defaultKeyVariable),
  ];
}

/** @throws CliError when the URL is none or the named variable is not set */
export function gatewayAddress(flags: AddressFlags, env: Terminal["env"]): GatewayAddress {
  const text = flags.url ?? `http://127.0.0.1:${env.PORT || "8080"}`;
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new CliError(`--url takes an http or https URL such as http://127.0.0.1:8080, not ${text}.`, exitCodes.usage);
  }
  if (url.username !== "" || url.password !== "") {
    throw new CliError("--url takes no user and password; put the key into a variable.", exitCodes.usage);
  }
  const key = env[flags.keyEnv];
  if (!key && flags.keyEnv !== defaultKeyVariable) {
    throw new CliError(`The environment variable ${flags.keyEnv}, named by --key-env, is not set.`, exitCodes.usage);
  }
  return { url, key: key ? new Secret(key) : null, keyVariable: flags.keyEnv };
}

/** The gateway did not take the key. */
export function badKey({ url, key, keyVariable }: GatewayAddress, cause?: unknown): CliError {
  const what = key === null ? `asks for a key; set ${keyVariable}` : `refused the key in ${keyVariable}`;
  return new CliError(`The gateway at ${url.origin} ${what}.`, exitCodes.noPermission, { cause });
}

/** Nothing answers at the address. */
export function unreachable({ url }: GatewayAddress, reason: string, cause?: unknown): CliError {
  const message = `The gateway at ${url.origin} cannot be reached (${reason}). Is it running? Start it with: trunkline serve`;
  return new CliError(message, exitCodes.unavailable, { cause });
}
