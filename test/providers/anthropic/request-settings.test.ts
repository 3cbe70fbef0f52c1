import { describe, expect, it } from "vitest";
import { LossPolicy } from "../../../gen/trunkline/v1/chat_pb.ts";
import { newer, newest, older, refusal, translate } from "./fixtures.ts";

describe("max_tokens", () => {
  it("edge case 65: the model's limit where none is asked for, and as the upper bound of what is asked", () => {
    expect(translate({}, older).body.max_tokens).toBe(64_000);
    expect(translate({}, "some-other-model").body.max_tokens).toBe(4096);
    const { body, losses } = translate({ maxOutputTokens: 200_000 }, newer);
    expect(body.max_tokens).toBe(128_000);
    expect(losses).toEqual(["max_output_tokens;approximated"]);
    expect(refusal({ maxOutputTokens: 200_000, lossPolicy: LossPolicy.REFUSE }).code).toBe("unsupported_parameter");
  });

  it("keeps a bound of an unknown model, and 0, which warms the cache", () => {
    expect(translate({ maxOutputTokens: 9000 }, "some-other-model").body.max_tokens).toBe(9000);
    expect(translate({ maxOutputTokens: 0 }).body.max_tokens).toBe(0);
  });
});

describe("sampling", () => {
  it("edge case 67: temperature 0.2 for a model after Opus 4.6 is left out and reported", () => {
    for (const model of [newer, newest, "claude-sonnet-5-5", "claude-fable-5", "claude-mythos-preview"]) {
      const { body, losses } = translate({ temperature: 0.2, topP: 0.5, topK: 3 }, model);
      expect(body).not.toHaveProperty("temperature");
      expect(body).not.toHaveProperty("top_p");
      expect(body).not.toHaveProperty("top_k");
      expect(losses).toEqual(["temperature;dropped", "top_k;dropped", "top_p;dropped"]);
    }
  });

  it("what such a model does anyway is no loss", () => {
    expect(translate({ temperature: 1, topP: 0.99 }).losses).toEqual([]);
  });

  it("edge case 68: temperature 1.5 for an older model is lowered to 1 and reported", () => {
    const { body, losses } = translate({ temperature: 1.5 }, older);
    expect(body.temperature).toBe(1);
    expect(losses).toEqual(["temperature;approximated"]);
  });

  it("edge case 69: of temperature and top_p only one is sent to Opus 4.6 and older", () => {
    const { body, losses } = translate({ temperature: 0.2, topP: 0.5 }, "claude-opus-4-6");
    expect(body.temperature).toBe(0.2);
    expect(body).not.toHaveProperty("top_p");
    expect(losses).toEqual(["top_p;dropped"]);
    expect(translate({ topP: 0.5 }, "claude-opus-4-6").body.top_p).toBe(0.5);
  });

  it("edge case 70: the same rules hold for names with a platform's prefix", () => {
    for (const model of [
      "us.anthropic.claude-opus-4-7-v1:0",
      "anthropic/claude-opus-4-7",
      "claude-opus-4-7@20260101",
    ]) {
      expect(translate({ temperature: 0.2 }, model).losses).toEqual(["temperature;dropped"]);
    }
    for (const model of ["us.anthropic.claude-opus-4-6-v1", "anthropic/claude-sonnet-4-20250514"]) {
      expect(translate({ temperature: 0.2 }, model).losses).toEqual([]);
    }
  });

  it("gives way to reasoning, which excludes it", () => {
    const { body, losses } = translate(
      { temperature: 0.2, topK: 3, topP: 0.5, reasoning: { budgetTokens: 2000 } },
      older,
    );
    expect(body).not.toHaveProperty("temperature");
    expect(losses).toEqual(["temperature;dropped", "top_p;dropped", "top_k;dropped"]);
  });
});

describe("settings without a counterpart", () => {
  it("are reported by name where they only shade the answer", () => {
    const { losses } = translate({
      seed: 7n,
      frequencyPenalty: 0.5,
      verbosity: "low",
      metadata: { a: "b" },
      store: true,
      maxToolCalls: 3,
      logitBias: [{ tokenId: 1, bias: 1 }],
      stop: [" ", "END"],
      serviceTier: "flex",
    });
    expect(losses).toEqual([
      "frequency_penalty;dropped",
      "seed;dropped",
      "logit_bias;dropped",
      "verbosity;dropped",
      "max_tool_calls;dropped",
      "metadata;dropped",
      "store;dropped",
      "stop;dropped",
      "service_tier;dropped",
    ]);
  });

  it("are no loss where they say what the provider does anyway", () => {
    const quiet = {
      frequencyPenalty: 0,
      presencePenalty: 0,
      minP: 0,
      repetitionPenalty: 1,
      store: false,
      choiceCount: 1,
      logprobs: false,
    };
    expect(
      translate({ ...quiet, output: { modalities: ["text"] }, responseFormat: { kind: { case: "text", value: {} } } })
        .losses,
    ).toEqual([]);
  });

  it.each([
    ["choice_count", { choiceCount: 2 }],
    ["logprobs", { logprobs: true }],
    ["logprobs", { topLogprobs: 0 }],
    ["output.modalities", { output: { modalities: ["text", "audio"] } }],
    ["output.audio", { output: { audio: { format: "mp3", voice: "x" } } }],
  ])("%s is refused, since the caller would get something else", (field, init) => {
    expect(refusal(init)).toMatchObject({ code: "unsupported_value", detail: { field } });
  });
});

describe("settings with another name", () => {
  it("go out under it", () => {
    const { body, headers } = translate({ stop: ["END"], endUserId: "u1", serviceTier: "default", speed: "fast" });
    expect(body).toMatchObject({
      stop_sequences: ["END"],
      metadata: { user_id: "u1" },
      service_tier: "standard_only",
      speed: "fast",
    });
    expect(headers).toEqual({ "anthropic-beta": "fast-mode-2026-02-01" });
  });
});
