import { describe, expect, it } from "vitest";
import { type Part, Role, ToolCallKind } from "../../../gen/trunkline/v1/message_pb.ts";
import { hi, parse, refusalOf, requestOf } from "./parsing.ts";

const call = (id: string, args: unknown = "{}") => ({ id, type: "function", function: { name: "f", arguments: args } });
const image = (url: unknown) => ({
  role: "user",
  content: [
    { type: "text", text: "t" },
    { type: "image_url", image_url: { url } },
  ],
});
const text = (value: string) => ({ kind: { case: "text", value } });
const proofText = (part: Part | undefined) => new TextDecoder().decode(part?.proof?.data);

function partsOf(message: Record<string, unknown>): Part[] {
  return requestOf({ messages: [message] }).messages[0]?.parts ?? [];
}

describe("messages", () => {
  it("each role has its number, and one message stays one message", () => {
    const { messages } = requestOf({
      messages: [
        { role: "developer", content: "d" },
        { role: "system", content: [{ type: "text", text: "s" }] },
        { role: "user", content: "u", name: "ann" },
        { role: "assistant", content: "", tool_calls: [call("c1")] },
        { role: "tool", tool_call_id: "c1", content: "r" },
      ],
    });
    expect(messages.map(({ role }) => role)).toEqual([
      Role.DEVELOPER,
      Role.SYSTEM,
      Role.USER,
      Role.ASSISTANT,
      Role.TOOL,
    ]);
    expect(messages[2]?.name).toBe("ann");
    expect(messages[4]?.parts).toMatchObject([
      { kind: { case: "toolResult", value: { callId: "c1", name: "f", parts: [text("r")] } } },
    ]);
  });

  it("pictures, sound and files become octets or addresses", () => {
    const parts = partsOf({
      role: "user",
      content: [
        { type: "text", text: "t" },
        { type: "image_url", image_url: { url: "data:image/PNG;base64,AAEC", detail: "low" } },
        { type: "image_url", image_url: { url: "https://example.test/a.png" } },
        { type: "input_audio", input_audio: { data: "AAEC", format: "mp3" } },
        { type: "file", file: { file_data: "data:application/pdf;base64,AAEC", filename: "a.pdf" } },
        { type: "file", file: { file_id: "file-1" } },
      ],
    });
    const data = new Uint8Array([0, 1, 2]);
    const octets = (mediaType: string) => ({ source: { case: "data", value: data }, mediaType });
    expect(parts.map(({ kind }) => kind.case)).toEqual(["text", "image", "image", "audio", "file", "file"]);
    const kinds = parts.map(({ kind }) => JSON.parse(JSON.stringify(kind.value)));
    const plain = (media: unknown) => JSON.parse(JSON.stringify(media));
    expect(kinds[1]).toMatchObject({
      media: plain({ ...octets("image/png"), source: { case: "data", value: Buffer.from(data) } }),
      detail: "low",
    });
    expect(kinds[2]).toMatchObject({ media: { source: { case: "uri", value: "https://example.test/a.png" } } });
    expect(kinds[3].media.mediaType).toBe("audio/mpeg");
    expect(kinds[4].media).toMatchObject({ mediaType: "application/pdf", name: "a.pdf" });
    expect(kinds[5].media.source).toEqual({ case: "fileId", value: "file-1" });
  });

  it("cache marks survive on parts, messages, tools and tool results", () => {
    const { messages, tools } = requestOf({
      messages: [
        { role: "system", content: "s", cache_control: { type: "ephemeral", ttl: "1h" } },
        {
          role: "user",
          content: [{ type: "text", text: "u", prompt_cache_breakpoint: { mode: "explicit", ttl: "30m" } }],
        },
        { role: "assistant", tool_calls: [call("c")] },
        {
          role: "tool",
          tool_call_id: "c",
          content: [{ type: "text", text: "r", cache_control: { type: "ephemeral" } }],
        },
      ],
      tools: [{ type: "function", function: { name: "f" }, cache_control: { type: "ephemeral" } }],
    });
    expect(messages[0]?.parts[0]?.cache?.ttl?.seconds).toBe(3_600n);
    expect(messages[1]?.parts[0]?.cache?.ttl?.seconds).toBe(1_800n);
    expect(messages[3]?.parts[0]?.kind.value).toMatchObject({ parts: [{ cache: {} }] });
    expect(tools[0]?.cache).toBeDefined();
  });
});

describe("assistant messages", () => {
  it("keep reasoning, text, refusal and calls in this order", () => {
    const parts = partsOf({
      role: "assistant",
      tool_calls: [call("a"), { id: "b", type: "custom", custom: { name: "g", input: "free" } }],
      refusal: "no",
      content: "text",
      reasoning_content: "why",
    });
    expect(parts.map(({ kind }) => kind.case)).toEqual(["reasoning", "text", "refusal", "toolCall", "toolCall"]);
    expect(parts[4]?.kind.value).toMatchObject({ id: "b", name: "g", kind: ToolCallKind.CUSTOM, arguments: "free" });
  });

  it("an answer of the SDK can be sent back as it came", () => {
    const parsed = parse({
      messages: [
        hi,
        {
          role: "assistant",
          content: "x",
          refusal: null,
          annotations: [],
          audio: null,
          function_call: null,
          tool_calls: null,
        },
      ],
    });
    expect(parsed.call.source?.unknown).toEqual([]);
    expect(parsed.call.request.messages[1]?.parts).toMatchObject([text("x")]);
  });

  it("arguments stay the text that the model wrote, broken or not", () => {
    const [part] = partsOf({ role: "assistant", tool_calls: [call("a", '{"n": 9007199254740993')] });
    expect(part?.kind.value).toMatchObject({ arguments: '{"n": 9007199254740993' });
  });

  it("edge case 39: arguments as an object are the text they were written in", () => {
    const request = requestOf(
      '{"model":"m","messages":[{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f","arguments":{"n": 1.0}}}]}]}',
    );
    expect(request.messages[0]?.parts[0]?.kind.value).toMatchObject({ arguments: '{"n": 1.0}' });
  });

  it("edge case 43: reasoning in several spellings is read once", () => {
    const parts = partsOf({ role: "assistant", content: "x", reasoning: "why", reasoning_content: "why" });
    expect(parts.map(({ kind }) => kind.case)).toEqual(["reasoning", "text"]);
  });

  it("edge cases 75, 76: reasoning_details come back in order with their proofs, hidden and empty ones too", () => {
    const parts = partsOf({
      role: "assistant",
      content: "x",
      reasoning_content: "why",
      reasoning_details: [
        { type: "reasoning.text", text: "", signature: "sig", format: "anthropic/claude", index: 0 },
        { type: "reasoning.encrypted", data: "hidden", format: "anthropic-claude-v1", index: 1 },
        { type: "reasoning.summary", summary: "short", format: "openai-responses-v1", index: 2, id: "rs_1" },
      ],
    });
    expect(parts).toMatchObject([
      { kind: { case: "reasoning", value: { text: "" } }, proof: { issuer: "anthropic/claude", format: "signature" } },
      { kind: { case: "reasoning", value: { redacted: true } }, proof: { issuer: "anthropic", format: "redacted" } },
      { kind: { case: "reasoning", value: { summary: ["short"] } }, id: "rs_1" },
      text("x"),
    ]);
    expect(proofText(parts[0])).toBe("sig");
    expect(proofText(parts[1])).toBe("hidden");
  });

  it("thinking_blocks and Google's thought signatures are proofs", () => {
    const parts = partsOf({
      role: "assistant",
      thinking_blocks: [
        { type: "thinking", thinking: "why", signature: "s" },
        { type: "redacted_thinking", data: "d" },
      ],
      tool_calls: [{ ...call("a"), extra_content: { google: { thought_signature: "g" } } }],
    });
    expect(parts.map((part) => [part.proof?.issuer, part.proof?.format, proofText(part)])).toEqual([
      ["anthropic", "signature", "s"],
      ["anthropic", "redacted", "d"],
      ["gemini", "signature", "g"],
    ]);
  });

  it("edge case 44: an empty function_call beside tool_calls is ignored", () => {
    const parts = partsOf({ role: "assistant", tool_calls: [call("a")], function_call: { name: "", arguments: "" } });
    expect(parts.map(({ kind }) => kind.case)).toEqual(["toolCall"]);
  });
});

describe("deprecated functions", () => {
  it("calls and results find each other by an id of our own", () => {
    const parsed = parse({
      messages: [
        hi,
        { role: "assistant", content: null, function_call: { name: "f", arguments: "{}" } },
        { role: "function", name: "f", content: "r" },
      ],
      functions: [{ name: "f", parameters: { type: "object" } }],
      function_call: { name: "f" },
    });
    const { messages, tools, toolChoice } = parsed.call.request;
    const made = messages[1]?.parts[0]?.kind.value;
    expect(made).toMatchObject({ name: "f" });
    expect(messages[2]).toMatchObject({
      role: Role.TOOL,
      parts: [{ kind: { case: "toolResult", value: { callId: (made as { id: string }).id, name: "f" } } }],
    });
    expect(tools).toMatchObject([
      { kind: { case: "function", value: { name: "f", parametersSchema: '{"type":"object"}' } } },
    ]);
    expect(toolChoice?.kind).toEqual({ case: "toolName", value: "f" });
    expect(parsed.legacyFunctions).toBe(true);
  });
});

describe("refusals", () => {
  it.each<[string, unknown[], string, string]>([
    ["an unknown role", [{ role: "bot", content: "x" }], "messages[0].role", "messages[0].role"],
    ["a role that is missing", [{ content: "x" }], "messages[0].role", "messages[0].role"],
    ["content of a wrong type", [{ role: "user", content: 5 }], "messages[0].content", "messages[0].parts"],
    ["no content", [{ role: "user" }], "messages[0].content", "messages[0].parts"],
    ["empty content", [{ role: "user", content: [] }], "messages[0].content", "messages[0].parts"],
    [
      "an unknown part type",
      [{ role: "user", content: [{ type: "hologram" }] }],
      "messages[0].content[0].type",
      "messages[0].parts[0]",
    ],
    [
      "a picture in a system message",
      [{ ...image("https://a.test"), role: "system" }],
      "messages[0].content[1].type",
      "messages[0].parts[1]",
    ],
    [
      "a picture without an address",
      [image(undefined)],
      "messages[0].content[1].image_url.url",
      "messages[0].parts[1].image.media",
    ],
    [
      "a data URL without base64",
      [image("data:image/png,abc")],
      "messages[0].content[1].image_url.url",
      "messages[0].parts[1].image.media",
    ],
    [
      "broken base64",
      [image("data:image/png;base64,A*AA")],
      "messages[0].content[1].image_url.url",
      "messages[0].parts[1].image.media",
    ],
    [
      "an empty picture",
      [image("data:image/png;base64,")],
      "messages[0].content[1].image_url.url",
      "messages[0].parts[1].image.media",
    ],
    [
      "a file address",
      [image("file:///etc/passwd")],
      "messages[0].content[1].image_url.url",
      "messages[0].parts[1].image.media",
    ],
    [
      "an odd scheme",
      [image("gopher://example.test")],
      "messages[0].content[1].image_url.url",
      "messages[0].parts[1].image.media",
    ],
    [
      "a password in an address",
      [image("https://u:p@example.test/a")],
      "messages[0].content[1].image_url.url",
      "messages[0].parts[1].image.media",
    ],
    [
      "a line end in an address",
      [image("https://example.test/\r\nx")],
      "messages[0].content[1].image_url.url",
      "messages[0].parts[1].image.media",
    ],
    ["a lone surrogate", [{ role: "user", content: "\ud800" }], "messages[0].content", "messages[0].parts"],
    [
      "a tool result without a call",
      [hi, { role: "tool", tool_call_id: "x", content: "" }],
      "messages[1].tool_call_id",
      "messages[1].parts[0].tool_result.call_id",
    ],
    [
      "a tool result without an id",
      [{ role: "tool", content: "" }],
      "messages[0].tool_call_id",
      "messages[0].parts[0].tool_result.call_id",
    ],
    [
      "a function result without a call",
      [{ role: "function", name: "f", content: "" }],
      "messages[0].name",
      "messages[0].parts[0].tool_result.name",
    ],
    [
      "a call without an id",
      [{ role: "assistant", tool_calls: [{ function: { name: "f" } }] }],
      "messages[0].tool_calls[0].id",
      "messages[0].parts[0].tool_call.id",
    ],
    [
      "two calls with one id",
      [{ role: "assistant", tool_calls: [call("a"), call("a")] }],
      "messages[0].tool_calls[1].id",
      "messages[0].parts[1].tool_call.id",
    ],
    [
      "arguments of a wrong type",
      [{ role: "assistant", tool_calls: [call("a", 5)] }],
      "messages[0].tool_calls[0].function.arguments",
      "messages[0].parts[0].tool_call.arguments",
    ],
    ["an assistant that says nothing", [{ role: "assistant" }], "messages[0].content", "messages[0].parts"],
    [
      "a file without content",
      [{ role: "user", content: [{ type: "file", file: {} }] }],
      "messages[0].content[0].file",
      "messages[0].parts[0].file",
    ],
    [
      "a cache mark of an unknown kind",
      [{ ...hi, cache_control: { type: "eternal" } }],
      "messages[0].cache_control.type",
      "messages[0].cache",
    ],
  ])("%s", (_, messages, param, field) => {
    // A lone surrogate is an escape in the caller's JSON; JSON.stringify writes it as one.
    expect(refusalOf({ messages })).toMatchObject({ code: "invalid_value", detail: { param, field } });
  });
});
