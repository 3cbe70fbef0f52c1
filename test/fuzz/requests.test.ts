import { type DescMessage, fromJsonString } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { type ChatRequest, ChatRequestSchema } from "../../gen/trunkline/v1/chat_pb.ts";
import type { Target } from "../../src/domain/target.ts";
import type { Random } from "../domain/random-messages.ts";
import { edges } from "./edges.ts";
import { below, pick } from "./mutate-json.ts";
import { mutateBytes, mutateText } from "./mutate-stream.ts";
import { adapterKinds, recordingsOf } from "./recordings.ts";
import { type Outcome, parsed, send } from "./requests.ts";
import { fuzz } from "./seeds.ts";

const recordings = adapterKinds.flatMap((kind) => recordingsOf(kind));
/** Every model that a golden case asks, so that no rule about models is left out. */
const targets: readonly Target[] = [
  ...new Map(recordings.map(({ target }) => [JSON.stringify(target), target])).values(),
];

function bytesOf(text: string, random: Random): Uint8Array {
  if (random() < 0.1) return mutateBytes(Buffer.from(text), random);
  return Buffer.from(mutateText(text, random, below(4, random)));
}

/** Counts outcomes: a run in which everything is refused tests nothing. */
function expectBoth(counts: Map<Outcome, number>): void {
  if (process.env.FUZZ_SEEDS !== undefined) return;
  expect(counts.get("sent") ?? 0).toBeGreaterThan(20);
  expect(counts.get("unread") ?? 0).toBeGreaterThan(20);
}

describe.each(edges)("requests of $dialect", ({ dialect, golden, parse }) => {
  const bodies = recordingsOf(golden).flatMap(({ sent }) => (sent === null ? [] : [JSON.stringify(sent)]));
  const counts = new Map<Outcome, number>();

  fuzz(`${dialect}: bodies that are changed, to every kind of provider`, 400, (random) => {
    const bytes = bytesOf(pick(bodies, random), random);
    for (const kind of adapterKinds) {
      const asked = parsed(bytes, parse);
      const target = pick(
        targets.filter(({ provider }) => provider === kind),
        random,
      );
      const outcome = asked === null ? "unread" : send(asked.call, target);
      counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
      if (asked === null) return;
    }
  });

  it(`${dialect}: some of them are read, and some are not`, () => expectBoth(counts));
});

describe("requests of the contract", () => {
  const chats = recordings.flatMap(({ chat }) => (chat === null ? [] : [chat]));

  fuzz("typed: messages that are changed, to every kind of provider", 400, (random) => {
    const text = mutateText(pick(chats, random), random, 1 + below(3, random));
    for (const kind of adapterKinds) {
      const request = readTyped(ChatRequestSchema, text);
      if (request === null) return;
      const target = pick(
        targets.filter(({ provider }) => provider === kind),
        random,
      );
      send({ request: request as ChatRequest, stream: random() < 0.5 }, target);
    }
  });
});

/** A message as the RPC library reads it; null where the library refuses the text by itself. */
function readTyped(schema: DescMessage, text: string): unknown {
  try {
    return fromJsonString(schema, text);
  } catch {
    return null;
  }
}
