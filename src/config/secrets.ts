import { readFileSync, statSync } from "node:fs";
import { Secret } from "../domain/secret.ts";
import type { Environment } from "./environment.ts";
import { fileFault } from "./yaml-file.ts";

/** Largest secret. Bytes; a key is a line. */
const maxSecretBytes = 8192;

/** Why a secret cannot be had, as the end of a sentence that begins with the setting's path. */
export class SecretFault extends Error {
  override readonly name = "SecretFault";
}

/**
 * Reads the secret that a reference names. A variable may itself refer to a file, so that every secret can stay out of
 * the environment: `OPENAI_API_KEY=file:///run/secrets/openai`.
 * @param reference `env://NAME` or `file:///absolute/path`
 * @throws SecretFault which never repeats what was read
 */
export function readSecret(reference: string, env: Environment): Secret {
  const value = reference.startsWith("env://") ? fromVariable(reference.slice("env://".length), env) : reference;
  if (!value.startsWith("file://")) return checked(value, reference);
  const path = value.slice("file://".length);
  if (!path.startsWith("/")) throw new SecretFault(`refers to ${value}; a file reference is file:///absolute/path.`);
  return checked(fromFile(path), path);
}

function fromVariable(name: string, env: Environment): string {
  const value = env[name];
  if (value === undefined || value === "") {
    throw new SecretFault(
      `refers to the environment variable ${name}, which is ${value === "" ? "empty" : "not set"}.`,
    );
  }
  const scheme = /^[a-z][a-z0-9+-]*:\/\//.exec(value)?.[0];
  if (scheme !== undefined && scheme !== "file://") {
    throw new SecretFault(`refers to a ${scheme} secret, which this version cannot read; it reads env:// and file://.`);
  }
  return value;
}

function fromFile(path: string): string {
  try {
    // A device or a log given by mistake would be read without end.
    if (statSync(path).size > maxSecretBytes)
      throw new SecretFault(`refers to ${path}, which is larger than ${maxSecretBytes} bytes.`);
    return readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof SecretFault) throw error;
    throw new SecretFault(`refers to ${path}, which ${fileFault(error)}.`, { cause: error });
  }
}

/** Keys travel in headers: what cannot stand there is refused at start and not at the first request. */
function checked(text: string, origin: string): Secret {
  const value = text.trim();
  if (value === "") throw new SecretFault(`refers to ${origin}, which is empty.`);
  if (value.length > maxSecretBytes || !/^[\x21-\x7e]+$/.test(value)) {
    throw new SecretFault(
      `refers to ${origin}, which holds more than one line of visible ASCII characters without spaces.`,
    );
  }
  return new Secret(value);
}
