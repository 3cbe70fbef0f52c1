import { describe, expect, it } from "vitest";
import { LossPolicy } from "../../../gen/trunkline/v1/chat_pb.ts";
import { Role } from "../../../gen/trunkline/v1/message_pb.ts";
import { readJsonBody } from "../../../src/dialects/json-body.ts";
import { encodeErrorBody } from "../../../src/dialects/openai-chat/error-body.ts";
import { parseCompletionsRequest } from "../../../src/dialects/openai-completions/parse-request.ts";
import { withResponsesParam } from "../../../src/dialects/openai-responses/param.ts";
import { parseResponsesRequest } from "../../../src/dialects/openai-responses/parse-request.ts";
import { patchResponsesRequest } from "../../../src/dialects/openai-responses/patch-request.ts";
import { GatewayError } from "../../../src/domain/errors.ts";
import { createRandom } from "../../tooling/random.ts";
import { mutate } from "../mutate.ts";
import { parse, refusalOf } from "./reading.ts";

const call = (call_id: string) => ({ type: "function_call", id: `fc_${call_id}`, call_id, name: "f", arguments: "{}" });
const result = (call_id: string, output: unknown = "ok") => ({
  type: "function_call_output",
  id: "x",
  call_id,
  output,
});
const user = (content: unknown) => ({ role: "user", content });

/** Bodies that use most of what the dialects have. */
const responses = {
  model: "m",
  ...{ temperature: 1, top_p: 1, top_logprobs: 2, max_output_tokens: 9, max_tool_calls: 2, stream: true, store: true },
  ...{ service_tier: "auto", prompt_cache_key: "k", safety_identifier: "u", metadata: { a: "b" }, truncation: "auto" },
  ...{
    parallel_tool_calls: false,
    stream_options: { include_obfuscation: false },
    context_management: [{ type: "c" }],
  },
  include: ["reasoning.encrypted_content", "message.output_text.logprobs", "newer.than.us"],
  reasoning: { effort: "low", summary: "auto", context: "auto" },
  text: { format: { type: "json_schema", name: "n", schema: { type: "object" }, strict: true }, verbosity: "low" },
  tool_choice: { type: "allowed_tools", mode: "auto", tools: [{ type: "function", name: "f" }, { type: "mcp" }] },
  tools: [
    { type: "function", name: "f", description: "d", parameters: { type: "object" }, strict: null },
    { type: "custom", name: "c", format: { type: "grammar", syntax: "lark", definition: "start: x" } },
    { type: "web_search_preview", search_context_size: "low", user_location: { type: "approximate", city: "c" } },
    { type: "mcp", server_label: "s", server_url: "https://a.example" },
  ],
  instructions: "i",
  input: [
    user([
      { type: "input_text", text: "t" },
      { type: "input_image", image_url: "data:image/png;base64,AAEC", detail: "low" },
      { type: "input_file", file_id: "file_1" },
    ]),
    {
      type: "reasoning",
      id: "rs_1",
      summary: [{ type: "summary_text", text: "s" }],
      content: null,
      encrypted_content: "e",
    },
    {
      type: "message",
      id: "msg_1",
      role: "assistant",
      phase: "commentary",
      content: [{ type: "output_text", text: "x", annotations: [] }],
    },
    call("c1"),
    call("c2"),
    { type: "web_search_call", id: "ws_1", status: "completed", action: { type: "search", query: "q" } },
    result("c1"),
    result("c2", [{ type: "input_text", text: "ok" }]),
    { type: "mcp_approval_response", approval_request_id: "a", approve: true },
    { role: "developer", content: "now" },
  ],
};
const completions = {
  ...{ model: "m", prompt: ["a", "b"], suffix: "s", echo: true, best_of: 3, n: 2, logprobs: 2, max_tokens: 5, seed: 1 },
  ...{
    stream: true,
    stream_options: { include_usage: true },
    stop: ["x"],
    user: "u",
    logit_bias: { "1": 2 },
    other: 1,
  },
};

describe("a Responses request", () => {
  it("edge case 138: has calls that stand together as one message, with what was said before them", () => {
    const { messages } = parse({
      input: [user("?"), { role: "assistant", content: "Let me see." }, call("a"), call("b"), result("a"), result("b")],
    }).call.request;
    expect(messages.map(({ role, parts }) => [role, parts.map(({ kind }) => kind.case)])).toEqual([
      [Role.USER, ["text"]],
      [Role.ASSISTANT, ["text", "toolCall", "toolCall"]],
      [Role.TOOL, ["toolResult"]],
      [Role.TOOL, ["toolResult"]],
    ]);
  });

  it("edge case 139: finds a call by call_id though the id differs, and reads output as text or parts", () => {
    const output = [
      { type: "input_text", text: "x" },
      { type: "input_image", image_url: "https://a.example/b.png" },
    ];
    const { messages } = parse({ input: [call("a"), call("b"), result("a"), result("b", output)] }).call.request;
    const results = messages
      .flatMap(({ parts }) => parts)
      .flatMap(({ kind }) => (kind.case === "toolResult" ? [kind.value] : []));
    expect(results.map(({ callId, name, parts }) => [callId, name, parts.map(({ kind }) => kind.case)])).toEqual([
      ["a", "f", ["text"]],
      ["b", "f", ["text", "image"]],
    ]);
    expect(refusalOf({ input: [call("a"), result("fc_a")] }).detail).toMatchObject({ param: "input[1].call_id" });
  });

  it("edge case 140: takes reasoning with null content and encrypted content", () => {
    const item = { type: "reasoning", id: "rs_1", summary: [], content: null, encrypted_content: "sealed" };
    const [part] = parse({ input: [item, user("?")] }).call.request.messages[0]?.parts ?? [];
    expect(part).toMatchObject({
      kind: { case: "reasoning" },
      id: "rs_1",
      proof: { issuer: "openai/responses", id: "rs_1" },
    });
    expect(Buffer.from(part?.proof?.data ?? []).toString()).toBe("sealed");
  });

  it("edge case 144: keeps developer items where they stand", () => {
    const developer = { role: "developer", content: "d" };
    const { messages } = parse({ input: [user("?"), developer, developer] }).call.request;
    expect(messages.map(({ role }) => role)).toEqual([Role.USER, Role.DEVELOPER, Role.DEVELOPER]);
  });

  it("names what it does not take, in the caller's words", () => {
    expect(refusalOf({ background: true }).detail.param).toBe("background");
    expect(refusalOf({ conversation: "conv_1" })).toMatchObject({
      code: "unsupported_parameter",
      detail: { param: "conversation" },
    });
    expect(refusalOf({ prompt: { id: "p" } }).detail.param).toBe("prompt");
    expect(refusalOf({ input: [{ type: "item_reference", id: "msg_1" }] }).detail.param).toBe("input[0].id");
    expect(refusalOf({ text: { format: { type: "json_schema", name: "n" } } }).detail).toMatchObject({
      param: "text.format.schema",
      field: "response_format.json_schema.schema",
    });
    expect(parse({ background: false, truncation: "disabled" }).call.source?.unknown).toEqual([]);
    expect(parse(responses).call.source?.unknown).toEqual(
      expect.arrayContaining(["truncation", "include[2]", "reasoning.context", "context_management"]),
    );
  });

  it("finds the item that an error of a later stage is about", () => {
    const parsed = parse({ instructions: "i", input: [user("?"), call("a"), call("b"), result("a")] });
    const paramOf = (field: string) =>
      withResponsesParam(new GatewayError("invalid_value", "", { field }), parsed).detail.param;
    expect(paramOf("messages[0].parts[0].text")).toBe("instructions");
    expect(paramOf("messages[2].parts[1].tool_call.arguments")).toBe("input[2]");
    expect(paramOf("messages[3].parts[0].tool_result")).toBe("input[3]");
    expect(paramOf("response_format.json_schema.schema")).toBe("text.format.schema");
  });

  it("is patched in its model alone: all else goes on byte for byte, without what is the gateway's", () => {
    const body =
      '{"model":"a","input":"hi","odd": 1.0,"previous_response_id":"resp_1","provider_options":{},"big":90071992547409931}';
    const { bytes, members } = readJsonBody(new TextEncoder().encode(body));
    expect(patchResponsesRequest({ bytes, members }, "b").toString()).toBe(
      '{"model":"b","input":"hi","odd":1.0,"big":90071992547409931}',
    );
  });
});

describe.each([
  [
    "Responses",
    responses,
    (bytes: Uint8Array) => parseResponsesRequest(readJsonBody(bytes), { lossPolicy: LossPolicy.UNSPECIFIED }),
  ],
  [
    "completions",
    completions,
    (bytes: Uint8Array) => parseCompletionsRequest(readJsonBody(bytes), { lossPolicy: LossPolicy.UNSPECIFIED }),
  ],
] as const)("the parser of %s", (_, whole, read) => {
  function outcome(body: unknown): "read" | "refused" {
    try {
      read(new TextEncoder().encode(JSON.stringify(body ?? null)));
      return "read";
    } catch (error) {
      expect(error).toBeInstanceOf(GatewayError);
      const refusal = error as GatewayError;
      expect(["invalid_value", "unsupported_parameter"]).toContain(refusal.code);
      expect(() => JSON.parse(encodeErrorBody(refusal))).not.toThrow();
      return "refused";
    }
  }

  it("reads the whole body", () => {
    expect(outcome(whole)).toBe("read");
  });

  it("refuses strange values with a GatewayError and nothing else", () => {
    const random = createRandom(3);
    const counts = { read: 0, refused: 0 };
    for (let i = 0; i < 3_000; i++) {
      let body: unknown = whole;
      for (let edits = 1 + Math.floor(random() * 3); edits > 0; edits--) body = mutate(body, random);
      counts[outcome(body)]++;
    }
    // Both outcomes must be common, or the test looks at one half only.
    expect(counts.read).toBeGreaterThan(200);
    expect(counts.refused).toBeGreaterThan(200);
  });
});
