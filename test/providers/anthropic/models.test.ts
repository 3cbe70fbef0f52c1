import { describe, expect, it } from "vitest";
import { anthropic } from "../../../src/providers/anthropic/adapter.ts";
import { claudeName } from "../../../src/providers/anthropic/models.ts";
import { packageFacts } from "../../fakes/facts.ts";

describe("names of models", () => {
  it.each([
    ["claude-opus-4-7", "claude-opus-4-7", 407],
    ["us.anthropic.claude-opus-4-7-v1:0", "claude-opus-4-7", 407],
    ["anthropic/claude-opus-4-7", "claude-opus-4-7", 407],
    ["claude-opus-4-20250514", "claude-opus-4", 400],
    ["claude-opus-4-1@20250805", "claude-opus-4-1", 401],
    ["claude-haiku-4-5-20251001", "claude-haiku-4-5", 405],
    ["claude-sonnet-5", "claude-sonnet-5", 500],
    ["claude-mythos-preview", "claude-mythos-preview", 500],
    ["claude-3-5-sonnet-20241022", "claude-3-5-sonnet", 305],
    ["claude-3-haiku-20240307", "claude-3-haiku", 300],
  ])("%s is %s", (model, family, version) => {
    expect(claudeName(model)).toMatchObject({ family, version });
  });

  it.each(["gpt-5.4", "claude", "claude-instant-1.2", "my-claude-opus"])(
    "%s is no model whose generation is known",
    (model) => {
      expect(claudeName(model)).toBeNull();
      expect(packageFacts("anthropic", model)).toEqual({});
    },
  );
});

describe("facts by family", () => {
  it.each([
    ["claude-opus-5-5", 128_000],
    ["claude-opus-4-6", 128_000],
    ["claude-sonnet-4-6", 128_000],
    ["claude-haiku-4-5", 64_000],
    ["claude-sonnet-4-20250514", 64_000],
    ["claude-opus-4-1", 32_000],
    ["claude-3-haiku-20240307", 4096],
  ])("%s writes up to %d tokens", (model, expected) => {
    expect(packageFacts("anthropic", model).maxOutputTokens).toBe(expected);
  });
});

describe("the provider's list", () => {
  const page = (body: unknown) =>
    anthropic.models?.fromResponse({ status: 200, headers: {}, body: JSON.stringify(body) });
  const yes = { supported: true };
  const no = { supported: false };

  it("is read page by page until there are no more", () => {
    const more = page({ data: [{ id: "claude-opus-5" }], has_more: true, last_id: "claude opus" });
    expect(more?.next).toBe("/v1/models?limit=1000&after_id=claude%20opus");
    expect(page({ data: [{ id: "a" }], has_more: false, last_id: "a" })?.next).toBeNull();
    expect(page({ data: [], has_more: true, last_id: "a" })?.next).toBeNull();
  });

  it("tells limits, dates and capabilities over what the family suggests", () => {
    const capabilities = {
      thinking: { ...yes, types: { adaptive: yes, enabled: no, disabled: no, between_tools: no } },
      effort: { ...yes, low: yes, medium: yes, high: yes, xhigh: null, max: no },
      structured_outputs: yes,
      image_input: yes,
      pdf_input: no,
      batch: no,
      citations: yes,
    };
    const listed = {
      id: "claude-opus-5",
      display_name: "Claude Opus 5",
      created_at: "2026-06-01T00:00:00Z",
      retires_at: "2028-01-01T00:00:00Z",
      max_input_tokens: 1_000_000,
      max_tokens: 64_000,
      capabilities,
    };
    const models = page({ data: [listed, { id: "" }, "x"] })?.models ?? [];
    const told = models.map(({ id, facts }) => anthropic.models?.merge?.(packageFacts("anthropic", id), facts));
    expect(models.map(({ id }) => id)).toEqual(["claude-opus-5"]);
    expect(told).toEqual([
      {
        displayName: "Claude Opus 5",
        createdAtMs: Date.parse("2026-06-01T00:00:00Z"),
        shutdownAtMs: Date.parse("2028-01-01T00:00:00Z"),
        contextWindow: 1_000_000,
        maxOutputTokens: 64_000,
        inputModalities: ["text", "image"],
        outputModalities: ["text"],
        capabilities: [
          "tools",
          "caching",
          "thinking_default",
          "system_turns",
          "json_schema",
          "citations",
          "reasoning",
          "thinking_adaptive",
        ],
        efforts: ["low", "medium", "high"],
        parametersRefused: ["temperature", "top_p", "top_k"],
      },
    ]);
  });

  it("is an upstream error when it is no list", () => {
    expect(() => page({})).toThrow(expect.objectContaining({ code: "upstream_error" }));
  });
});
