import type { Frame } from "../../src/domain/chat.ts";
import { targetNamed } from "../routing/parts.ts";
import { goesOn, maxPromptTokens, minPromptTokens } from "./provider.ts";
import type { Asking, World } from "./world.ts";
import { wordsOf } from "./world.ts";

/** Bases of the providers of the simulated configuration, and the keys that belong there. */
const providers: Readonly<Record<string, readonly string[]>> = {
  "http://alpha.test": ["sk-alpha-1", "sk-alpha-2"],
  "http://beta.test": ["sk-beta-1"],
  "http://claude.test": ["sk-claude-1"],
};

const maxAttempts = 3;

/** What is wrong with a world that has been played; nothing, as it should be. */
export function problemsOf(world: World): readonly string[] {
  const { asking, network, clock, states, admission, finished } = world;
  const problems: string[] = [];
  const expect = (isRight: boolean, problem: string) => {
    if (!isRight) problems.push(problem);
  };
  expect(finished, "it did not come to an end");
  for (const one of asking) checkRequest(one, world, expect);
  for (const call of network.calls) expect(call.endedMs !== null, `a call to ${call.request.origin} is still open`);
  expect(clock.timers === 0, `${clock.timers} timers are still set`);
  expect(admission.inFlight === 0 && admission.queued === 0, "somebody still has a place");
  for (const { instance, inFlight } of states.sights())
    expect(inFlight === 0, `an attempt at ${instance} still counts`);
  checkSecrets(world, expect);
  checkCircuits(world, expect);
  return problems;
}

/** Nobody is blamed for what callers do, and no circuit waits for a probe that nobody makes any more. */
function checkCircuits({ states, asking, clock }: World, expect: Expect): void {
  const entries = asking.flatMap(({ context }) => context?.trail.entries ?? []);
  clock.advance(longestOpenMs);
  for (const { instance, model, key } of states.sights()) {
    const target = targetNamed(`${instance}/${model ?? ""}`, key === undefined ? {} : { key });
    expect(states.waitMs(target) === 0, `a probe of ${instance} ${key ?? ""} is never decided`);
    const ended = entries.filter((entry) => entry.kind === "attempt_ended" && entry.target.name === target.name);
    const blameless = ended.every((entry) => "outcome" in entry && harmless.has(entry.outcome));
    if (blameless) expect(states.of(target).circuit.failures === 0, `${instance} is blamed for what callers did`);
  }
}

const harmless: ReadonlySet<string> = new Set(["ok", "canceled"]);
/** Longer than circuits stay open. Milliseconds. */
const longestOpenMs = 10_000;

type Expect = (isRight: boolean, problem: string) => void;

function checkRequest(one: Asking, world: World, expect: Expect): void {
  const { marker, frames, error, ends, starts, leftMs, endedMs, timeoutMs, startsAtMs, dawdlesMs, context } = one;
  expect(endedMs !== null, `${marker} never ended`);
  expect(starts === 1 && ends.length === 1, `${marker} was counted ${starts}/${ends.length} times`);
  const completed = frames.filter((frame) => frame.case === "completed").length;
  if (error === null) {
    expect(completed === 1 && frames.at(-1)?.case === "completed", `${marker} ended without its end`);
    expect(ends[0]?.outcome === "ok", `${marker} is counted as ${ends[0]?.outcome}`);
    expect(isWhole(one), `${marker} ended with another text: ${JSON.stringify(textOf(one))}`);
    checkUsage(one, world, expect);
    checkLegs(one, expect);
  } else {
    expect(ends[0]?.error?.code === error.code, `${marker} failed with ${error.code}, counted ${ends[0]?.error?.code}`);
    expect(completed === 0, `${marker} failed after its end`);
    // Who joined another's answer does not pay for it.
    if (context !== null && context.trail.count("replayed") === 0) checkLegs(one, expect);
    expect(error.code !== "internal", `${marker} met a bug: ${String(error.cause)}`);
  }
  expect(isPart(one), `${marker} mixed: ${JSON.stringify(textOf(one))}`);
  expect(frames.filter((frame) => frame.case === "started").length <= 1, `${marker} began twice`);
  // A caller who is busy hears of it when it comes back.
  if (leftMs !== null && endedMs !== null && error !== null) {
    expect(endedMs <= leftMs + dawdlesMs, `${marker} went on after its caller left`);
  }
  if (timeoutMs !== null && endedMs !== null) {
    expect(endedMs <= startsAtMs + timeoutMs + dawdlesMs, `${marker} went on after its deadline`);
  }
  checkCalls(one, world, expect);
}

/** Calls are aborted when everyone who waits for them has gone, and there are no more of them than allowed. */
function checkCalls({ marker }: Asking, { asking, network }: World, expect: Expect): void {
  const sharing = asking.filter((one) => one.marker === marker);
  const calls = network.calls.filter(({ request }) => request.body?.includes(`"${marker}"`));
  expect(calls.length <= maxAttempts * sharing.length, `${marker} was asked ${calls.length} times`);
  const lastMs = Math.max(
    ...sharing.map(({ endedMs, leftMs }) => Math.min(endedMs ?? 0, leftMs ?? Number.POSITIVE_INFINITY)),
  );
  for (const { beganMs, endedMs } of calls) {
    const slackMs = Math.max(...sharing.map(({ dawdlesMs }) => dawdlesMs));
    expect(beganMs <= lastMs + slackMs, `${marker} was asked after its end`);
    expect((endedMs ?? Number.POSITIVE_INFINITY) <= lastMs + slackMs, `${marker} was still asked after its end`);
  }
}

/** Usage is told once, and is what the provider that finished said, with what cut attempts used before. */
function checkUsage({ marker, frames, model, context }: Asking, { asking }: World, expect: Expect): void {
  const spoken = asking.flatMap((one) => (one.marker === marker ? one.spoken : []));
  const end = frames.at(-1);
  if (end?.case !== "completed") return;
  const { usage } = end.value;
  expect(usage !== undefined, `${marker} has no usage`);
  const recorded = context?.trail.last("usage")?.usage;
  const isRecorded = recorded?.inputTokens === usage?.inputTokens && recorded?.outputTokens === usage?.outputTokens;
  expect(isRecorded, `${marker} used ${usage?.outputTokens}, and ${recorded?.outputTokens} were recorded`);
  const continued = continuations(frames) > 0;
  if (usage === undefined || continued || usage.estimated) return;
  const counts = spoken.some(
    ({ usage: { input, output } }) => usage.inputTokens === input && usage.outputTokens === output,
  );
  expect(counts, `${marker} (${model}) used ${usage.inputTokens}/${usage.outputTokens}, which nobody counted`);
}

/** Of a continued answer all legs cost, each once, also when it failed or was left in the end. */
function checkLegs({ marker, frames, context }: Asking, expect: Expect): void {
  const legs = continuations(frames) + 1;
  if (legs === 1 || context === null) return;
  const paid = context.trail.last("usage")?.usage.inputTokens ?? 0;
  expect(paid >= legs * minPromptTokens, `${marker} had ${legs} legs and paid for ${paid} tokens of prompt`);
  const attempts = context.trail.count("attempt");
  if (attempts === 0) return;
  expect(paid <= attempts * maxPromptTokens, `${marker} was asked ${attempts} times and paid for ${paid} tokens`);
}

function continuations(frames: readonly Frame[]): number {
  return frames.filter((frame) => frame.case === "notice" && frame.value.detail.how !== undefined).length;
}

/** Keys go to their provider alone, and nowhere else. */
function checkSecrets({ asking, network, logged }: World, expect: Expect): void {
  for (const { request } of network.calls) {
    const shown = String(request.headers.authorization ?? request.headers["x-api-key"]).replace("Bearer ", "");
    expect(providers[request.origin]?.includes(shown) ?? false, `${request.origin} was shown another's key`);
    expect(!request.body?.includes("sk-"), `${request.origin} was sent a key in a body`);
  }
  expect(!logged.some((line) => line.includes("sk-")), "a key was logged");
  for (const { frames, error } of asking) {
    const told = JSON.stringify([error?.message, frames.map(({ value }) => value)], (_, value) =>
      typeof value === "bigint" ? String(value) : value,
    );
    expect(!told.includes("sk-"), "a key was told to a caller");
  }
}

function textOf({ frames }: Asking): string {
  return frames.map((frame) => (frame.case === "textDelta" ? frame.value : "")).join("");
}

/** Whether it is the words of one provider, or of two where the second was asked to go on with the first's. */
function isWhole(one: Asking): boolean {
  return wholeTexts(one).includes(textOf(one)) || (wasPrefilled(one) && textOf(one).endsWith(goesOn) && isPart(one));
}

function isPart(one: Asking): boolean {
  const text = wasPrefilled(one) ? textOf(one).split(goesOn)[0] : textOf(one);
  return wholeTexts(one).some((whole) => whole.startsWith(text ?? ""));
}

function wasPrefilled({ frames }: Asking): boolean {
  return frames.some((frame) => frame.case === "notice" && frame.value.detail.how === "prefill");
}

/** What the answer may be: the words of one provider, whole. */
function wholeTexts(one: Asking): readonly string[] {
  return Object.keys(providers).map((origin) => wordsOf(one, origin).join(""));
}
