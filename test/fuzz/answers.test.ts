import { describe, expect, it } from "vitest";
import { GatewayError } from "../../src/domain/errors.ts";
import type { SseEvent } from "../../src/providers/provider.ts";
import type { Random } from "../domain/random-messages.ts";
import { type Answered, checkAnswer, readStreamed, readWhole } from "./answers.ts";
import { edges, tellCallers } from "./edges.ts";
import { below, pick } from "./mutate-json.ts";
import { cutAtRandom, mutateBytes, mutateEvents, mutateText, toBytes } from "./mutate-stream.ts";
import { adapterKinds, parsers, type Recording, recordingsOf } from "./recordings.ts";
import { fuzz } from "./seeds.ts";

function check(answered: Answered, bytes: number, random: Random): void {
  checkAnswer(answered, bytes);
  tellCallers(answered.frames, answered.failure, random);
}

describe.each(adapterKinds)("answers of %s", (kind) => {
  const recordings = recordingsOf(kind);
  const streams = recordings.filter(({ stream }) => stream !== null).map((one) => ({ one, events: eventsOf(one) }));
  const wholes = recordings.filter(({ response }) => response !== null);
  const errors = recordings.filter(({ error }) => error !== null);
  const allEvents = streams.flatMap(({ events }) => events);

  it("have recordings to begin with", () => {
    expect(Math.min(streams.length, wholes.length, errors.length)).toBeGreaterThan(0);
  });

  fuzz(`${kind}: streams of events that are changed, lost, doubled and moved`, 150, (random) => {
    const { one, events } = pick(streams, random);
    const framing = one.stream?.framing ?? "sse";
    let bytes = toBytes(mutateEvents(events, allEvents, random), framing, random);
    if (random() < 0.2) bytes = mutateBytes(bytes, random);
    check(readStreamed(one.provider, one.memory, cutAtRandom(bytes, random), framing), bytes.length, random);
  });

  fuzz(`${kind}: streams that end before their end`, 30, (random) => {
    const { one, events } = pick(streams, random);
    const framing = one.stream?.framing ?? "sse";
    const open = events.slice(
      0,
      events.findIndex(({ event, data }) => endWords.test(event + data)),
    );
    const kept = mutateEvents(open.slice(0, Math.ceil(random() * open.length)), open.length > 0 ? open : junk, random);
    const bytes = toBytes(
      kept.filter(({ event, data }) => !endWords.test(event + data)),
      framing,
      random,
    );
    const { frames } = readStreamed(one.provider, one.memory, [bytes], framing);
    expect(frames.filter((frame) => frame.case === "completed")).toEqual([]);
  });

  fuzz(`${kind}: whole bodies that are changed`, 120, (random) => {
    const one = pick(wholes, random);
    const text = one.response ?? "";
    const body = random() < 0.15 ? mutateBytes(Buffer.from(text), random).toString() : changed(text, random);
    check(readWhole(one.provider, one.memory, body), body.length, random);
  });

  fuzz(`${kind}: a whole body where a stream was asked for, and the reverse`, 20, (random) => {
    const [streamed, whole] = [pick(streams, random).one, pick(wholes, random)];
    const text = changed(whole.response ?? "", random);
    const framing = streamed.stream?.framing ?? "sse";
    check(
      readStreamed(whole.provider, whole.memory, [toBytes([{ event: "", data: text }], framing, random)], framing),
      text.length,
      random,
    );
    check(
      readWhole(whole.provider, whole.memory, streamed.stream?.text ?? ""),
      streamed.stream?.text.length ?? 0,
      random,
    );
  });

  fuzz(`${kind}: refusals`, 60, (random) => {
    const { provider, memory, error } = pick(errors, random);
    const body =
      error === null
        ? ""
        : random() < 0.2
          ? mutateBytes(Buffer.from(error.body), random).toString()
          : changed(error.body, random);
    const status = pick(
      [error?.status ?? 500, 400, 401, 403, 404, 408, 409, 413, 422, 429, 499, 500, 503, 529, 204, 304, 799],
      random,
    );
    const failure = provider.fromError(
      { status, headers: { ...error?.headers, ...pick(oddHeaders, random) }, body },
      memory,
    );
    expect(failure).toBeInstanceOf(GatewayError);
    const { retryAfterMs = 0, upstreamCode = "" } = failure.detail;
    expect(retryAfterMs >= 0 && Number.isFinite(retryAfterMs), `retryAfterMs ${retryAfterMs}`).toBe(true);
    expect(typeof upstreamCode).toBe("string");
    expect(typeof failure.message).toBe("string");
    for (const { encodeError } of edges) JSON.parse(encodeError(failure));
  });
});

/** What only an answer's end says, in any dialect. */
const endWords =
  /\[DONE\]|finish_?reason|stop_reason|message_stop|message-end|"done"|response\.(completed|incomplete|failed)|"status"|blockReason|^messageStop/i;
const junk = [{ event: "", data: "{}" }];

const oddHeaders: readonly Record<string, string>[] = [
  {},
  { "retry-after": "-1", date: "nonsense" },
  { "retry-after": "1e400", "retry-after-ms": "NaN" },
  { "retry-after": "Wed, 99 Foo 20x5", "x-should-retry": "perhaps" },
  { "retry-after-ms": "99999999999999999999", "content-type": "text/html" },
  { "x-ratelimit-reset-requests": "1h99m-3s", "anthropic-ratelimit-requests-reset": "0000-00-00T00:00:00Z" },
];

/** JSON with one to three values changed. */
function changed(text: string, random: Random): string {
  return mutateText(text, random, 1 + below(3, random));
}

function eventsOf({ stream }: Recording): readonly SseEvent[] {
  if (stream === null) return [];
  const parser = parsers[stream.framing]();
  return [...parser.push(Buffer.from(stream.text)), ...parser.end()];
}
