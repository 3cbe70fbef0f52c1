import { describe, expect, it } from "vitest";
import { Role } from "../../../gen/trunkline/v1/message_pb.ts";
import { ToolChoiceMode } from "../../../gen/trunkline/v1/tool_pb.ts";
import { hi, parse, refusalOf, requestOf } from "./parsing.ts";

const text = (value: string) => ({ type: "text", text: value });

describe("a Messages request", () => {
  it("has its system prompt as the first message, block by block", () => {
    const marked = { ...text("b"), cache_control: { type: "ephemeral", ttl: "1h" } };
    const { messages } = requestOf({ system: [text("a"), marked], messages: [hi] });
    expect(messages.map(({ role }) => role)).toEqual([Role.SYSTEM, Role.USER]);
    expect(messages[0]?.parts.map(({ kind }) => kind.value)).toEqual(["a", "b"]);
    expect(messages[0]?.parts[1]?.cache?.ttl?.seconds).toBe(3_600n);
    expect(requestOf({ system: "s" }).messages[0]?.parts[0]?.kind.value).toBe("s");
    expect(requestOf({ system: "" }).messages).toHaveLength(1);
  });

  it("keeps instructions between turns where they stand", () => {
    const { messages } = requestOf({ messages: [hi, { role: "system", content: "now French" }, hi] });
    expect(messages.map(({ role }) => role)).toEqual([Role.USER, Role.SYSTEM, Role.USER]);
  });

  it("has every setting", () => {
    const request = requestOf({
      ...{ max_tokens: 7, temperature: 0.5, top_p: 0.9, top_k: 5, stop_sequences: ["a", "b"] },
      ...{ metadata: { user_id: "u" }, service_tier: "standard_only", speed: "fast", stream: true },
      cache_control: { type: "ephemeral", ttl: "5m" },
      tool_choice: { type: "any", disable_parallel_tool_use: true },
    });
    expect(request).toMatchObject({
      ...{ maxOutputTokens: 7, temperature: 0.5, topP: 0.9, topK: 5, stop: ["a", "b"], endUserId: "u" },
      ...{ serviceTier: "default", speed: "fast", parallelToolCalls: false },
      cache: { mode: "implicit", ttl: { seconds: 300n } },
      toolChoice: { kind: { case: "mode", value: ToolChoiceMode.REQUIRED } },
    });
    expect(requestOf({ tool_choice: { type: "tool", name: "f" } }).toolChoice?.kind.value).toBe("f");
    expect(requestOf({ speed: "standard" }).speed).toBeUndefined();
  });

  it.each([
    [{ thinking: { type: "enabled", budget_tokens: 2_000 } }, { budgetTokens: 2_000 }, []],
    [{ thinking: { type: "adaptive" } }, { budgetTokens: -1 }, []],
    [{ thinking: { type: "adaptive", display: "omitted" } }, { budgetTokens: -1, includeText: false }, []],
    [{ thinking: { type: "disabled" } }, { effort: "none" }, []],
    [{ output_config: { effort: "high" } }, { effort: "high" }, []],
    [{ thinking: { type: "adaptive" }, output_config: { effort: "max" } }, { effort: "max" }, []],
    [
      { thinking: { type: "enabled", budget_tokens: 2_000 }, output_config: { effort: "max" } },
      { budgetTokens: 2_000 },
      ["output_config.effort"],
    ],
    [
      { thinking: { type: "disabled" }, output_config: { effort: "low" } },
      { effort: "none" },
      ["output_config.effort"],
    ],
    [{ thinking: { type: "between_tools" } }, undefined, ["thinking.type"]],
  ])("says in one wish how to reason: %j", (body, wish, unknown) => {
    const { request, source } = parse(body).call;
    if (wish === undefined) expect(request.reasoning).toBeUndefined();
    else expect(request.reasoning).toMatchObject(wish);
    if (request.reasoning?.effort !== undefined) expect(request.reasoning.budgetTokens).toBeUndefined();
    expect(source?.unknown).toEqual(unknown);
  });

  it("has a schema as it was written, by either name", () => {
    const written = '{"model":"m","max_tokens":1,"messages":[{"role":"user","content":"x"}],';
    const schema = '{"type":"object","properties":{"b":{"maximum":90071992547409931},"a":{}}}';
    for (const body of [
      `"output_config":{"format":{"type":"json_schema","schema":${schema}}}}`,
      `"output_format":{"type":"json_schema","schema":${schema}}}`,
    ]) {
      expect(requestOf(written + body).responseFormat?.kind.value).toMatchObject({ schema, strict: true });
    }
  });

  it("keeps what only Anthropic knows for Anthropic, and reports it to the others", () => {
    const body = {
      ...{ container: "c1", mcp_servers: [{ type: "url", url: "https://m.example", name: "m" }] },
      ...{ context_management: { edits: [] }, output_config: { effort: "low", task_budget: { total: 5 } } },
    };
    const { request, source } = parse(body, { "anthropic-beta": "mcp-client-2025-11-20, files-api" }).call;
    expect(JSON.parse(request.providerOptions.anthropic ?? "")).toEqual({
      container: "c1",
      mcp_servers: body.mcp_servers,
      context_management: { edits: [] },
      output_config: { task_budget: { total: 5 } },
      betas: ["mcp-client-2025-11-20", "files-api"],
    });
    expect(source?.unknown).toEqual(["container", "mcp_servers", "context_management", "output_config.task_budget"]);
  });

  it("carries the caller's version and features beside its text, and no other header", () => {
    const headers = { "anthropic-version": "2026-10-21", "anthropic-beta": "x", "anthropic-workspace-id": "w" };
    const text = '{"model":"m","max_tokens":1,"messages":[{"role":"user","content":"x"}],"new_member":1}';
    const { source } = parse(text, headers).call;
    expect(Buffer.from(source?.bytes ?? []).toString()).toBe(text);
    expect(source).toMatchObject({
      dialect: "anthropic-messages",
      headers: { "anthropic-version": "2026-10-21", "anthropic-beta": "x" },
      unknown: ["new_member"],
    });
    expect(parse({}, headers).call.source?.headers).not.toHaveProperty("anthropic-workspace-id");
  });

  it("is a stream only when asked to be", () => {
    expect(parse({ stream: true }).call.stream).toBe(true);
    expect(parse({}).call.stream).toBe(false);
  });

  it("needs a bound for its answer, unless it is to be counted", () => {
    const body = '{"model":"m","messages":[{"role":"user","content":"x"}]}';
    expect(refusalOf(body).detail).toMatchObject({ param: "max_tokens", field: "max_output_tokens" });
    expect(parse(body, {}, { counting: true }).call.request.messages).toHaveLength(1);
  });

  it.each([
    [{ model: null }, "model", "model"],
    [{ messages: [] }, "messages", "messages"],
    [{ messages: [{ role: "bot", content: "x" }] }, "messages[0].role", "messages[0].role"],
    [{ messages: [hi, { role: "user", content: 5 }] }, "messages[1].content", "messages[1].parts"],
    [
      { system: "s", messages: [{ role: "user", content: [{ type: "text" }] }] },
      "messages[0].content[0].text",
      "messages[1].parts[0].text",
    ],
    [{ system: [{ type: "image" }] }, "system[0].type", "messages[0].parts[0]"],
    [{ tools: [{ name: "a b", input_schema: {} }] }, "tools[0].name", "tools[0].function.name"],
    [{ tools: [{ name: "f" }] }, "tools[0].input_schema", "tools[0].function.parameters_schema"],
    [{ thinking: { type: "enabled" } }, "thinking.budget_tokens", "reasoning.budget_tokens"],
    [{ stop_sequences: "a" }, "stop_sequences", "stop"],
    [{ provider_options: { anthropic: {} } }, "provider_options.anthropic", "provider_options.anthropic"],
    [{ thread: { type: "create" } }, "thread", "thread"],
  ])("names what is wrong in both vocabularies: %j", (body, param, field) => {
    expect(refusalOf(body).detail).toMatchObject({ param, field });
  });
});

describe("tools", () => {
  it("are the caller's, with all that describes them", () => {
    const { tools } = requestOf({
      tools: [
        {
          ...{ type: "custom", name: "f", description: "d", input_schema: { type: "object" }, strict: true },
          ...{ input_examples: [{ a: 1 }], defer_loading: true, allowed_callers: ["direct"] },
          cache_control: { type: "ephemeral" },
        },
      ],
    });
    expect(tools[0]).toMatchObject({
      kind: {
        case: "function",
        value: {
          description: "d",
          parametersSchema: '{"type":"object"}',
          strict: true,
          inputExamplesJson: ['{"a":1}'],
        },
      },
      ...{ deferLoading: true, allowedCallers: ["direct"], cache: {} },
    });
  });

  it("are the provider's, of whichever version", () => {
    const { tools } = requestOf({
      tools: [
        { type: "web_search_20260209", name: "web_search", max_uses: 3, allowed_domains: ["x.example"] },
        { type: "text_editor_20250728", name: "str_replace_based_edit_tool", max_characters: 9 },
        { type: "mcp_toolset", mcp_server_name: "m" },
      ],
    });
    expect(tools.map(({ kind }) => kind)).toMatchObject([
      { case: "webSearch", value: { version: "web_search_20260209", options: { maxUses: 3 } } },
      { case: "hosted", value: { type: "text_editor_20250728", optionsJson: '{"max_characters":9}' } },
      { case: "hosted", value: { type: "mcp_toolset", name: "", optionsJson: '{"mcp_server_name":"m"}' } },
    ]);
  });
});
