import { describe, expect, it } from "vitest";
import { ToolChoiceMode } from "../../../gen/trunkline/v1/tool_pb.ts";
import {
  assistant,
  call,
  functionTool,
  newer,
  newest,
  older,
  refusal,
  result,
  thinking,
  toolTurn,
  translate,
  user,
} from "./fixtures.ts";

const forced = {
  tools: [functionTool("f")],
  toolChoice: { kind: { case: "mode" as const, value: ToolChoiceMode.REQUIRED } },
};

describe("reasoning by budget", () => {
  it("edge case 66: a budget above max_tokens raises it within the model's limit, else is refused", () => {
    const { body, losses } = translate({ reasoning: { budgetTokens: 8000 }, maxOutputTokens: 1000 }, older);
    expect(body).toMatchObject({ max_tokens: 9000, thinking: { type: "enabled", budget_tokens: 8000 } });
    expect(losses).toEqual(["max_output_tokens;approximated"]);

    const refused = refusal({ reasoning: { budgetTokens: 64_000 }, maxOutputTokens: 1000 }, older);
    expect(refused).toMatchObject({ code: "invalid_value", detail: { field: "reasoning.budget_tokens" } });
    expect(refused.message).toContain("64000");
  });

  it("is at least what the provider takes", () => {
    const { body, losses } = translate({ reasoning: { budgetTokens: 10 } }, older);
    expect(body.thinking.budget_tokens).toBe(1024);
    expect(losses).toEqual(["reasoning.budget_tokens;approximated"]);
  });

  it("an effort becomes a budget that leaves room for the answer", () => {
    expect(translate({ reasoning: { effort: "high" } }, older).body.thinking).toEqual({
      type: "enabled",
      budget_tokens: 16_384,
    });
    expect(translate({ reasoning: { effort: "high" }, maxOutputTokens: 4000 }, older).body).toMatchObject({
      max_tokens: 4000,
      thinking: { budget_tokens: 2976 },
    });
    const tight = translate({ reasoning: { effort: "high" }, maxOutputTokens: 500 }, older);
    expect(tight.body.thinking).toEqual({ type: "disabled" });
    expect(tight.losses).toEqual(["reasoning.effort;dropped"]);
  });

  it("edge case 77: a running tool loop without thinking goes on without it, and says so", () => {
    const messages = [user("Hi"), assistant(call("t1", "f")), toolTurn(result("t1", "ok"))];
    const { body, losses } = translate({ messages, reasoning: { effort: "low" } }, older);
    expect(body.thinking).toEqual({ type: "disabled" });
    expect(losses).toEqual(["reasoning.effort;dropped"]);

    const kept = [user("Hi"), assistant(thinking("Hm", "S"), call("t1", "f")), toolTurn(result("t1", "ok"))];
    expect(translate({ messages: kept, reasoning: { effort: "low" } }, older).body.thinking.type).toBe("enabled");
    // Newer models check nothing of the kind.
    expect(translate({ messages, reasoning: { effort: "low" } }, newer).body.thinking).toEqual({ type: "adaptive" });
  });
});

describe("reasoning by effort", () => {
  it("is adaptive thinking with the effort beside it", () => {
    const { body, losses } = translate({ reasoning: { effort: "xhigh", includeText: true } }, newer);
    expect(body).toMatchObject({
      thinking: { type: "adaptive", display: "summarized" },
      output_config: { effort: "xhigh" },
    });
    expect(losses).toEqual([]);
  });

  it("takes the next lower effort where the model lacks the one asked for", () => {
    const { body, losses } = translate({ reasoning: { effort: "xhigh" } }, "claude-opus-4-6");
    expect(body.output_config.effort).toBe("high");
    expect(losses).toEqual(["reasoning.effort;approximated"]);
    expect(translate({ reasoning: { effort: "minimal" } }).body.output_config.effort).toBe("low");
  });

  it("turns a budget into an effort, and says so", () => {
    const { body, losses } = translate({ reasoning: { budgetTokens: 10_000 } }, newer);
    expect(body).toMatchObject({ thinking: { type: "adaptive" }, output_config: { effort: "medium" } });
    expect(losses).toEqual(["reasoning.budget_tokens;approximated"]);
    expect(translate({ reasoning: { budgetTokens: -1 } }, newer).losses).toEqual([]);
  });

  it("refuses a word that no model knows, with those allowed", () => {
    const refused = refusal({ reasoning: { effort: "hard" } });
    expect(refused).toMatchObject({ code: "unsupported_value", detail: { field: "reasoning.effort" } });
    expect(refused.message).toContain("xhigh");
  });

  it("edge case 71: none is said to a model that thinks by default", () => {
    expect(translate({ reasoning: { effort: "none" } }, newest).body.thinking).toEqual({ type: "disabled" });
    expect(translate({ reasoning: { budgetTokens: 0 } }, newest).body.thinking).toEqual({ type: "disabled" });
  });

  it("edge case 73: a JSON schema with reasoning is an output format, not a forced tool", () => {
    const schema = '{"type":"object","properties":{},"additionalProperties":false}';
    const responseFormat = { kind: { case: "jsonSchema" as const, value: { name: "x", schema } } };
    const { body, losses } = translate({ reasoning: { effort: "low" }, responseFormat }, newer);
    expect(body.output_config).toEqual({ effort: "low", format: { type: "json_schema", schema: JSON.parse(schema) } });
    expect(body).not.toHaveProperty("tool_choice");
    expect(body.thinking).toEqual({ type: "adaptive" });
    expect(losses).toEqual([]);
  });
});

describe("reasoning and forced calls", () => {
  it.each([older, newer, newest])("edge case 72: a forced call on %s turns reasoning off, and reports it", (model) => {
    const { body, losses } = translate({ ...forced, reasoning: { effort: "low" } }, model);
    expect(body.tool_choice).toEqual({ type: "any" });
    expect(body.thinking).toEqual({ type: "disabled" });
    expect(losses).toEqual(["reasoning.effort;dropped"]);
  });

  it("a model that thinks by default is told not to, where nothing was asked for", () => {
    const { body, losses } = translate(forced, newest);
    expect(body.thinking).toEqual({ type: "disabled" });
    expect(losses).toEqual([]);
  });

  it("a model that cannot stop reasoning chooses its calls itself, and that is reported", () => {
    const facts = { capabilities: ["thinking_adaptive", "thinking_default"] };
    const { body, losses } = translate({ ...forced, reasoning: { effort: "low" } }, newest, facts);
    expect(body.tool_choice).toEqual({ type: "auto" });
    expect(body.thinking).toEqual({ type: "adaptive" });
    expect(losses).toEqual(["tool_choice;approximated"]);
    expect(translate({ reasoning: { effort: "none" } }, newest, facts).losses).toEqual([
      "reasoning.effort;approximated",
    ]);
  });

  it("a model that does not reason loses the wish visibly", () => {
    const { body, losses } = translate({ reasoning: { effort: "low" } }, "claude-3-haiku-20240307");
    expect(body).not.toHaveProperty("thinking");
    expect(losses).toEqual(["reasoning.effort;dropped"]);
  });
});
