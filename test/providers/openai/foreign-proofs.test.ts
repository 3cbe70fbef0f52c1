import { describe, expect, it } from "vitest";
import type { Target } from "../../../src/domain/target.ts";
import { toRequest } from "../../../src/providers/openai/request.ts";
import { parse } from "../../dialects/openai-chat/parsing.ts";

const target = (wire: Target["wire"]): Target => ({
  ...{ name: "openai/m", instance: "openai", provider: "openai", model: "m", facts: {} },
  wire,
});

const conversation = {
  model: "x",
  messages: [
    { role: "user", content: "hi" },
    {
      role: "assistant",
      content: "yes",
      reasoning_details: [{ type: "reasoning.text", text: "why", signature: "foreign", format: "anthropic", index: 0 }],
    },
    { role: "user", content: "go on" },
  ],
};

describe("edge case 78: a proof that another provider issued", () => {
  it("is not sent to OpenAI's own servers, and its loss is reported", () => {
    const { body, losses } = toRequest(parse(conversation).call, target("exact"));
    expect(String(body)).not.toContain("foreign");
    expect(JSON.parse(String(body)).messages).toHaveLength(3);
    expect(losses).toMatchObject([{ field: "messages[1].parts[0]", action: "dropped" }]);
  });

  it("goes back as it came to a server that may have given it", () => {
    expect(String(toRequest(parse(conversation).call, target("repair")).body)).toContain('"signature":"foreign"');
  });
});
