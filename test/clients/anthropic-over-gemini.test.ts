import Anthropic from "@anthropic-ai/sdk";
import { afterAll, expect, it } from "vitest";
import { startSimulator } from "../../src/simulator/simulator.ts";
import { useGateway, withoutRetries } from "../fakes/gateway.ts";

const simulator = await startSimulator({ requireKey: true });
afterAll(() => simulator.close());
const gateway = useGateway(
  { GEMINI_API_KEY: "k", GEMINI_BASE_URL: `${simulator.url}/gemini`, GEMINI_MODELS: "gemini-3-pro" },
  withoutRetries,
);

const weather: Anthropic.Tool = {
  name: "weather",
  input_schema: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
};

it.each(["streamed", "whole"])("Google's proofs survive a tool loop of Anthropic's SDK, %s", async (how) => {
  const client = new Anthropic({ baseURL: gateway.url, apiKey: "any", maxRetries: 0 });
  const request = {
    model: "gemini/gemini-3-pro",
    max_tokens: 4_000,
    tools: [weather],
    thinking: { type: "enabled" as const, budget_tokens: 2_000 },
  };
  const asked = [{ role: "user" as const, content: '/call weather {"city":"Oslo"}' }];
  const ask = (messages: Anthropic.MessageParam[]) =>
    how === "whole"
      ? client.messages.create({ ...request, messages })
      : client.messages.stream({ ...request, messages }).finalMessage();
  const first = await ask(asked);
  const call = first.content.find((block) => block.type === "tool_use");
  if (call === undefined) throw new Error("a call was expected");
  // As Google does, the simulator refuses a call that comes back with a signature that is not its own.
  const history: Anthropic.MessageParam[] = [
    ...asked,
    { role: "assistant", content: first.content },
    { role: "user", content: [{ type: "tool_result", tool_use_id: call.id, content: "sunny" }] },
  ];
  const second = await ask(history);
  expect(second.content.at(-1)).toMatchObject({ type: "text", text: expect.stringContaining("sunny") });
  expect(JSON.stringify(first.content)).toContain("trunkline:");
});
