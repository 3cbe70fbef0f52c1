import { didYouMean } from "../domain/did-you-mean.ts";
import type { ProviderInstance } from "../domain/instance.ts";
import type { ResponseBounds } from "../domain/response-store.ts";
import type { ModelAlias, RoutePolicy } from "../domain/route.ts";
import type { ResilienceConfig } from "./config.ts";
import type { Findings } from "./findings.ts";
import { boundsOf, simulatedNames } from "./finish-providers.ts";
import { kindOfName, providerKinds } from "./provider-kinds.ts";
import type { FileConfig } from "./schema.ts";

export function finishResilience(resilience: FileConfig["resilience"]): ResilienceConfig {
  const { breaker, queue, idempotency, proof_memory: proofMemory } = resilience;
  return {
    bounds: {
      connectMs: resilience.connect_timeout_ms,
      firstByteMs: resilience.first_byte_timeout_ms,
      firstTokenMs: resilience.first_token_timeout_ms,
      idleMs: resilience.idle_timeout_ms,
      totalMs: resilience.total_timeout_ms,
    },
    keepaliveMs: resilience.keepalive_ms,
    policy: plainPolicy(resilience),
    retryWaitMs: resilience.retry_wait_ms,
    retryBudget: resilience.retry_budget,
    breaker: {
      failures: breaker.failures,
      openMs: breaker.open_ms,
      slowMs: breaker.slow_ms,
      probeIntervalMs: breaker.probe_interval_ms,
    },
    queue: { maxInFlight: queue.max_in_flight, maxQueued: queue.max_queued },
    idempotency: { ttlMs: idempotency.ttl_s * 1000, maxBytes: idempotency.max_bytes },
    proofMemory: { ttlMs: proofMemory.ttl_s * 1000, maxBytes: proofMemory.max_bytes },
  };
}

export function finishResponses(responses: FileConfig["responses"]): ResponseBounds {
  return { maxCount: responses.max_count, maxBytes: responses.max_bytes, ttlMs: responses.ttl_s * 1000 };
}

/** The rules of a model name that no alias gives rules of its own. */
function plainPolicy(resilience: FileConfig["resilience"]): RoutePolicy {
  return {
    strategy: "ordered",
    sticky: "none",
    onCut: "error",
    failOver: new Set(["outage", "rate_limit", "context_length"]),
    maxAttempts: resilience.max_attempts,
    retryAfterSent: resilience.retry_after_sent,
    hedge: null,
    queueMs: resilience.queue_timeout_ms,
    priority: 0,
    singleFlight: false,
  };
}

/** The aliases; targets that can lead nowhere go to the findings. */
export function finishAliases(
  { models, resilience }: Pick<FileConfig, "models" | "resilience">,
  instances: readonly ProviderInstance[],
  findings: Findings,
): readonly ModelAlias[] {
  const instanceNames = [...instances.map(({ name }) => name), ...simulatedNames];
  return Object.entries(models).map(([name, alias]) => {
    const targets = alias.targets.map((target) => {
      if (typeof target === "string") return { model: target, weight: 1, bounds: boundsOf(alias) };
      // A target's own bounds win over those of its route.
      return { model: target.model, weight: target.weight, bounds: { ...boundsOf(alias), ...boundsOf(target) } };
    });
    for (const [position, { model }] of targets.entries()) {
      const path = ["models", name, "targets", position];
      const [first = "", ...rest] = model.split("/");
      if (Object.hasOwn(models, model)) {
        findings.problem(path, `is ${model}, itself an alias; name the instance, as in \`openai/${model}\`.`);
      } else if (rest.length > 0 && !instanceNames.includes(first)) {
        checkPrefix(path, first, instanceNames, findings);
      }
    }
    return { name, targets, policy: aliasPolicy(alias, resilience) };
  });
}

function aliasPolicy(alias: FileConfig["models"][string], resilience: FileConfig["resilience"]): RoutePolicy {
  const plain = plainPolicy(resilience);
  const { hedge } = alias;
  return {
    strategy: alias.strategy,
    sticky: alias.sticky,
    onCut: alias.on_cut,
    failOver: new Set(alias.fail_over),
    maxAttempts: alias.max_attempts ?? plain.maxAttempts,
    retryAfterSent: alias.retry_after_sent ?? plain.retryAfterSent,
    hedge: hedge === undefined ? null : { afterMs: hedge.after_ms === "p95" ? null : hedge.after_ms },
    queueMs: alias.queue_timeout_ms ?? plain.queueMs,
    priority: alias.priority,
    singleFlight: alias.single_flight,
  };
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
