import { create } from "@bufbuild/protobuf";
import { ChatRequestSchema } from "../../gen/trunkline/v1/chat_pb.ts";
import { Role } from "../../gen/trunkline/v1/message_pb.ts";
import { Admission } from "../../src/accounts/admission.ts";
import { assemble } from "../../src/assemble.ts";
import { createOnce } from "../../src/cache/once.ts";
import { ProofMemory } from "../../src/cache/proof-memory.ts";
import { createOwnResponses } from "../../src/cache/response-stores.ts";
import type { Config } from "../../src/config/config.ts";
import { type Beginnings, beginRequest, Shutdown } from "../../src/domain/begin.ts";
import type { ChatCall, Frame } from "../../src/domain/chat.ts";
import type { Caller, RequestContext } from "../../src/domain/context.ts";
import { type GatewayError, toGatewayError } from "../../src/domain/errors.ts";
import type { Log } from "../../src/domain/log.ts";
import type { RequestEnd } from "../../src/domain/observer.ts";
import type { Gateway } from "../../src/gateway.ts";
import { TargetStates } from "../../src/routing/target-states.ts";
import { createFakeClock, type FakeClock } from "../fakes/clock.ts";
import type { Spoken } from "./provider.ts";
import { createRandom, type Random } from "./random.ts";
import { createNetwork, type SimulatedNetwork } from "./transport.ts";
import { weatherOf } from "./weather.ts";

/** One request of a simulated caller, and all that was seen of it. */
export interface Asking {
  /** Stands in the prompt and in every answer to it, so that a mixed-up one is noticed. */
  readonly marker: string;
  readonly model: string;
  readonly stream: boolean;
  readonly words: number;
  /** Whether every provider would answer in the same words. */
  readonly alike: boolean;
  readonly key: string | undefined;
  readonly timeoutMs: number | null;
  readonly startsAtMs: number;
  readonly leavesAtMs: number | null;
  /** How long the caller takes over each batch. Milliseconds. */
  readonly dawdlesMs: number;
  context: RequestContext | null;
  readonly frames: Frame[];
  readonly spoken: Spoken[];
  readonly ends: RequestEnd[];
  starts: number;
  error: GatewayError | null;
  endedMs: number | null;
  leftMs: number | null;
}

export interface World {
  readonly seed: number;
  readonly asking: readonly Asking[];
  readonly network: SimulatedNetwork;
  readonly clock: FakeClock;
  readonly states: TargetStates;
  readonly admission: Admission;
  /** What was logged, as text. */
  readonly logged: readonly string[];
  /** Whether everything came to an end within the steps that it was given. */
  readonly finished: boolean;
}

const caller: Caller = { name: "master", id: "m" };
const models = ["one", "ordered", "weighted", "continued", "continued", "hedged", "shared", "keys"] as const;
/** Turns of the clock that one world may take: each a thing that happens. */
const maxSteps = 5_000;

/** Plays one seed from beginning to end. */
export async function play(seed: number, config: Config): Promise<World> {
  const random = createRandom(seed);
  const clock = createFakeClock();
  const asking = planned(seed, random);
  const network = createNetwork(clock, (request) =>
    weatherFor(String(request.body), asking, (one, body) => {
      const stream = body.stream === true;
      const question = questionOf(one, body, request.origin);
      return weatherOf({ ...question, stream, request, onSpoken: (spoken) => one.spoken.push(spoken) }, random);
    }),
  );
  const logged: string[] = [];
  const states = new TargetStates(clock, config.resilience.breaker);
  const admission = new Admission({ clock, ...config.resilience.queue });
  const once = createOnce({ clock, ...config.resilience.idempotency });
  const observers = [
    {
      requestStarted: (context: RequestContext) => {
        for (const one of asking) if (one.context === context) one.starts++;
      },
      requestEnded: (context: RequestContext, end: RequestEnd) => {
        for (const one of asking) if (one.context === context) one.ends.push(end);
      },
    },
  ];
  const log = logInto(logged);
  const proofs = new ProofMemory({ clock, ...config.resilience.proofMemory });
  const responses = createOwnResponses(clock, config.responses);
  const parts = {
    responses,
    log,
    clock,
    random: random.next,
    dialer: network.dialer,
    observers,
    states,
    admission,
    once,
    proofs,
  };
  const { gateway, stop } = assemble(config, config.providers, parts);
  const beginnings: Beginnings = {
    clock,
    log,
    shutdown: new Shutdown(),
    newRequestId: () => `req_${seed}`,
  };
  for (const one of asking) clock.after(one.startsAtMs, () => void ask(one, gateway, beginnings, clock));
  let steps = 0;
  for (; steps < maxSteps; steps++) {
    await new Promise<void>((resolve) => setImmediate(resolve));
    const { nextMs } = clock;
    if (nextMs === null || asking.every(({ endedMs }) => endedMs !== null)) break;
    clock.advance(nextMs);
  }
  await new Promise<void>((resolve) => setImmediate(resolve));
  stop();
  return { seed, asking, network, clock, states, admission, logged, finished: steps < maxSteps };
}

function planned(seed: number, random: Random): readonly Asking[] {
  const asking: Asking[] = [];
  const count = 1 + random.below(3);
  for (let i = 0; i < count; i++) {
    const before = asking[0];
    // Some ask for the same as the first one, under the same idempotency key.
    const again = before?.key !== undefined && random.chance(0.7) ? before : null;
    asking.push({
      marker: again?.marker ?? `q${seed}-${i}`,
      model: again?.model ?? random.pick(models),
      stream: again?.stream ?? random.chance(0.8),
      words: again?.words ?? 1 + random.below(6),
      alike: again?.alike ?? random.chance(0.7),
      key: again?.key ?? (random.chance(0.2) ? `key-${i}` : undefined),
      timeoutMs: random.chance(0.15) ? 1 + random.below(3_000) : null,
      startsAtMs: random.below(200),
      leavesAtMs: random.chance(0.25) ? random.below(2_500) : null,
      dawdlesMs: random.chance(0.2) ? random.below(300) : 0,
      context: null,
      frames: [],
      spoken: [],
      ends: [],
      starts: 0,
      error: null,
      endedMs: null,
      leftMs: null,
    });
  }
  return asking;
}

async function ask(one: Asking, gateway: Gateway, beginnings: Beginnings, clock: FakeClock): Promise<void> {
  const begun = beginRequest(beginnings, {
    operation: "chat",
    protocol: "grpc",
    timeoutMs: one.timeoutMs,
    ...(one.key !== undefined && { idempotencyKey: one.key }),
  });
  one.context = begun.context;
  const leaving =
    one.leavesAtMs === null
      ? () => {}
      : clock.after(one.leavesAtMs, () => {
          one.leftMs = clock.nowMs();
          begun.hangUp();
        });
  try {
    for await (const frames of gateway.chat(callOf(one), caller, begun.context)) {
      // As the edges do: what was under way when the caller left is not for anybody.
      begun.context.signal.throwIfAborted();
      one.frames.push(...frames);
      if (one.dawdlesMs > 0) await new Promise<void>((resolve) => clock.after(one.dawdlesMs, resolve));
    }
  } catch (thrown) {
    one.error = toGatewayError(thrown);
  }
  leaving();
  begun.close();
  one.endedMs = clock.nowMs();
}

function callOf({ marker, model, stream }: Asking): ChatCall {
  const parts = [{ kind: { case: "text" as const, value: marker } }];
  const temperature = model === "shared" ? { temperature: 0 } : {};
  const request = create(ChatRequestSchema, { model, messages: [{ role: Role.USER, parts }], ...temperature });
  return { request, stream };
}

/** The words that a provider answers with. */
export function wordsOf({ marker, words, alike }: Asking, origin: string): readonly string[] {
  const who = alike ? "" : ` ${new URL(origin).hostname}`;
  return Array.from({ length: words }, (_, i) => (i === 0 ? `${marker}${who}` : ` wörd-${i} 😀`));
}

// biome-ignore lint/suspicious/noExplicitAny: the provider's side of a wire format
type Body = any;

function weatherFor<T>(text: string, asking: readonly Asking[], of: (one: Asking, body: Body) => T): T {
  const marker = /q\d+-\d+/.exec(text)?.[0];
  const one = asking.find((known) => known.marker === marker);
  if (one === undefined) throw new Error(`A provider was asked something that nobody asked: ${text}`);
  return of(one, JSON.parse(text));
}

function questionOf(one: Asking, { messages }: Body, origin: string) {
  const last = messages.at(-1);
  const content = typeof last.content === "string" ? last.content : last.content[0].text;
  return {
    anthropic: origin.includes("claude"),
    words: wordsOf(one, origin),
    prefill: last.role === "assistant" ? String(content) : "",
  };
}

function logInto(lines: string[]): Log {
  const at = () => (message: string, fields: unknown) => void lines.push(`${message} ${JSON.stringify(fields)}`);
  return { debug: at(), info: at(), warn: at(), error: at(), with: () => logInto(lines) };
}
