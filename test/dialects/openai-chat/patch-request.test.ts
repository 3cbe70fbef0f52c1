import { describe, expect, it } from "vitest";
import { jsonText } from "../../../src/dialects/json-splice.ts";
import type { JsonMembers } from "../../../src/dialects/json-text.ts";
import { patchChatRequest } from "../../../src/dialects/openai-chat/patch-request.ts";
import { parse } from "./parsing.ts";

const rest = '"messages":[{"role":"user","content":"x, \\"y\\""}]';

function patch(text: string, extra: JsonMembers = {}): string {
  const { source, stream } = parse(text).call;
  if (!source) throw new Error("the caller's text was not kept");
  return String(patchChatRequest(source, { model: "new", stream, extra }));
}

describe("a patched body", () => {
  it.each([
    [`{"model":"m",${rest}}`, `{"model":"new",${rest}}`],
    [
      `{ "x_big": 9007199254740993, "model" : "m" ,\n${rest}, "seed":1.0 }`,
      `{"x_big":9007199254740993,"model":"new",${rest},"seed":1.0}`,
    ],
  ])("keeps its members as they were written but for the model: %s", (text, patched) => {
    expect(patch(text)).toBe(patched);
  });

  it.each([
    [`{"provider_options":{"a":{"b":"}, "}},"model":"m",${rest}}`, `{"model":"new",${rest}}`],
    [`{"model":"m","provider_options" : {"a":{}} ,${rest}}`, `{"model":"new",${rest}}`],
    [`{"model":"m",${rest}, "fallback_models":["b"]}`, `{"model":"new",${rest}}`],
    [`{"fallback_models":["b"],"provider_options":{},"model":"m",${rest}}`, `{"model":"new",${rest}}`],
    [`{"model":"m",${rest},"fallback_models":["b"],"provider_options":{}}`, `{"model":"new",${rest}}`],
  ])("has none of the gateway's own members: %s", (text, patched) => {
    expect(patch(text)).toBe(patched);
  });

  it.each([
    [
      `{"model":"m",${rest},"stream":true}`,
      `{"model":"new",${rest},"stream":true,"stream_options":{"include_usage":true}}`,
    ],
    [
      `{"model":"m","stream_options":null,${rest},"stream":true}`,
      `{"model":"new","stream_options":{"include_usage":true},${rest},"stream":true}`,
    ],
    [
      `{"model":"m","stream_options":{},${rest},"stream":true}`,
      `{"model":"new","stream_options":{"include_usage":true},${rest},"stream":true}`,
    ],
    [
      `{"model":"m","stream_options":{"include_usage":false},${rest},"stream":true}`,
      `{"model":"new","stream_options":{"include_usage":true},${rest},"stream":true}`,
    ],
    [
      `{"model":"m","stream_options":{"a":1},${rest},"stream":true}`,
      `{"model":"new","stream_options":{"include_usage":true,"a":1},${rest},"stream":true}`,
    ],
  ])("of a stream always asks for usage: %s", (text, patched) => {
    expect(patch(text)).toBe(patched);
  });

  it("takes members of the provider's own behind the caller's", () => {
    const extra = { logit_mode: jsonText("1.0", "") };
    expect(patch(`{"model":"m",${rest}}`, extra)).toBe(`{"model":"new",${rest},"logit_mode":1.0}`);
  });
});
