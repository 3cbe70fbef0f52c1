import { describe, expect, it } from "vitest";
import { createFold } from "../../src/domain/fold.ts";
import type { SseEvent } from "../../src/providers/provider.ts";
import { readStreamed } from "./answers.ts";
import { toBytes } from "./mutate-stream.ts";
import { adapterKinds, parsers, recordingsOf } from "./recordings.ts";

/** How often an event of a stream comes again: what takes the square of that takes minutes. */
const repeats = 20_000;
/** A build takes one stream in so many; all are taken where FUZZ_SEEDS asks for more. */
const step = process.env.FUZZ_SEEDS === undefined ? 16 : 1;

/** The same event again, or one with numbers and ids of its own. */
const ways: Readonly<Record<string, (event: SseEvent, number: number) => SseEvent>> = {
  "the same event": (event) => event,
  "events with numbers and ids of their own": ({ event, data }, number) => ({
    event,
    data: data
      .replaceAll(/"(\w*index)":\s*\d+/g, `"$1":${number}`)
      .replaceAll(/"(\w*id)":\s*"[^"]*"/g, `"$1":"n${number}"`),
  }),
};

// The bound on a test's time is what fails here: no event may cost more the later it comes.
describe.each(adapterKinds)("long streams of %s take linear time", (kind) => {
  const streams = recordingsOf(kind).filter(({ stream }) => stream !== null);
  const cases = streams.flatMap((one) =>
    Object.entries(ways).map(([name, way]) => ({ name: `${one.name}: ${name}`, one, way })),
  );

  it.each(cases.filter((_, i) => i % step < 2))("$name", ({ one, way }) => {
    const { text, framing } = one.stream ?? { text: "", framing: "sse" as const };
    const parser = parsers[framing]();
    const events = [...parser.push(Buffer.from(text)), ...parser.end()];
    const event = events[Math.floor(events.length / 2)] ?? { event: "", data: "{}" };
    const more = Array.from({ length: repeats }, (_, number) => way(event, number));
    const bytes = toBytes([...events.slice(0, -1), ...more, ...events.slice(-1)], framing, () => 0.5);
    const { frames, failure } = readStreamed(one.provider, one.memory, [bytes], framing);
    const fold = createFold();
    fold.push(frames);
    if (failure === null) expect(fold.response("r").choices.length).toBeLessThan(129);
  });
});
