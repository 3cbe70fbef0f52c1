import { describe, expect, it } from "vitest";
import { hi, parse, partsOf, refusalOf, requestOf } from "./parsing.ts";

const text = (value: string) => ({ type: "text", text: value });
const octets = (base64: string) => Buffer.from(base64, "base64");

describe("content", () => {
  it.each([
    [
      { type: "base64", media_type: "image/png", data: "AAEC" },
      { case: "data", value: octets("AAEC") },
    ],
    [
      { type: "url", url: "https://x.example/a.png" },
      { case: "uri", value: "https://x.example/a.png" },
    ],
    [
      { type: "file", file_id: "file_1" },
      { case: "fileId", value: "file_1" },
    ],
  ])("has pictures from %j", (source, expected) => {
    expect(partsOf([{ type: "image", source }])[0]?.kind).toMatchObject({
      case: "image",
      value: { media: { source: expected } },
    });
  });

  it.each([
    [{ type: "base64", media_type: "application/pdf", data: "JVBERi0=" }, "data", "application/pdf"],
    [{ type: "text", media_type: "text/plain", data: "words" }, "data", "text/plain"],
    [{ type: "content", content: "words" }, "data", "text/plain"],
    [{ type: "content", content: [text("words")] }, "data", "text/plain"],
    [{ type: "url", url: "https://x.example/a.pdf" }, "uri", "application/pdf"],
    [{ type: "file", file_id: "file_1" }, "fileId", ""],
  ])("has documents from %j", (source, kind, mediaType) => {
    const [part] = partsOf([{ type: "document", source, title: "T", context: "C", citations: { enabled: true } }]);
    expect(part?.kind).toMatchObject({
      case: "file",
      value: { title: "T", context: "C", citationsEnabled: true, media: { mediaType, source: { case: kind } } },
    });
  });

  it("keeps a document of many blocks whole, since each of them can be cited", () => {
    const block = { type: "document", source: { type: "content", content: [text("a"), text("b")] } };
    expect(partsOf([block])[0]?.kind).toMatchObject({
      case: "opaque",
      value: { provider: "anthropic", type: "document", content: { value: JSON.stringify(block) } },
    });
  });

  it("has a tool loop: the call as it was written, its results, and what follows them", () => {
    const request = requestOf(
      `{"model":"m","max_tokens":1,"messages":[{"role":"user","content":"q"},
      {"role":"assistant","content":[{"type":"tool_use","id":"t1","name":"f","input":{"b":90071992547409931,"a":1.0},
        "caller":{"type":"code_execution_20250825","tool_id":"x"},"toolset_name":"set"}]},
      {"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","is_error":true,
        "content":[{"type":"text","text":"no"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAEC"}}]},
        {"type":"text","text":"and?"}]}]}`,
    );
    expect(request.messages[1]?.parts[0]?.kind.value).toMatchObject({
      ...{ id: "t1", name: "f", arguments: '{"b":90071992547409931,"a":1.0}', toolset: "set" },
      callerJson: '{"type":"code_execution_20250825","tool_id":"x"}',
    });
    expect(request.messages[2]?.parts.map(({ kind }) => kind.case)).toEqual(["toolResult", "text"]);
    expect(request.messages[2]?.parts[0]?.kind.value).toMatchObject({
      ...{ callId: "t1", name: "f", isError: true },
      parts: [{ kind: { case: "text" } }, { kind: { case: "image" } }],
    });
  });

  it("has thinking with its proof, the hidden kind too", () => {
    const parts = partsOf(
      [
        { type: "thinking", thinking: "hm", signature: "sig" },
        { type: "thinking", thinking: "", signature: "sig2" },
        { type: "redacted_thinking", data: "xyz" },
        { type: "thinking", thinking: "no proof", signature: "" },
      ],
      "assistant",
    );
    expect(parts.map(({ kind, proof }) => [kind.value, proof && Buffer.from(proof.data).toString()])).toMatchObject([
      [{ text: "hm", redacted: false }, "sig"],
      [{ text: "" }, "sig2"],
      [{ redacted: true }, "xyz"],
      [{ text: "no proof" }, undefined],
    ]);
    expect(parts[0]?.proof).toMatchObject({ issuer: "anthropic", format: "signature" });
  });

  it("has the provider's own tools, and leaves what it does not know as it is", () => {
    const call = { type: "server_tool_use", id: "srvtoolu_1", name: "web_search", input: { query: "q" } };
    const found = [{ type: "web_search_result", url: "https://x.example", title: "X", encrypted_content: "e" }];
    const result = { type: "web_search_tool_result", tool_use_id: "srvtoolu_1", content: found };
    const news = { type: "mcp_tool_use", id: "m1", name: "f", server_name: "s", input: {} };
    const parts = partsOf([call, result, news], "assistant");
    expect(parts.map(({ kind }) => kind)).toMatchObject([
      { case: "hostedCall", value: { id: "srvtoolu_1", name: "web_search", inputJson: '{"query":"q"}' } },
      {
        case: "hostedResult",
        value: { callId: "srvtoolu_1", outputJson: JSON.stringify(found), parts: [{ kind: { case: "searchResult" } }] },
      },
      { case: "opaque", value: { type: "mcp_tool_use", content: { value: JSON.stringify(news) } } },
    ]);
  });

  it("has passages and citations", () => {
    const passage = { type: "search_result", source: "https://x.example", title: "X", content: [text("p")] };
    expect(partsOf([{ ...passage, citations: { enabled: true } }])[0]?.kind.value).toMatchObject({
      ...{ uri: "https://x.example", title: "X", citationsEnabled: true },
    });
    const citation = {
      type: "char_location",
      cited_text: "p",
      document_index: 0,
      start_char_index: 1,
      end_char_index: 2,
    };
    const [cited] = partsOf([{ ...text("á👋"), citations: [citation] }], "assistant");
    expect(cited?.annotations).toMatchObject([
      { type: "char_location", start: 0, end: 2, sourceStart: 1, sourceEnd: 2 },
    ]);
  });

  it.each([
    ["user", { type: "tool_use", id: "a", name: "f", input: {} }],
    ["user", { type: "thinking", thinking: "x", signature: "y" }],
    ["assistant", { type: "tool_result", tool_use_id: "a" }],
  ])("refuses blocks that the %s cannot have: %j", (role, block) => {
    const { detail } = refusalOf({ messages: [hi, { role, content: [block] }] });
    expect(detail.param).toBe("messages[1].content[0].type");
  });

  it("notes members that it does not know, at their places", () => {
    const { source } = parse({
      metadata: { user_id: "u", team: "t" },
      messages: [{ role: "user", mood: 1, content: [{ ...text("x"), tone: 2 }] }],
      tools: [{ name: "f", input_schema: {}, eager_input_streaming: true }],
    }).call;
    expect(source?.unknown.toSorted()).toEqual([
      "messages[0].content[0].tone",
      "messages[0].mood",
      "metadata.team",
      "tools[0].eager_input_streaming",
    ]);
  });
});
