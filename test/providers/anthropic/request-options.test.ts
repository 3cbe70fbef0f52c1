import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { ChatRequestSchema } from "../../../gen/trunkline/v1/chat_pb.ts";
import { anthropic } from "../../../src/providers/anthropic/adapter.ts";
import { newer, refusal, targetOf, translate, user } from "./fixtures.ts";

const options = (text: string) => ({ providerOptions: { anthropic: text } });

describe("provider options", () => {
  it("are merged last, their values as they were written", () => {
    const { text, headers } = translate(
      options('{"inference_geo":"eu","container":{"n":9007199254740993},"betas":["a-1","b-2"]}'),
    );
    expect(text).toContain('"inference_geo":"eu","container":{"n":9007199254740993}');
    expect(text).not.toContain("betas");
    expect(headers["anthropic-beta"]).toBe("a-1,b-2");
  });

  it("of other providers are ignored without a word", () => {
    expect(translate({ providerOptions: { gemini: "not even JSON" } }).losses).toEqual([]);
  });

  it.each(["model", "messages", "system", "stream", "max_tokens", "tools", "temperature", "metadata"])(
    "cannot set %s, for which the request has a field",
    (name) => {
      const refused = refusal(options(`{"${name}":1}`));
      expect(refused).toMatchObject({ code: "invalid_value", detail: { field: `provider_options.anthropic.${name}` } });
    },
  );

  it("cannot set what a typed field sets, but may add to output_config and thinking", () => {
    expect(refusal({ ...options('{"service_tier":"auto"}'), serviceTier: "auto" }).code).toBe("invalid_value");
    const effort = { reasoning: { effort: "low" } };
    expect(refusal({ ...effort, ...options('{"output_config":{"effort":"max"}}') }).detail.field).toBe(
      "provider_options.anthropic.output_config.effort",
    );
    const { body } = translate({
      ...effort,
      ...options('{"output_config":{"task_budget":{"type":"tokens","total":9}}}'),
    });
    expect(body.output_config).toEqual({ effort: "low", task_budget: { type: "tokens", total: 9 } });
  });

  it.each([
    "{",
    "[]",
    '{"a":1,"a":2}',
    '{"__proto__":{"model":"x"}}',
    '{"betas":["a b"]}',
    '{"betas":"a"}',
    `{"a":${"[".repeat(200)}${"]".repeat(200)}}`,
  ])("%s is refused with its path", (text) => {
    const refused = refusal(options(text));
    expect(refused.code).toBe("invalid_value");
    expect(refused.detail.field).toMatch(/^provider_options\.anthropic/);
  });
});

describe("answer formats", () => {
  const format = (value: { name?: string; description?: string; schema: string }) => ({
    responseFormat: { kind: { case: "jsonSchema" as const, value } },
  });

  it("a schema within the subset goes out as it was written", () => {
    const schema = '{"type":"object", "properties":{"a":{"const":9007199254740993}}, "additionalProperties":false}';
    expect(translate(format({ schema })).text).toContain(`"schema":${schema}`);
  });

  it("a description of the format moves into the schema", () => {
    const { body } = translate(
      format({ description: "A thing", schema: '{"type":"object","additionalProperties":false}' }),
    );
    expect(body.output_config.format.schema.description).toBe("A thing");
  });

  it("JSON without a schema is asked for in words, and reported", () => {
    const { body, losses } = translate({ responseFormat: { kind: { case: "jsonObject", value: {} } } });
    expect(body.system[0].text).toContain("JSON object");
    expect(losses).toEqual(["response_format.json_object;approximated"]);
  });

  it("a model that enforces no schemas is told the schema", () => {
    const { body, losses } = translate(format({ schema: '{"type":"object"}' }), "claude-opus-4-1");
    expect(body).not.toHaveProperty("output_config");
    expect(body.system[0].text).toContain('{"type":"object"}');
    expect(losses).toEqual(["response_format.json_schema;approximated"]);
  });

  it("a grammar and a schema that is no object are refused", () => {
    const grammar = { kind: { case: "grammar" as const, value: { syntax: "lark", definition: "start: /a/" } } };
    expect(refusal({ responseFormat: grammar }).detail.field).toBe("response_format.grammar");
    expect(refusal(format({ schema: "true" })).detail.field).toBe("response_format.json_schema.schema");
  });
});

describe("counting tokens", () => {
  it("asks with the prompt alone", () => {
    const request = create(ChatRequestSchema, {
      model: newer,
      messages: [user("Hi")],
      stop: ["x"],
      maxOutputTokens: 5,
      endUserId: "u",
    });
    const asked = anthropic.countTokens?.toRequest({ request, stream: false }, targetOf(newer));
    expect(asked?.path).toBe("/v1/messages/count_tokens");
    expect(JSON.parse(String(asked?.body))).toEqual({
      model: newer,
      messages: [{ role: "user", content: [{ type: "text", text: "Hi" }] }],
    });
  });

  it("reads the count as the provider's own", () => {
    const memory = { target: targetOf(newer), stream: false };
    const reply = { status: 200, headers: { "request-id": "req_1" }, body: '{"input_tokens":42}' };
    expect(anthropic.countTokens?.fromResponse(reply, memory)).toMatchObject({
      inputTokens: 42,
      exact: true,
      servedBy: { upstreamRequestId: "req_1" },
    });
    expect(() => anthropic.countTokens?.fromResponse({ ...reply, body: "{}" }, memory)).toThrow("input_tokens");
  });
});
