import { describe, expect, it } from "vitest";
import { Role } from "../../../gen/trunkline/v1/message_pb.ts";
import { ToolChoiceMode } from "../../../gen/trunkline/v1/tool_pb.ts";
import { withGeminiParam } from "../../../src/dialects/gemini/param.ts";
import { GatewayError } from "../../../src/domain/errors.ts";
import { hi, parse, partsOf, refusalOf, requestOf } from "./parsing.ts";

const call = (name: string, more: object = {}) => ({ functionCall: { name, ...more } });
const response = (name: string, more: object = {}) => ({
  functionResponse: { name, response: { output: "r" }, ...more },
});

describe("a generateContent request", () => {
  it("has its settings read into the contract's", () => {
    const request = requestOf({
      generationConfig: {
        ...{ temperature: 0.5, topP: 0.9, topK: 40, candidateCount: 2, maxOutputTokens: "100", seed: 7 },
        ...{ stopSequences: ["a"], presencePenalty: 1, frequencyPenalty: -1, responseLogprobs: true, logprobs: 3 },
        thinkingConfig: { thinkingLevel: "LOW", includeThoughts: true },
        responseModalities: ["TEXT", "IMAGE"],
        speechConfig: { voiceConfig: { prebuiltVoiceConfig: { voiceName: "Kore" } } },
        imageConfig: { aspectRatio: "1:1", imageSize: "2K" },
        mediaResolution: "MEDIA_RESOLUTION_LOW",
      },
      safetySettings: [{ category: "HARM_CATEGORY_HARASSMENT", threshold: "BLOCK_NONE" }],
      cachedContent: "cachedContents/1",
      labels: { team: "a" },
      serviceTier: "flex",
    });
    expect(request).toMatchObject({
      ...{ model: "m", temperature: 0.5, topP: 0.9, topK: 40, choiceCount: 2, maxOutputTokens: 100, seed: 7n },
      ...{ stop: ["a"], presencePenalty: 1, frequencyPenalty: -1, logprobs: true, topLogprobs: 3 },
      reasoning: { effort: "low", includeText: true },
      output: { modalities: ["text", "image"], audio: { voice: "Kore" }, image: { aspectRatio: "1:1", size: "2K" } },
      mediaResolution: "low",
      safetySettings: [{ category: "HARM_CATEGORY_HARASSMENT", threshold: "BLOCK_NONE" }],
      cache: { cachedContent: "cachedContents/1" },
      metadata: { team: "a" },
      serviceTier: "flex",
    });
  });

  it("means the same spelled as the proto spells it", () => {
    const camel = {
      systemInstruction: { parts: [{ text: "s" }] },
      generationConfig: { maxOutputTokens: 5, thinkingConfig: { thinkingBudget: 9, includeThoughts: true } },
      tools: [
        { functionDeclarations: [{ name: "f", parametersJsonSchema: { type: "object" } }] },
        { googleSearch: {} },
      ],
      toolConfig: { functionCallingConfig: { mode: "ANY", allowedFunctionNames: ["f"] } },
      contents: [{ parts: [{ inlineData: { mimeType: "image/png", data: "AAEC" } }] }],
    };
    const snake = JSON.stringify(camel).replaceAll(
      /"(\w+)":/g,
      (_, name: string) => `"${name.replaceAll(/[A-Z]/g, (c) => `_${c.toLowerCase()}`)}":`,
    );
    const read = parse(snake);
    expect(read.call.request).toEqual(parse(camel).call.request);
    expect(read.call.source?.unknown).toEqual([]);
    expect(read.call.request.tools).toHaveLength(2);
  });

  it("refuses a member that is given in both spellings", () => {
    const twice = refusalOf({ generationConfig: { topK: 1, top_k: 2 } });
    expect(twice.detail.param).toBe("generationConfig.top_k");
  });

  it.each([
    [0, { effort: "none" }],
    [-1, { budgetTokens: -1 }],
    [500, { budgetTokens: 500 }],
  ])("takes a thinking budget of %d", (thinkingBudget, reasoning) => {
    expect(requestOf({ generationConfig: { thinkingConfig: { thinkingBudget } } }).reasoning).toMatchObject(reasoning);
  });

  it("keeps what only Google knows, and tells of it", () => {
    const { call: parsed } = parse({
      generationConfig: { routingConfig: { x: 1 }, speechConfig: { languageCode: "de" } },
      toolConfig: { retrievalConfig: { languageCode: "de" } },
      novel: true,
    });
    expect(parsed.source?.unknown.toSorted()).toEqual([
      ...["generationConfig.routingConfig", "generationConfig.speechConfig.languageCode", "novel"],
      "toolConfig.retrievalConfig",
    ]);
    expect(JSON.parse(parsed.request.providerOptions.gemini ?? "")).toEqual({
      novel: true,
      generationConfig: { routingConfig: { x: 1 }, speechConfig: { languageCode: "de" } },
      toolConfig: { retrievalConfig: { languageCode: "de" } },
    });
  });

  it("reads Google's schemas as JSON Schema, and JSON Schema as it was written", () => {
    const parameters = {
      type: "OBJECT",
      properties: {
        b: { type: "STRING", nullable: true, enum: ["x"], format: "enum" },
        a: { type: "ARRAY", items: { type: "INTEGER" }, maxItems: "3" },
      },
      propertyOrdering: ["a", "b"],
      required: ["a"],
    };
    const text = '{"type":"object","properties":{"n":{"const":9007199254740993}}}';
    const [converted, written] = requestOf(
      `{"contents":[${JSON.stringify(hi)}],"tools":[{"functionDeclarations":[{"name":"f","parameters":${JSON.stringify(parameters)}},{"name":"g","parametersJsonSchema":${text}}]}]}`,
    ).tools.map(({ kind }) => (kind.case === "function" ? kind.value.parametersSchema : ""));
    expect(converted).toBe(
      '{"type":"object","properties":{"a":{"type":"array","items":{"type":"integer"},"maxItems":3},"b":{"type":["string","null"],"enum":["x",null]}},"required":["a"]}',
    );
    expect(written).toBe(text);
  });

  it("offers functions and Google's tools", () => {
    const { tools } = requestOf({
      tools: [
        { functionDeclarations: [{ name: "f", description: "d" }] },
        { googleSearch: { excludeDomains: ["a.b"] }, codeExecution: {} },
        { urlContext: {} },
        { mcpServers: [{ name: "s", url: "u" }] },
      ],
    });
    expect(tools.map(({ kind }) => kind.value)).toMatchObject([
      { name: "f", description: "d", parametersSchema: "" },
      { options: { blockedDomains: ["a.b"] } },
      { type: "code_execution", optionsJson: "{}" },
      { type: "url_context" },
      { type: "mcp", name: "s" },
    ]);
  });

  it.each([
    [{ mode: "ANY" }, { case: "mode", value: ToolChoiceMode.REQUIRED }],
    [{ mode: "NONE" }, { case: "mode", value: ToolChoiceMode.NONE }],
    [
      { mode: "ANY", allowedFunctionNames: ["f"] },
      { case: "toolName", value: "f" },
    ],
    [
      { mode: "ANY", allowedFunctionNames: ["f", "g"] },
      { case: "allowed", value: { mode: ToolChoiceMode.REQUIRED, names: ["f", "g"] } },
    ],
    [
      { mode: "VALIDATED", allowedFunctionNames: ["f"] },
      { case: "allowed", value: { mode: ToolChoiceMode.AUTO, names: ["f"] } },
    ],
  ])("chooses tools by %j", (functionCallingConfig, kind) => {
    expect(requestOf({ toolConfig: { functionCallingConfig } }).toolChoice?.kind).toMatchObject(kind);
  });

  it("counts what a whole request would use", () => {
    const inner = { model: "models/x", contents: [hi], systemInstruction: { parts: [{ text: "s" }] } };
    const { call: parsed } = parse(JSON.stringify({ generateContentRequest: inner }), { counting: true });
    expect(parsed.request.messages.map(({ role }) => role)).toEqual([Role.SYSTEM, Role.USER]);
    expect(parsed.source).toBeUndefined();
  });
});

describe("the contents of a request", () => {
  it("edge case 98: calls without ids get ids of their own, and results find them by name and order", () => {
    const { messages } = requestOf({
      contents: [
        hi,
        { role: "model", parts: [call("f", { args: { a: 1 } }), call("f"), call("g")] },
        { role: "user", parts: [response("g"), response("f"), response("f")] },
      ],
    });
    const ids = messages[1]?.parts.map(({ kind }) => (kind.case === "toolCall" ? kind.value.id : "")) ?? [];
    expect(new Set(ids).size).toBe(3);
    const answered = messages[2]?.parts.map(({ kind }) => (kind.case === "toolResult" ? kind.value.callId : ""));
    expect(answered).toEqual([ids[2], ids[0], ids[1]]);
  });

  it("edge cases 99 and 100: results find their calls by id, in any order", () => {
    const { messages } = requestOf({
      contents: [
        { role: "model", parts: [call("f", { id: "1" }), call("f", { id: "2" })] },
        { role: "function", parts: [response("f", { id: "2" }), response("f", { id: "1" })] },
      ],
    });
    const [, results] = messages;
    expect(results?.parts.map(({ kind }) => kind.case === "toolResult" && kind.value.callId)).toEqual(["2", "1"]);
  });

  it("edge case 119: what a tool answered is told as text, an error as an error", () => {
    const said = (answer: unknown) => {
      const parts = [{ functionResponse: { name: "f", response: answer } }];
      const { messages } = requestOf({
        contents: [
          { role: "model", parts: [call("f")] },
          { role: "user", parts },
        ],
      });
      const kind = messages[1]?.parts[0]?.kind;
      const first = kind?.case === "toolResult" ? kind.value.parts[0]?.kind : undefined;
      return {
        text: first?.case === "text" ? first.value : "",
        isError: kind?.case === "toolResult" && kind.value.isError,
      };
    };
    expect(said({ output: "sunny" })).toEqual({ text: "sunny", isError: false });
    expect(said({ error: "no" })).toEqual({ text: "no", isError: true });
    expect(said({ degrees: 7 })).toEqual({ text: '{"degrees":7}', isError: false });
    expect(said({ output: { a: 1 } })).toEqual({ text: '{"output":{"a":1}}', isError: false });
  });

  it("edge case 104: signatures are the proofs of their own parts", () => {
    const parts = partsOf(
      [
        { text: "t", thought: true, thoughtSignature: "a" },
        { ...call("f"), thoughtSignature: "b" },
        { text: "", thoughtSignature: "c" },
      ],
      "model",
    );
    expect(parts.map(({ kind, proof }) => [kind.case, proof && Buffer.from(proof.data).toString()])).toEqual([
      ["reasoning", "a"],
      ["toolCall", "b"],
      ["reasoning", "c"],
    ]);
  });

  it("edge case 106: the word for a lost signature is no proof", () => {
    const [part] = partsOf([{ ...call("f"), thoughtSignature: "skip_thought_signature_validator" }], "model");
    expect(part?.proof).toBeUndefined();
  });

  it("are one message where a streamed answer came in pieces", () => {
    const pieces = [
      { text: "a", thought: true },
      { text: "b", thought: true },
      { text: "He" },
      { text: "llo" },
      { text: "" },
    ];
    const contents = [hi, ...pieces.map((part) => ({ role: "model", parts: [part] })), hi];
    const { messages } = requestOf({ contents });
    expect(messages.map(({ role }) => role)).toEqual([Role.USER, Role.ASSISTANT, Role.USER]);
    expect(messages[1]?.parts.map(({ kind }) => kind)).toMatchObject([
      { case: "reasoning", value: { text: "ab" } },
      { case: "text", value: "Hello" },
    ]);
  });

  it("hold media of every kind", () => {
    const parts = partsOf([
      { inlineData: { mimeType: "image/png", data: "_-8=" }, mediaResolution: { level: "MEDIA_RESOLUTION_HIGH" } },
      { inlineData: { mimeType: "audio/wav", data: "AAEC" } },
      { fileData: { fileUri: "https://youtu.be/x" }, videoMetadata: { startOffset: "1.5s", fps: 2 } },
      {
        fileData: {
          fileUri: "https://generativelanguage.googleapis.com/v1beta/files/abc",
          mimeType: "application/pdf",
        },
      },
      { fileData: { fileUri: "gs://b/o.txt" } },
    ]);
    expect(parts.map(({ kind }) => kind)).toMatchObject([
      { case: "image", value: { detail: "high", media: { source: { value: Buffer.from([255, 239]) } } } },
      { case: "audio" },
      { case: "video", value: { start: { seconds: 1n, nanos: 500_000_000 }, fps: 2 } },
      { case: "file", value: { media: { source: { case: "fileId", value: "files/abc" } } } },
      { case: "file", value: { media: { source: { case: "fileId", value: "gs://b/o.txt" } } } },
    ]);
  });

  it("keep what Google's own tools left behind, and what is newer than this gateway", () => {
    const executableCode = { language: "PYTHON", code: "1" };
    const parts = partsOf(
      [{ executableCode }, { codeExecutionResult: { outcome: "OUTCOME_OK", output: "1" } }, { novel: 1 }],
      "model",
    );
    expect(parts.map(({ kind }) => kind)).toMatchObject([
      { case: "hostedCall", value: { type: "code_execution", inputJson: JSON.stringify(executableCode) } },
      { case: "hostedResult", value: { isError: false } },
      { case: "opaque", value: { provider: "gemini", type: "novel", content: { value: '{"novel":1}' } } },
    ]);
  });
});

describe("a refusal names the member", () => {
  it.each([
    [{ contents: [] }, "contents", "messages"],
    [{ contents: [{ parts: [] }] }, "contents[0].parts", "messages[0].parts"],
    [{ contents: [{ role: "assistant", parts: [] }] }, "contents[0].role", "messages[0].role"],
    [{ contents: [{ parts: [{}] }] }, "contents[0].parts[0]", "messages[0].parts[0]"],
    [{ contents: [{ parts: [{ text: "a", inlineData: {} }] }] }, "contents[0].parts[0]", "messages[0].parts[0]"],
    [{ contents: [{ parts: [call("f")] }] }, "contents[0].parts[0].functionCall", "messages[0].parts[0]"],
    [
      { contents: [{ parts: [response("f")] }] },
      "contents[0].parts[0].functionResponse.name",
      "messages[0].parts[0].tool_result.call_id",
    ],
    [
      {
        systemInstruction: { parts: [{ text: "s" }] },
        contents: [{ parts: [{ inlineData: { mimeType: "image/png", data: "?" } }] }],
      },
      "contents[0].parts[0].inlineData.data",
      "messages[1].parts[0].data",
    ],
    [{ generationConfig: { topP: 2 } }, "generationConfig.topP", "top_p"],
    [{ generation_config: { top_p: 2 } }, "generation_config.top_p", "top_p"],
    [
      { generationConfig: { thinkingConfig: { thinkingLevel: "LOW", thinkingBudget: 1 } } },
      "generationConfig.thinkingConfig.thinkingBudget",
      "reasoning.budget_tokens",
    ],
    [
      { tools: [{ functionDeclarations: [{ name: "f" }, { name: "f" }] }] },
      "tools[0].functionDeclarations[1].name",
      "tools[1].function.name",
    ],
    [
      { toolConfig: { functionCallingConfig: { mode: "OFTEN" } } },
      "toolConfig.functionCallingConfig.mode",
      "tool_choice.mode",
    ],
    [{ providerOptions: { gemini: {} } }, "providerOptions.gemini", "provider_options.gemini"],
  ])("%j", (body, param, field) => {
    expect(refusalOf(body).detail).toEqual({ param, field });
  });

  it("in Google's words also where a later stage found it", () => {
    const parsed = parse({
      systemInstruction: { parts: [{ text: "s" }] },
      contents: [hi, { role: "model", parts: [{ text: "a" }] }, { role: "model", parts: [{ text: "" }, call("f")] }],
    });
    const paramOf = (field: string) =>
      withGeminiParam(new GatewayError("invalid_value", "", { field }), parsed).detail.param;
    expect(paramOf("messages[0].parts[0]")).toBe("systemInstruction.parts[0]");
    expect(paramOf("messages[2].parts[1].tool_call.arguments")).toBe("contents[2].parts[1].functionCall.args");
    expect(paramOf("messages[1]")).toBe("contents[0]");
    expect(paramOf("max_output_tokens")).toBe("generationConfig.maxOutputTokens");
    expect(paramOf("tools[0].function.name")).toBe("tools[0].function.name");
  });
});
