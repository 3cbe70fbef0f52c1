import { create } from "@bufbuild/protobuf";
import { expect, it } from "vitest";
import { ChatRequestSchema } from "../../gen/trunkline/v1/chat_pb.ts";
import { type Part, PartSchema, type Proof, ProofSchema, Role } from "../../gen/trunkline/v1/message_pb.ts";
import { PartFinishedSchema, PartStartedSchema } from "../../gen/trunkline/v1/stream_pb.ts";
import { ProofMemory } from "../../src/cache/proof-memory.ts";
import { chatMessage, partOf, textPart } from "../../src/domain/blank.ts";
import type { ChatCall, Frame } from "../../src/domain/chat.ts";
import type { RequestContext } from "../../src/domain/context.ts";
import { createFakeClock } from "../fakes/clock.ts";
import { completed, finished, started } from "../fakes/frames.ts";
import { contextOf } from "../providers/sending.ts";

const proofOf = (text: string, issuer = "gemini"): Proof =>
  create(ProofSchema, { issuer, format: "signature", data: new TextEncoder().encode(text) });
const everything = () => true;

function remembering(bounds = { ttlMs: 60_000, maxBytes: 1_000_000 }) {
  const clock = createFakeClock();
  const memory = new ProofMemory({ clock, ...bounds });
  const contextFor = (id: string): RequestContext => {
    const context = contextOf(new AbortController().signal, clock);
    context.trail.note({ kind: "admitted", caller: { name: id, id } });
    return context;
  };
  const asked: ChatCall = { request: create(ChatRequestSchema, { tools: [{}] }), stream: true };
  async function watch(frames: readonly Frame[], { id = "a", call = asked } = {}): Promise<number> {
    let seen = 0;
    const answer = (async function* () {
      for (const frame of frames) yield [frame];
    })();
    for await (const batch of memory.watch(answer, call, contextFor(id))) seen += batch.length;
    return seen;
  }
  const restored = (parts: readonly Part[], { id = "a", takes = everything as (proof: Proof) => boolean } = {}) => {
    const request = create(ChatRequestSchema, { messages: [chatMessage(Role.ASSISTANT, [...parts])] });
    const call: ChatCall = { request, stream: false };
    const back = memory.restored(call, contextFor(id), takes);
    return { call, back, parts: back.request.messages[0]?.parts.map(sight) };
  };
  return { clock, memory, watch, restored };
}

/** A part in few words: `reasoning why (r1)`, `call c1 (p1)`. */
function sight({ kind, proof }: Part): string {
  const mark = proof ? ` (${new TextDecoder().decode(proof.data)})` : "";
  if (kind.case === "reasoning") return `reasoning ${kind.value.text}${mark}`;
  return kind.case === "toolCall" ? `call ${kind.value.id}${mark}` : `text ${kind.value}${mark}`;
}

const place = (part: number, choice = 0) => ({ choice, part });
const callPart = (id: string) => create(PartSchema, { kind: { case: "toolCall", value: { id, name: "f" } } });
const begins = (part: number, value: Part): Frame => ({
  case: "partStarted",
  value: create(PartStartedSchema, { part: value }),
  ...place(part),
});
const thinks = (part: number, ...pieces: readonly string[]): Frame[] => [
  begins(part, create(PartSchema, { kind: { case: "reasoning", value: {} } })),
  ...pieces.map((value): Frame => ({ case: "reasoningDelta", value, ...place(part) })),
];
const ends = (part: number, proof?: Proof): Frame => ({
  case: "partFinished",
  value: create(PartFinishedSchema, proof ? { proof } : {}),
  ...place(part),
});
const whole = (...frames: readonly Frame[]) => [started(), ...frames, finished(), completed()];
const provedCall = whole(
  ...thinks(0, "wh", "y"),
  ends(0, proofOf("r1")),
  begins(1, callPart("c1")),
  ends(1, proofOf("p1")),
);

it("puts proofs back where a call comes back bare, and changes no frame on the way", async () => {
  const { watch, restored } = remembering();
  expect(await watch(provedCall)).toBe(provedCall.length);
  const { call, back, parts } = restored([textPart("So:"), callPart("c1")]);
  expect(parts).toEqual(["reasoning why (r1)", "text So:", "call c1 (p1)"]);
  // The caller's own is left as it was: other targets may be asked with it.
  expect(back).not.toBe(call);
  expect(call.request.messages[0]?.parts.map(sight)).toEqual(["text So:", "call c1"]);
});

it("puts reasoning between calls before the call that it led to", async () => {
  const { watch, restored } = remembering();
  const second = [...thinks(2, "then"), ends(2, proofOf("r2")), begins(3, callPart("c2")), ends(3)];
  await watch(whole(...thinks(0, "first"), ends(0, proofOf("r1")), begins(1, callPart("c1")), ends(1), ...second));
  const expected = ["reasoning first (r1)", "call c1", "reasoning then (r2)", "call c2"];
  expect(restored([callPart("c1"), callPart("c2")]).parts).toEqual(expected);
});

it("gives reasoning that came back without its proof the one that has it", async () => {
  const { watch, restored } = remembering();
  await watch(provedCall);
  const told = partOf({
    case: "reasoning",
    value: { $typeName: "trunkline.v1.ReasoningPart", text: "why", summary: [], redacted: false },
  });
  expect(restored([told, callPart("c1")]).parts).toEqual(["reasoning why (r1)", "call c1 (p1)"]);
});

it("tells nobody else", async () => {
  const { watch, restored } = remembering();
  await watch(provedCall, { id: "a" });
  const { call, back } = restored([callPart("c1")], { id: "b" });
  expect(back).toBe(call);
});

it("leaves alone what the target does not take, calls that are not known, and messages that prove something", async () => {
  const { watch, restored } = remembering();
  await watch(provedCall);
  const foreign = restored([callPart("c1")], { takes: ({ issuer }) => issuer === "anthropic" });
  expect(foreign.back).toBe(foreign.call);
  const unknown = restored([callPart("c9")]);
  expect(unknown.back).toBe(unknown.call);
  const proved = restored([{ ...callPart("c1"), proof: proofOf("mine") }]);
  expect(proved.back).toBe(proved.call);
});

it("remembers no answer that was cut, proves nothing or calls nothing", async () => {
  const { watch, restored } = remembering();
  await watch(provedCall.slice(0, -1));
  await watch(whole(begins(0, callPart("c1")), ends(0)));
  await watch(whole(...thinks(0, "why"), ends(0, proofOf("r1"))));
  const { call, back } = restored([callPart("c1")]);
  expect(back).toBe(call);
});

it("does not look at answers to requests without tools", async () => {
  const { watch, restored } = remembering();
  await watch(provedCall, { call: { request: create(ChatRequestSchema), stream: true } });
  const { call, back } = restored([callPart("c1")]);
  expect(back).toBe(call);
});

it("forgets after its time, and at once when it is to remember nothing", async () => {
  const { clock, memory, watch, restored } = remembering();
  await watch(provedCall);
  clock.advance(59_999);
  expect(restored([callPart("c1")]).parts).toContain("call c1 (p1)");
  clock.advance(1);
  expect(restored([callPart("c1")]).parts).toEqual(["call c1"]);
  await watch(provedCall);
  memory.limit({ ttlMs: 0, maxBytes: 1_000_000 });
  expect(restored([callPart("c1")]).parts).toEqual(["call c1"]);
});

it("forgets the oldest where there is too much, and never takes what is too large alone", async () => {
  const { watch, restored } = remembering({ ttlMs: 60_000, maxBytes: 2_500 });
  const sized = (id: string, bytes: number) => whole(begins(0, callPart(id)), ends(0, proofOf("x".repeat(bytes))));
  await watch(sized("c1", 1_000));
  await watch(sized("c2", 500));
  await watch(sized("c3", 500));
  await watch(sized("c4", 5_000));
  const kept = ["c1", "c2", "c3", "c4"].filter((id) => {
    const { call, back } = restored([callPart(id)]);
    return back !== call;
  });
  expect(kept).toEqual(["c2", "c3"]);
});
