import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { Secret } from "../domain/secret.ts";
import { finishCatalog } from "./catalog-file.ts";
import type { Config, OpsConfig, ServerConfig, TlsConfig } from "./config.ts";
import type { Environment } from "./environment.ts";
import { createFindings, type Findings } from "./findings.ts";
import { finishProviders, isLoopback } from "./finish-providers.ts";
import { finishAliases, finishResilience, finishResponses } from "./finish-routes.ts";
import type { Problem } from "./problems.ts";
import type { FileConfig } from "./schema.ts";
import { fileFault } from "./yaml-file.ts";

/** A random key of this length, of letters and digits, holds 95 bits. */
const minKeyChars = 16;

export interface Finished {
  readonly config: Config;
  readonly problems: readonly Problem[];
  readonly warnings: readonly string[];
}

/**
 * Turns the file's words into finished parts: secrets and certificates read, names checked against each other, the rules
 * of safety applied. With problems, the config is not to be used.
 * @param folder what relative paths start from
 */
export function finish(file: FileConfig, env: Environment, folder: string): Finished {
  const findings = createFindings(env);
  const { server, simulator, resilience, telemetry } = file;
  const providers = finishProviders(file.providers, findings);
  const masterKey =
    server.master_key === undefined ? null : findings.secret(["server", "master_key"], server.master_key);
  if (masterKey !== null && masterKey.reveal().length < minKeyChars) {
    findings.warn(`The master key is short enough to guess; use ${minKeyChars} random characters or more.`);
  }
  checkOpen(file, env, findings);
  checkPorts(server, findings);
  const named = Object.keys(file.providers).length;
  if (simulator.enabled === false && named === 0) {
    findings.problem(["simulator", "enabled"], "is false and no provider is configured, so there is nothing to serve.");
  }

  const config: Config = {
    server: finishServer(server, folder, findings),
    admin: server.admin,
    ops: finishOps(file, findings),
    masterKey,
    dataDir: resolve(folder, server.data_dir),
    strict: file.strict,
    providers,
    simulator: { enabled: simulator.enabled ?? named === 0, tokenDelayMs: simulator.token_delay_ms },
    aliases: finishAliases(file, providers, findings),
    catalog: finishCatalog(file, folder, findings),
    resilience: finishResilience(resilience),
    responses: finishResponses(file.responses),
    log: telemetry.log,
  };
  if (named === 0 && simulator.enabled === undefined) {
    findings.warn(
      "No provider is configured: the built-in simulator answers. Set OPENAI_API_KEY or ANTHROPIC_API_KEY for a real one.",
    );
  }
  return { config, problems: findings.problems, warnings: findings.warnings };
}

function finishServer(server: FileConfig["server"], folder: string, findings: Findings): ServerConfig {
  return {
    host: server.host,
    port: server.port,
    workers: server.workers,
    maxBodyBytes: server.max_body_bytes,
    drainMs: server.drain_ms,
    drainDelayMs: server.drain_delay_ms,
    corsOrigins: server.cors.origins,
    tls: server.tls === undefined ? null : finishTls(server.tls, folder, findings),
  };
}

function finishOps({ server, telemetry }: FileConfig, findings: Findings): OpsConfig {
  const { token, allow_cidrs: allowCidrs } = telemetry.metrics;
  const path = ["telemetry", "metrics", "token"];
  return { ...server.ops, allowCidrs, token: typeof token === "string" ? findings.secret(path, token) : null };
}

/** Without a key, whoever reaches the listener spends the operator's money: that must be said, or stay on this machine. */
function checkOpen({ server }: FileConfig, env: Environment, findings: Findings): void {
  if (server.master_key !== undefined) return;
  const open = [
    { path: ["server", "host"], host: server.host },
    { path: ["server", "admin", "host"], host: server.admin.host },
  ].filter(({ host }) => !isLoopback(host));
  if (open.length === 0) {
    findings.warn("No master key: anyone on this machine can use the gateway. Set TRUNKLINE_MASTER_KEY.");
  } else if (env.TRUNKLINE_ALLOW_OPEN === "true") {
    findings.warn("TRUNKLINE_ALLOW_OPEN: anyone who reaches this address can use the gateway and spend your money.");
  } else {
    const advice = "set TRUNKLINE_MASTER_KEY, listen on 127.0.0.1, or allow it with TRUNKLINE_ALLOW_OPEN=true";
    for (const { path, host } of open) {
      findings.problem(path, `is ${host} and there is no master key, so anyone could use the gateway; ${advice}.`);
    }
  }
}

function checkPorts(server: FileConfig["server"], findings: Findings): void {
  const { port, ops } = server;
  if (port !== 0 && port === ops.port) {
    findings.problem(["server", "ops", "port"], `is ${port}, which is the public port too; choose another.`);
  }
}

function finishTls(
  tls: NonNullable<FileConfig["server"]["tls"]>,
  folder: string,
  findings: Findings,
): TlsConfig | null {
  const read = (setting: "cert_file" | "key_file" | "client_ca_file", check: (pem: string) => unknown) => {
    const name = tls[setting];
    if (name === undefined) return null;
    let pem: string;
    try {
      pem = readFileSync(resolve(folder, name), "utf8");
    } catch (error) {
      return findings.problem(["server", "tls", setting], `is ${name}, which ${fileFault(error)}.`);
    }
    try {
      check(pem);
      return pem;
    } catch {
      // The reason is OpenSSL's own riddle, and for a key it may quote the file.
      return findings.problem(["server", "tls", setting], `is ${name}, which holds no usable PEM of that kind.`);
    }
  };
  const cert = read("cert_file", (pem) => new X509Certificate(pem));
  const key = read("key_file", (pem) => createPrivateKey(pem));
  const clientCa = read("client_ca_file", (pem) => new X509Certificate(pem));
  if (cert === null || key === null) return null;
  if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) {
    return findings.problem(
      ["server", "tls", "key_file"],
      `is ${tls.key_file}, which is not the key of ${tls.cert_file}.`,
    );
  }
  return { cert, key: new Secret(key), clientCa };
}
