import type { Outgoing } from "../../src/net/dial.ts";
import { answerTo, errorEvent, type Question, type Spoken } from "./provider.ts";
import type { Random } from "./random.ts";
import type { Step } from "./transport.ts";

/** What the world knows of a request to a provider. */
export interface Asked extends Question {
  readonly request: Outgoing;
  /** Called with what a good answer says, whether or not it arrives. */
  readonly onSpoken: (spoken: Spoken) => void;
}

const statuses = [400, 401, 404, 408, 409, 429, 429, 500, 502, 503, 529, 302] as const;

/** What happens to one request: mostly it is answered, in pieces and late; else one thing goes wrong somewhere. */
export function weatherOf(asked: Asked, random: Random): readonly Step[] {
  if (asked.request.method === "GET") return [{ afterMs: 0, does: "connect" }, headStep(404, {}, 0), end(0)];
  const late = () => (random.chance(0.1) ? random.below(4_000) : random.below(60));
  if (random.chance(0.05)) return [{ afterMs: late(), does: "refuse" }];
  const connect: Step = { afterMs: late(), does: "connect" };
  if (random.chance(0.05)) return [connect, { afterMs: late(), does: random.pick(["reset", "end", "stall"]) }];
  if (random.chance(0.2)) {
    const headers = random.chance(0.3) ? { "retry-after-ms": String(random.below(3_000)) } : {};
    return [connect, headStep(random.pick(statuses), headers, late()), say("{}", 0), end(late())];
  }
  const spoken = answerTo(asked, random);
  asked.onSpoken(spoken);
  const head = headStep(200, { "content-type": spoken.contentType }, late());
  return [connect, head, ...bodySteps(spoken.text, asked, random, late)];
}

function bodySteps(text: string, { anthropic, stream }: Asked, random: Random, late: () => number): readonly Step[] {
  const bytes = Buffer.from(text);
  if (!random.chance(0.35)) return [...pieces(bytes, random, late), end(late())];
  // Something goes wrong on the way, after some of it.
  const said = pieces(bytes.subarray(0, random.below(bytes.length)), random, late);
  switch (random.below(stream ? 5 : 3)) {
    case 0:
      return [...said, { afterMs: late(), does: "reset" }];
    case 1:
      return [...said, end(late())];
    case 2:
      return [...said, { afterMs: 0, does: "stall" }];
    case 3:
      return [...said, say("\n\ndata: {oops\n\n", late()), end(late())];
    default:
      return [...said, say(`\n\n${errorEvent(anthropic)}`, late()), end(late())];
  }
}

/** The bytes split anywhere, in the middle of characters too. */
function pieces(bytes: Uint8Array, random: Random, late: () => number): readonly Step[] {
  const steps: Step[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = random.chance(0.05) ? 1 + random.below(3) : 1 + random.below(400);
    steps.push({ afterMs: late(), does: "say", bytes: bytes.subarray(at, at + length) });
    at += length;
  }
  return steps;
}

function headStep(status: number, headers: Readonly<Record<string, string>>, afterMs: number): Step {
  return { afterMs, does: "head", status, headers };
}

function say(text: string, afterMs: number): Step {
  return { afterMs, does: "say", bytes: Buffer.from(text) };
}

function end(afterMs: number): Step {
  return { afterMs, does: "end" };
}
