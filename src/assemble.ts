import { createAccount } from "./accounts/account.ts";
import type { Entrance } from "./accounts/admission.ts";
import { createLimits } from "./accounts/limits.ts";
import { forgetful } from "./cache/forgetful.ts";
import type { Once } from "./cache/once.ts";
import type { ProofMemory } from "./cache/proof-memory.ts";
import type { Config } from "./config/config.ts";
import { createAdmit } from "./domain/admit.ts";
import type { ChatCall } from "./domain/chat.ts";
import { check } from "./domain/check.ts";
import type { Clock } from "./domain/clock.ts";
import type { RequestContext } from "./domain/context.ts";
import type { ProviderInstance } from "./domain/instance.ts";
import type { Log } from "./domain/log.ts";
import type { Observer } from "./domain/observer.ts";
import type { ResponseStore } from "./domain/response-store.ts";
import type { Route } from "./domain/route.ts";
import { type Answer, createGateway, type Gateway } from "./gateway.ts";
import { unscreened } from "./guardrails/unscreened.ts";
import type { Dialer } from "./net/dial.ts";
import { createFacts, providerOf } from "./providers/catalog.ts";
import { createModelLists, type ModelLists } from "./providers/model-lists.ts";
import { Sender } from "./providers/send.ts";
import { type Attempt, createAttempt } from "./routing/attempt.ts";
import { createModels } from "./routing/models.ts";
import { startProbes } from "./routing/probes.ts";
import { createResolver } from "./routing/resolve.ts";
import { budgets } from "./routing/retry-budget.ts";
import type { TargetStates } from "./routing/target-states.ts";
import { createGoogleTokens } from "./secrets/google-tokens.ts";

export interface AssemblyParts {
  readonly log: Log;
  readonly clock: Clock;
  readonly dialer: Dialer;
  readonly observers: readonly Observer[];
  readonly states: TargetStates;
  readonly admission: Entrance;
  readonly once: Once;
  readonly proofs: ProofMemory;
  readonly responses: ResponseStore;
  /** Evenly spread in [0, 1). */
  readonly random: () => number;
}

export interface Assembly {
  readonly gateway: Gateway;
  readonly lists: ModelLists;
  /** Ends what goes on by itself. */
  stop(): void;
}

/** Chooses who plays each stage of a request's life. */
export function assemble(config: Config, instances: readonly ProviderInstance[], parts: AssemblyParts): Assembly {
  const { log, clock, observers, states, admission, once, responses, proofs, random } = parts;
  const byName = new Map(instances.map((instance) => [instance.name, instance]));
  const sender = senderTo(byName, config, parts);
  const facts = createFacts(config.catalog);
  const lists = createModelLists({
    instances,
    clock,
    log,
    providerOf,
    facts,
    fetchPage: (instance, path, signal) => sender.models(instance, path, signal),
    fetchFacts: (instance, model, signal) => sender.modelFacts(instance, model, signal),
  });
  const stopProbes = startProbes({
    clock,
    states,
    intervalMs: config.resilience.breaker.probeIntervalMs,
    ask: (name, signal) => answers(byName.get(name), sender, signal),
  });
  const routing = { clock, random, states };
  const resolve = createResolver({
    ...routing,
    aliases: config.aliases,
    policy: config.resilience.policy,
    listings: lists.current,
    listed: lists.ready,
    facts,
    keysOf: (instance) => byName.get(instance)?.keys ?? [],
  });
  const budgetOf = budgets(clock, config.resilience.retryBudget);
  const attempt = createAttempt({ ...routing, sender, budgetOf, maxWaitMs: config.resilience.retryWaitMs });
  const admit = createAdmit(config.masterKey);
  const gateway = createGateway({
    admit(head) {
      const caller = admit(head);
      admission.checkRoom();
      return caller;
    },
    check,
    resolve: async (work, context) => {
      const chat = work.kind === "embeddings" ? null : work.call.request;
      const { model } = work.kind === "embeddings" ? work.request : work.call.request;
      const route = await resolve({ names: [model, ...(chat?.fallbackModels ?? [])], chat });
      context.trail.note({ kind: "resolved", model });
      for (const skipped of route.skipped) context.trail.note({ kind: "skipped", ...skipped });
      return route;
    },
    ...createLimits(admission),
    ...unscreened,
    ...forgetful,
    attempt: {
      ...attempt,
      chat: (route, ...asked) => proofs.watch(singly(once, attempt, route, asked), ...asked),
    },
    once: (call, caller, context, life) => once.keyed(call, caller, context, life),
    account: createAccount({ clock, observers }),
    responses,
    models: createModels({
      aliases: config.aliases,
      listings: lists.current,
      ready: lists.ready,
      isOut: (name) => states.isOpen(name),
    }),
  });
  const stop = () => {
    stopProbes();
    lists.stop();
  };
  return { gateway, lists, stop };
}

function senderTo(
  instances: ReadonlyMap<string, ProviderInstance>,
  { resilience: { bounds } }: Config,
  { dialer, clock, proofs }: AssemblyParts,
): Sender {
  const tokenOf = createGoogleTokens({ clock, dialer });
  return new Sender({ dialer, clock, bounds, instances, providerOf, tokenOf, proofs });
}

/** An attempt, which identical requests share where their route says so. */
function singly(once: Once, attempt: Attempt, route: Route, [call, context]: [ChatCall, RequestContext]): Answer {
  const caller = context.trail.last("admitted")?.caller;
  if (!route.policy.singleFlight || caller === undefined) return attempt.chat(route, call, context);
  return once.single(call, caller, context, (own) => attempt.chat(route, call, own));
}

/** How long a probe may take. Milliseconds. */
const probeMs = 5_000;

/** Whether an instance gives its list of models. */
async function answers(instance: ProviderInstance | undefined, sender: Sender, stop: AbortSignal): Promise<boolean> {
  const { models } = providerOf(instance?.provider ?? "openai");
  if (instance === undefined || models === undefined) return false;
  try {
    await sender.models(instance, models.path, AbortSignal.any([stop, AbortSignal.timeout(probeMs)]));
    return true;
  } catch {
    return false;
  }
}
