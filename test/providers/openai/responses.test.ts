import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { ChatRequestSchema, LossPolicy } from "../../../gen/trunkline/v1/chat_pb.ts";
import { Role } from "../../../gen/trunkline/v1/message_pb.ts";
import type { Frame } from "../../../src/domain/chat.ts";
import type { ModelFacts } from "../../../src/domain/model-facts.ts";
import type { Target } from "../../../src/domain/target.ts";
import { openai } from "../../../src/providers/openai/adapter.ts";
import { packageFacts } from "../../fakes/facts.ts";

function targetOf(model: string, facts: ModelFacts = packageFacts("openai", model)): Target {
  return { name: `openai/${model}`, instance: "openai", provider: "openai", model, wire: "exact", facts };
}

function requestOf(more: Parameters<typeof create<typeof ChatRequestSchema>>[1] = {}) {
  const parts = [{ kind: { case: "text" as const, value: "Hi" } }];
  return create(ChatRequestSchema, { model: "m", messages: [{ role: Role.USER, parts }], ...more });
}

const pathOf = (target: Target) => openai.toRequest({ request: requestOf(), stream: false }, target).path;
const memory = { target: targetOf("gpt-5-pro"), stream: true };

describe("which interface a model is asked through", () => {
  it.each([
    ...["gpt-5-pro", "gpt-5-pro-2025-10-06", "gpt-5.5-pro", "o1-pro", "o3-pro", "o3-deep-research", "gpt-5-codex"],
    ...["gpt-5.1-codex-max", "codex-mini-latest", "computer-use-preview", "gpt-6-cyber", "gpt-daybreak-blue-latest"],
  ])("%s is asked through Responses", (model) => {
    expect(pathOf(targetOf(model))).toBe("/responses");
  });

  it.each(["gpt-5", "gpt-5.4", "o3", "gpt-4o", "some-model", "openai/gpt-5-pro", "my-prose-model"])(
    "%s is asked through chat completions",
    (model) => {
      expect(pathOf(targetOf(model))).toBe("/chat/completions");
    },
  );

  it("is what the operator says, whatever the catalogue knows", () => {
    expect(pathOf(targetOf("gpt-4o", { api: "responses" }))).toBe("/responses");
    expect(pathOf(targetOf("gpt-5-pro", { api: "chat" }))).toBe("/chat/completions");
  });

  it("asks for encrypted reasoning where the model reasons, and OpenAI would not refuse it", () => {
    const includeOf = (target: Target) =>
      JSON.parse(String(openai.toRequest({ request: requestOf(), stream: false }, target).body)).include;
    const api = "responses" as const;
    expect(includeOf(targetOf("gpt-5-pro"))).toEqual(["reasoning.encrypted_content"]);
    expect(includeOf(targetOf("gpt-4o", { api }))).toBeUndefined();
    expect(includeOf({ ...targetOf("gpt-oss-120b", { api }), wire: "repair" })).toEqual([
      "reasoning.encrypted_content",
    ]);
  });
});

describe("a request that loses something", () => {
  it("is refused by name where the caller wants no loss", () => {
    const request = requestOf({ stop: ["x"], lossPolicy: LossPolicy.REFUSE });
    expect(() => openai.toRequest({ request, stream: false }, memory.target)).toThrow(
      expect.objectContaining({ code: "unsupported_parameter", detail: expect.objectContaining({ field: "stop" }) }),
    );
  });

  it("asks for log probabilities nowhere where the model gives none, and says so", () => {
    const request = requestOf({ logprobs: true, topLogprobs: 2 });
    const { body, losses } = openai.toRequest({ request, stream: false }, memory.target);
    expect(body).not.toContain("logprobs");
    expect(losses.map(({ field }) => field)).toEqual(["logprobs", "top_logprobs"]);
  });

  it("names members of the caller's own dialect that are unknown here", () => {
    const source = { dialect: "openai-chat" as const, bytes: Buffer.from("{}"), members: new Map(), unknown: ["odd"] };
    const { losses } = openai.toRequest({ request: requestOf(), stream: false, source }, memory.target);
    expect(losses.map(({ field }) => field)).toEqual(["odd"]);
  });
});

describe("reasoning of earlier turns", () => {
  const thought = (issuer: string) => {
    const proof = { issuer, format: "encrypted", data: new TextEncoder().encode("gAAAAABx"), id: "rs_1" };
    const kind = { case: "reasoning" as const, value: { redacted: true } };
    const [asked] = requestOf().messages;
    const answer = { role: Role.ASSISTANT, parts: [{ kind, proof }] };
    const messages = [...(asked ? [asked] : []), answer, ...(asked ? [asked] : [])];
    const { body, losses } = openai.toRequest({ request: requestOf({ messages }), stream: false }, memory.target);
    return { body: String(body), fields: losses.map(({ field }) => field) };
  };

  it.each(["openai/responses", "openai"])("goes back where %s sealed it", (issuer) => {
    const { body, fields } = thought(issuer);
    expect(JSON.parse(body).input[1]).toEqual({
      type: "reasoning",
      id: "rs_1",
      summary: [],
      encrypted_content: "gAAAAABx",
    });
    expect(fields).toEqual([]);
  });

  it.each(["xai/responses", "anthropic", "unknown"])("stays here where %s sealed it, and that is told", (issuer) => {
    const { body, fields } = thought(issuer);
    expect(body).not.toContain("gAAAAABx");
    expect(fields).toEqual(["messages[1].parts[0].reasoning"]);
  });
});

describe("the provider's bytes", () => {
  const item = {
    id: "msg_1",
    type: "message",
    role: "assistant",
    content: [{ type: "output_text", text: "Hi", odd: 1 }],
  };
  const response = { id: "resp_1", status: "completed", model: "m", output: [item], odd: { newer: true } };

  it("stay beside the frames of every event, also of events that are newer than this decoder", () => {
    const decoder = openai.createDecoder(memory);
    const events = [
      { type: "response.created", response: { ...response, status: "in_progress", output: [] } },
      { type: "response.thought.weighed", grams: 21 },
      { type: "response.output_text.delta", item_id: "msg_1", output_index: 0, content_index: 0, delta: "Hi" },
      { type: "response.completed", response },
    ];
    const written = events.map((event) => ({ event: event.type, data: JSON.stringify(event) }));
    const frames = written.flatMap((event) => decoder.push(event));
    const wires = [...new Set(frames.map(({ wire }) => wire))];
    expect(wires.map((wire) => wire?.text)).toEqual(
      written.map(({ event, data }) => `event: ${event}\ndata: ${data}\n\n`),
    );
    expect(wires.every((wire) => wire?.dialect === "openai-responses" && !wire.whole)).toBe(true);
    expect(decoder.done).toBe(true);
  });

  it("stay beside a whole answer", () => {
    const body = JSON.stringify(response);
    const frames = openai.fromResponse({ status: 200, headers: {}, body }, memory);
    expect(frames.every(({ wire }) => wire?.whole && wire.text === body && wire.frames === frames.length)).toBe(true);
  });

  it("are dropped where an event had to be mended", () => {
    const decoder = openai.createDecoder(memory);
    const delta = { type: "response.output_text.delta", item_id: "m", output_index: 0, delta: "a\ud83d" };
    const frames = decoder.push({ event: "", data: JSON.stringify(delta) });
    expect(frames.some((frame) => frame.case === "textDelta" && frame.value === "a\ufffd")).toBe(true);
    expect(frames.every(({ wire }) => wire === undefined)).toBe(true);
  });

  it("tell members that the contract does not know, when asked for", () => {
    const body = JSON.stringify(response);
    const frames = openai.fromResponse({ status: 200, headers: {}, body }, { ...memory, providerData: true });
    const end = frames.at(-1);
    expect(end?.case === "completed" && end.value.providerData).toEqual({ openai: '{"odd":{"newer":true}}' });
  });
});

describe("an answer against the format", () => {
  const decode = (...events: object[]): readonly Frame[] => {
    const decoder = openai.createDecoder(memory);
    return events.flatMap((event) => decoder.push({ event: "", data: JSON.stringify(event) }));
  };

  it.each([
    ["an error beside chat's form", { error: { message: "no", code: "server_error" } }],
    ["a nested error event", { type: "error", error: { message: "no" } }],
    ["a cancelled response", { type: "response.cancelled", response: { status: "cancelled", error: null } }],
  ])("that is %s fails", (_, event) => {
    expect(() => decode(event)).toThrow(expect.objectContaining({ code: "upstream_error" }));
  });

  it("that is no JSON fails without repeating it", () => {
    const decoder = openai.createDecoder(memory);
    expect(() => decoder.push({ event: "response.created", data: "{secret" })).toThrow(/^(?!.*secret)/);
  });

  it("has at most 10,000 items: further ones are passed over", () => {
    const items = Array.from({ length: 10_001 }, (_, index) => ({
      type: "response.output_item.done",
      output_index: index,
      item: { type: "function_call", id: `fc_${index}`, call_id: `c${index}`, name: "f", arguments: "" },
    }));
    expect(decode(...items).filter((frame) => frame.case === "partStarted")).toHaveLength(10_000);
  });

  it("has a picture in pieces of 256 KiB at most", () => {
    const result = Buffer.alloc(600 * 1024, 7).toString("base64");
    const item = { type: "image_generation_call", id: "ig_1", status: "completed", result };
    const pieces = decode({ type: "response.output_item.done", output_index: 0, item }).flatMap((frame) =>
      frame.case === "mediaDelta" ? [frame.value.length] : [],
    );
    expect(pieces).toEqual([262_144, 262_144, 90_112]);
  });
});
