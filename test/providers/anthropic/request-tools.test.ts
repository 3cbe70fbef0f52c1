import { describe, expect, it } from "vitest";
import { ToolChoiceMode } from "../../../gen/trunkline/v1/tool_pb.ts";
import { assistant, call, functionTool, refusal, result, system, text, toolTurn, translate, user } from "./fixtures.ts";

const mode = (value: ToolChoiceMode) => ({ kind: { case: "mode" as const, value } });

describe("tool names", () => {
  it("edge case 88: illegal and colliding names become legal, unique ones, and are remembered for the way back", () => {
    const long = `${"x".repeat(125)}.end`;
    const tools = ["a.b/c", "a_b_c", "a:b.c", long].map((name) => functionTool(name));
    const messages = [user("Hi"), assistant(call("t1", "a.b/c")), toolTurn(result("t1", "ok"))];
    const { body, memory } = translate({ tools, messages });
    const names: string[] = body.tools.map((tool: { name: string }) => tool.name);
    expect(names).toEqual(["a_b_c_2", "a_b_c", "a_b_c_3", `${"x".repeat(125)}_en`]);
    expect(names.every((name) => /^[a-zA-Z0-9_-]{1,128}$/.test(name))).toBe(true);
    expect(body.messages[1].content[0].name).toBe("a_b_c_2");
    expect(names.map((name) => memory.toolNames?.get(name) ?? name)).toEqual(["a.b/c", "a_b_c", "a:b.c", long]);
  });

  it("100 characters are legal as they are", () => {
    const { body, memory } = translate({ tools: [functionTool("y".repeat(100))] });
    expect(body.tools[0].name).toBe("y".repeat(100));
    expect(memory.toolNames?.size).toBe(0);
  });
});

describe("tools", () => {
  it("edge case 89: a tool without parameters takes an empty object", () => {
    expect(translate({ tools: [functionTool("f")] }).body.tools[0].input_schema).toEqual({
      type: "object",
      properties: {},
    });
  });

  it("a schema goes out as it was written; only a missing type is added", () => {
    const schema = '{"type":"object", "properties":{"n":{"maximum":9007199254740993}}}';
    expect(translate({ tools: [functionTool("f", schema)] }).text).toContain(`"input_schema":${schema}`);
    expect(translate({ tools: [functionTool("f", '{"properties":{}}')] }).body.tools[0].input_schema.type).toBe(
      "object",
    );
    expect(refusal({ tools: [functionTool("f", "[]")] }).detail.field).toBe("tools[0].function.parameters_schema");
  });

  it("a strict schema is brought into the subset that can be enforced", () => {
    const value = {
      name: "f",
      parametersSchema: '{"type":"object","properties":{"a":{"type":"integer","minimum":1}}}',
      strict: true,
    };
    const { body, losses } = translate({ tools: [{ kind: { case: "function", value } }] });
    expect(body.tools[0]).toMatchObject({ strict: true, input_schema: { additionalProperties: false } });
    expect(losses).toHaveLength(2);
  });

  it("carries examples, deferred loading and callers", () => {
    const value = { name: "f", inputExamplesJson: ['{"a":9007199254740993}'] };
    const tool = { kind: { case: "function" as const, value }, deferLoading: true, allowedCallers: ["direct"] };
    const { body, text } = translate({ tools: [tool] });
    expect(body.tools[0]).toMatchObject({ defer_loading: true, allowed_callers: ["direct"] });
    expect(text).toContain('"input_examples":[{"a":9007199254740993}]');
  });

  it("a hosted kind that this provider does not know is refused with those it knows", () => {
    const refused = refusal({ tools: [{ kind: { case: "hosted", value: { type: "file_search" } } }] });
    expect(refused).toMatchObject({ code: "unsupported_value", detail: { field: "tools[0].hosted.type" } });
    expect(refused.message).toContain("code_execution");
  });

  it("toolsets have no name of their own, text editors have a peculiar one", () => {
    const tools = ["computer_use", "text_editor", "web_fetch_20260309"].map((type) => ({
      kind: { case: "hosted" as const, value: { type } },
    }));
    expect(translate({ tools }).body.tools).toEqual([
      { type: "computer_toolset_20260801" },
      { type: "text_editor_20250728", name: "str_replace_based_edit_tool" },
      { type: "web_fetch_20260309", name: "web_fetch" },
    ]);
  });

  it("web search as a setting becomes the tool", () => {
    expect(translate({ webSearch: { maxUses: 2 } }).body.tools).toEqual([
      { type: "web_search_20250305", name: "web_search", max_uses: 2 },
    ]);
  });
});

describe("tool choice", () => {
  const tools = [functionTool("f"), functionTool("g.h")];

  it.each([
    [mode(ToolChoiceMode.AUTO), { type: "auto" }],
    [mode(ToolChoiceMode.NONE), { type: "none" }],
    [mode(ToolChoiceMode.REQUIRED), { type: "any" }],
    [{ kind: { case: "toolName" as const, value: "g.h" } }, { type: "tool", name: "g_h" }],
  ])("%j", (toolChoice, expected) => {
    expect(translate({ tools, toolChoice }).body.tool_choice).toEqual(expected);
  });

  it("only some tools: the others are not sent, and the change is reported", () => {
    const toolChoice = { kind: { case: "allowed" as const, value: { mode: ToolChoiceMode.REQUIRED, names: ["g.h"] } } };
    const { body, losses } = translate({ tools, toolChoice });
    expect(body.tools.map((tool: { name: string }) => tool.name)).toEqual(["g_h"]);
    expect(body.tool_choice).toEqual({ type: "any" });
    expect(losses).toEqual(["tool_choice.allowed;approximated"]);
  });

  it("a tool that is not offered cannot be forced", () => {
    expect(refusal({ tools, toolChoice: { kind: { case: "toolName", value: "x" } } }).detail.field).toBe(
      "tool_choice.tool_name",
    );
    expect(refusal({ toolChoice: mode(ToolChoiceMode.REQUIRED) }).detail.field).toBe("tool_choice.mode");
  });

  it("edge case 90: parallel_tool_calls false needs a choice to hang on, and tools to choose from", () => {
    expect(translate({ tools, parallelToolCalls: false }).body.tool_choice).toEqual({
      type: "auto",
      disable_parallel_tool_use: true,
    });
    const none = translate({ parallelToolCalls: false });
    expect(none.body).not.toHaveProperty("tool_choice");
    expect(none.losses).toEqual([]);
    const off = translate({ tools, parallelToolCalls: false, toolChoice: mode(ToolChoiceMode.NONE) });
    expect(off.body.tool_choice).toEqual({ type: "none" });
  });
});

describe("cache marks", () => {
  const marked = (value: string, seconds?: number) => ({
    ...text(value),
    cache: seconds === undefined ? {} : { ttl: { seconds: BigInt(seconds) } },
  });

  it("edge case 87: survive on system, tools, message parts and tool results", () => {
    const tool = { ...functionTool("f"), cache: {} };
    const answered = { ...result("t1", "ok"), cache: {} };
    const messages = [
      system(marked("Rules", 3600)),
      user(marked("Book")),
      assistant(call("t1", "f")),
      toolTurn(answered),
    ];
    const { body, losses } = translate({ tools: [tool], messages });
    const mark = { type: "ephemeral" };
    expect(body.tools[0].cache_control).toEqual(mark);
    expect(body.system[0].cache_control).toEqual({ ...mark, ttl: "1h" });
    expect(body.messages[0].content[0].cache_control).toEqual(mark);
    expect(body.messages[2].content[0].cache_control).toEqual(mark);
    expect(losses).toEqual([]);
  });

  it("of more than four, the last four are sent and the others reported", () => {
    const { text, losses } = translate({
      messages: [user(...["1", "2", "3", "4", "5"].map((value) => marked(value)))],
    });
    expect(text.match(/cache_control/g)).toHaveLength(4);
    expect(losses).toEqual(["messages[0].parts[0].cache;dropped"]);
  });

  it("implicit caching is a mark of the whole request, and takes one of the four", () => {
    const init = { cache: { mode: "implicit", ttl: { seconds: 600n } } };
    const { body, losses } = translate({
      ...init,
      messages: [user(...["1", "2", "3", "4"].map((value) => marked(value, 300)))],
    });
    expect(body.cache_control).toEqual({ type: "ephemeral", ttl: "1h" });
    expect(losses).toEqual(["messages[0].parts[0].cache;dropped", "cache.ttl;approximated"]);
  });

  it("a mark on a part that is not sent is reported", () => {
    expect(translate({ messages: [user("Hi", marked(" "))] }).losses).toEqual(["messages[0].parts[1].cache;dropped"]);
  });
});
