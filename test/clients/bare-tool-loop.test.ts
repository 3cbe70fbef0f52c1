import OpenAI from "openai";
import { afterAll, expect, it } from "vitest";
import { startSimulator } from "../../src/simulator/simulator.ts";
import { useGateway, withoutRetries } from "../fakes/gateway.ts";

const simulator = await startSimulator({ requireKey: true });
afterAll(() => simulator.close());
const gateway = useGateway(
  {
    GEMINI_API_KEY: "k",
    GEMINI_BASE_URL: `${simulator.url}/gemini`,
    GEMINI_MODELS: "gemini-3-pro",
    ANTHROPIC_API_KEY: "k",
    ANTHROPIC_BASE_URL: simulator.url,
    ANTHROPIC_MODELS: "claude-reasoner",
    OPENAI_API_KEY: "k",
    OPENAI_BASE_URL: `${simulator.url}/v1`,
    OPENAI_MODELS: "gpt-5-pro",
  },
  withoutRetries,
);

const parameters = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const tools = [{ type: "function" as const, function: { name: "weather", parameters } }];

/** Members that hold a proof, as each of the providers names them. */
const proofs = /"(?:thoughtSignature|signature|encrypted_content)":"(?!skip_)[^"]{8,}"/;

it.each([
  ["gemini/gemini-3-pro", true],
  ["gemini/gemini-3-pro", false],
  ["anthropic/claude-reasoner", true],
  ["anthropic/claude-reasoner", false],
  ["openai/gpt-5-pro", true],
  ["openai/gpt-5-pro", false],
])(
  "a chat client that keeps nothing but the calls goes on with %s and its proofs (streamed: %s)",
  async (model, isStream) => {
    const client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: "any", maxRetries: 0 });
    const asked = { role: "user" as const, content: '/call weather {"city":"Oslo"}' };
    const request = { model, tools, reasoning_effort: "medium" as const };
    const ask = (messages: OpenAI.ChatCompletionMessageParam[]) =>
      isStream
        ? client.chat.completions.stream({ ...request, messages }).finalChatCompletion()
        : client.chat.completions.create({ ...request, messages });
    const calls = (await ask([asked])).choices[0]?.message.tool_calls ?? [];
    expect(calls).toHaveLength(1);
    const bare = calls.flatMap((call) =>
      call.type === "function"
        ? [{ id: call.id, type: call.type, function: { name: call.function.name, arguments: call.function.arguments } }]
        : [],
    );
    const second = await ask([
      asked,
      { role: "assistant", content: null, tool_calls: bare },
      { role: "tool", tool_call_id: bare[0]?.id ?? "", content: "sunny" },
    ]);
    expect(second.choices[0]?.message.content).toContain("sunny");
    expect(JSON.stringify(simulator.calls.at(-1)?.body)).toMatch(proofs);
  },
);
