import OpenAI from "openai";
import { describe, expect, it } from "vitest";
import { useGateway } from "../fakes/gateway.ts";

const gateway = useGateway();
const client = () => new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: "any", maxRetries: 0 });

describe.each(["simulator/echo", "simulator-anthropic/claude-echo"])(
  "OpenAI's SDK, with legacy completions through the gateway to %s,",
  (model) => {
    it("gets an answer, told that it was asked in a chat, and the same streamed", async () => {
      const asked = { model, prompt: "/say once upon a time", max_tokens: 99 };
      const { data, response } = await client().completions.create(asked).withResponse();
      expect(data).toMatchObject({ object: "text_completion", id: expect.stringMatching(/^cmpl-/) });
      expect(data.choices).toMatchObject([
        { text: "once upon a time", index: 0, finish_reason: "stop", logprobs: null },
      ]);
      expect(response.headers.get("trunkline-loss")).toBe("prompt;approximated");
      const stream = await client().completions.create({
        ...asked,
        stream: true,
        stream_options: { include_usage: true },
      });
      let text = "";
      let total = 0;
      for await (const chunk of stream) {
        text += chunk.choices[0]?.text ?? "";
        total = chunk.usage?.total_tokens ?? total;
      }
      expect([text, total]).toEqual(["once upon a time", data.usage?.total_tokens]);
    });

    it("gets an answer to each of several prompts, and the prompts back", async () => {
      const prompt = ["/say one", "/say two"];
      const answer = await client().completions.create({ model, prompt, echo: true, max_tokens: 99 });
      expect(answer.choices.map(({ text, index }) => [text, index])).toEqual([
        ["/say oneone", 0],
        ["/say twotwo", 1],
      ]);
      const single = await client().completions.create({ model, prompt: "/say one", max_tokens: 99 });
      expect(answer.usage?.completion_tokens).toBe(2 * (single.usage?.completion_tokens ?? 0));
      const texts = ["", ""];
      for await (const { choices } of await client().completions.create({ model, prompt, echo: true, stream: true })) {
        for (const { text, index } of choices) texts[index] += text;
      }
      expect(texts).toEqual(["/say oneone", "/say twotwo"]);
    });

    it("is refused tokens in place of text, and what chat cannot say when losses are refused", async () => {
      const tokens = client().completions.create({ model, prompt: [[1, 2, 3]] });
      await expect(tokens).rejects.toMatchObject({ status: 400, param: "prompt", code: "unsupported_parameter" });
      const strict = client().completions.create(
        { model, prompt: "hi" },
        { headers: { "trunkline-loss-policy": "refuse" } },
      );
      await expect(strict).rejects.toMatchObject({ status: 400, param: "prompt", code: "unsupported_parameter" });
      const many = client().completions.create({ model, prompt: Array.from({ length: 16 }, () => "x"), n: 9 });
      await expect(many).rejects.toMatchObject({ status: 400, param: "n" });
    });
  },
);

it("gives log probabilities in the legacy form", async () => {
  const answer = await client().completions.create({ model: "simulator/echo", prompt: "/say a b", logprobs: 2 });
  const { tokens = [], token_logprobs, text_offset = [], top_logprobs } = answer.choices[0]?.logprobs ?? {};
  expect(tokens.join("")).toBe(answer.choices[0]?.text);
  expect(text_offset).toEqual(tokens.map((_, i) => tokens.slice(0, i).join("").length));
  expect(token_logprobs).toHaveLength(tokens.length);
  expect(Object.keys(top_logprobs?.[0] ?? {})).toHaveLength(2);
});
