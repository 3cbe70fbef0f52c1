import { resolve } from "node:path";
import { maxCatalogBytes, parseCatalog } from "../config/catalog-file.ts";
import type { CatalogFile } from "../config/catalog-schema.ts";
import { isLoopback } from "../config/finish-providers.ts";
import { ConfigError } from "../config/problems.ts";
import { readText } from "../config/yaml-file.ts";
import { systemClock } from "../domain/clock.ts";
import { GatewayError } from "../domain/errors.ts";
import { createDialer, type Dialer } from "../net/dial.ts";
import type { Incoming } from "../net/incoming.ts";
import { CliError, exitCodes } from "./exit.ts";

/** How long a download may take, from the first connection to the last byte. Milliseconds. */
const downloadMs = 30_000;
const connectTimeoutMs = 10_000;
/** Redirects that are followed; within the same origin only. */
const maxRedirects = 3;

/**
 * A catalogue from a file or a URL, checked.
 * @param folder what relative paths start from
 * @throws CliError `usage` for a URL that is not asked, `unavailable` when it cannot be had, `failed` for one that is wrong
 */
export async function readSource(source: string, folder: string): Promise<CatalogFile> {
  try {
    if (!/^[a-z][a-z0-9+.-]+:\/\//i.test(source)) {
      const name = resolve(folder, source);
      return parseCatalog(readText(name, maxCatalogBytes), name);
    }
    const url = checkedUrl(source);
    return parseCatalog(await download(url), url.pathname);
  } catch (error) {
    if (error instanceof ConfigError) throw new CliError(error.message, exitCodes.failed, { cause: error });
    throw error;
  }
}

function checkedUrl(source: string): URL {
  const url = URL.parse(source);
  const isAsked = url?.protocol === "https:" || (url?.protocol === "http:" && isLoopback(url.hostname));
  if (url === null || !isAsked) {
    throw usage(`${JSON.stringify(source)} is not asked: a catalogue comes by https, or by http from this machine.`);
  }
  if (url.username !== "" || url.password !== "") throw usage("The URL of a catalogue takes no user and no password.");
  return url;
}

async function download(first: URL): Promise<string> {
  const dialer = createDialer({ clock: systemClock, maxConnections: 1, maxQueued: 1 });
  const signal = AbortSignal.timeout(downloadMs);
  try {
    let url = first;
    for (let redirects = 0; redirects <= maxRedirects; redirects++) {
      const incoming = await ask(dialer, url, signal);
      const { location } = incoming.headers;
      if (incoming.status === 200) return await readBody(incoming);
      incoming.abort();
      const next = incoming.status >= 300 && incoming.status < 400 ? URL.parse(location ?? "", url.href) : null;
      if (next === null) throw unavailable(`${url.href} answered HTTP ${incoming.status}.`);
      if (next.origin !== first.origin) {
        throw unavailable(`${url.href} leads to ${next.origin}; name that URL itself if it is to be trusted.`);
      }
      url = next;
    }
    throw unavailable(`${first.href} leads on more than ${maxRedirects} times.`);
  } catch (error) {
    if (signal.aborted) throw unavailable(`${first.href} did not answer whole within ${downloadMs / 1_000} seconds.`);
    if (error instanceof GatewayError) throw unavailable(`${first.href}: ${error.message}`, error);
    throw error;
  } finally {
    await dialer.close();
  }
}

function ask(dialer: Dialer, url: URL, signal: AbortSignal): Promise<Incoming> {
  const { origin, pathname, search } = url;
  // A compressed answer could be larger than it looks.
  const headers = { accept: "application/json", "accept-encoding": "identity", "user-agent": "trunkline" };
  const path = pathname + search;
  return dialer.open({ origin, socketPath: null, method: "GET", path, headers, body: null, connectTimeoutMs }, signal);
}

async function readBody({ body }: Incoming): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const read of body) {
    for (const chunk of read) bytes += chunk.length;
    if (bytes > maxCatalogBytes) {
      throw new CliError(`The catalogue is larger than ${maxCatalogBytes} bytes.`, exitCodes.failed);
    }
    chunks.push(...read);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks));
  } catch (error) {
    throw new CliError("The catalogue is not valid UTF-8.", exitCodes.failed, { cause: error });
  }
}

function usage(message: string): CliError {
  return new CliError(message, exitCodes.usage);
}

function unavailable(message: string, cause?: Error): CliError {
  return new CliError(message, exitCodes.unavailable, { cause });
}
