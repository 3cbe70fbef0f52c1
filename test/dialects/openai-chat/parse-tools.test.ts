import { describe, expect, it } from "vitest";
import { ToolChoiceMode } from "../../../gen/trunkline/v1/tool_pb.ts";
import { refusalOf, requestOf } from "./parsing.ts";

const withTools = (tools: string) => `{"model":"m","messages":[{"role":"user","content":"x"}],"tools":${tools}}`;

describe("tools", () => {
  it("schemas keep integers above 2^53, 1.0 and the order of keys", () => {
    const schema = '{"type":"object","properties":{"b":{"const":9007199254740993},"2":{"minimum":1.0},"1":{}}}';
    const { tools } = requestOf(
      withTools(`[{"type":"function","function":{"name":"f","parameters":${schema},"strict":false}}]`),
    );
    expect(tools[0]?.kind).toMatchObject({
      case: "function",
      value: { name: "f", parametersSchema: schema, strict: false },
    });
  });

  it("custom tools carry their grammar", () => {
    const format = { type: "grammar", grammar: { syntax: "lark", definition: "start: /a/" } };
    const { tools } = requestOf({ tools: [{ type: "custom", custom: { name: "c", description: "d", format } }] });
    expect(tools[0]?.kind).toMatchObject({
      case: "custom",
      value: { name: "c", description: "d", grammar: { syntax: "lark" } },
    });
  });

  it("tools of the provider keep their settings as text", () => {
    const { tools } = requestOf(
      withTools(
        '[{"type":"web_search_20260209","name":"web_search","max_uses":2,"allowed_domains":["a.test"]},' +
          '{"type":"code_execution_20250825","name":"code","limits":{"n":1.0}}]',
      ),
    );
    expect(tools[0]?.kind).toMatchObject({
      case: "webSearch",
      value: { version: "web_search_20260209", options: { maxUses: 2, allowedDomains: ["a.test"] } },
    });
    expect(tools[1]?.kind).toMatchObject({
      case: "hosted",
      value: { type: "code_execution_20250825", name: "code", optionsJson: '{"limits":{"n":1.0}}' },
    });
  });

  it.each<[unknown, unknown]>([
    ["auto", { case: "mode", value: ToolChoiceMode.AUTO }],
    ["none", { case: "mode", value: ToolChoiceMode.NONE }],
    ["required", { case: "mode", value: ToolChoiceMode.REQUIRED }],
    [
      { type: "function", function: { name: "f" } },
      { case: "toolName", value: "f" },
    ],
    [
      { type: "custom", custom: { name: "c" } },
      { case: "toolName", value: "c" },
    ],
    [
      {
        type: "allowed_tools",
        allowed_tools: {
          mode: "required",
          tools: [{ type: "function", function: { name: "f" } }, { type: "web_search" }],
        },
      },
      { case: "allowed", value: { mode: ToolChoiceMode.REQUIRED, names: ["f", "web_search"] } },
    ],
  ])("tool_choice %j", (choice, kind) => {
    expect(requestOf({ tool_choice: choice }).toolChoice?.kind).toMatchObject(kind as object);
  });

  it.each<[string, Record<string, unknown>, string, string]>([
    ["a tool that is no object", { tools: ["f"] }, "tools[0]", "tools[0]"],
    ["a misspelt type", { tools: [{ type: "funktion", function: { name: "f" } }] }, "tools[0].type", "tools[0]"],
    [
      "a missing name",
      { tools: [{ type: "function", function: {} }] },
      "tools[0].function.name",
      "tools[0].function.name",
    ],
    [
      "a name with a space",
      { tools: [{ type: "function", function: { name: "a b" } }] },
      "tools[0].function.name",
      "tools[0].function.name",
    ],
    [
      "two tools of one name",
      { tools: [1, 2].map(() => ({ type: "function", function: { name: "f" } })) },
      "tools[1].function.name",
      "tools[1].function.name",
    ],
    [
      "parameters that are no object",
      { tools: [{ type: "function", function: { name: "f", parameters: [] } }] },
      "tools[0].function.parameters",
      "tools[0].function.parameters_schema",
    ],
    ["an unknown mode", { tool_choice: "maybe" }, "tool_choice", "tool_choice"],
    ["an unknown kind of choice", { tool_choice: { type: "x" } }, "tool_choice.type", "tool_choice"],
    [
      "no allowed tools",
      { tool_choice: { type: "allowed_tools", allowed_tools: { mode: "auto", tools: [] } } },
      "tool_choice.allowed_tools.tools",
      "tool_choice.allowed.names",
    ],
    [
      "too many tools",
      { tools: Array.from({ length: 1_025 }, (_, i) => ({ type: "function", function: { name: `f${i}` } })) },
      "tools",
      "tools",
    ],
  ])("%s is refused", (_, body, param, field) => {
    expect(refusalOf(body)).toMatchObject({ code: "invalid_value", detail: { param, field } });
  });
});
