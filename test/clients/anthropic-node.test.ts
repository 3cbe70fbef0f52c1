import Anthropic from "@anthropic-ai/sdk";
import { describe, expect, it } from "vitest";
import { useGateway } from "../fakes/gateway.ts";

const gateway = useGateway();
const client = () => new Anthropic({ baseURL: gateway.url, apiKey: "any", maxRetries: 0 });

const max_tokens = 1_000;

function asking(content: string): Anthropic.MessageParam[] {
  return [{ role: "user", content }];
}

describe.each(["simulator/echo", "simulator-anthropic/claude-echo"])(
  "Anthropic's SDK, through the gateway to %s,",
  (model) => {
    it("gets an answer, and the same streamed", async () => {
      const messages = asking("/say Grüße, 世界 👋");
      const { data, response } = await client().messages.create({ model, max_tokens, messages }).withResponse();
      expect(data.content).toMatchObject([{ type: "text", text: "Grüße, 世界 👋" }]);
      expect(data.id).toMatch(/^msg_/);
      expect(data.stop_reason).toBe("end_turn");
      expect(response.headers.get("trunkline-provider")).toBe(model.split("/")[0]);
      const stream = client().messages.stream({ model, max_tokens, messages });
      const streamed = await stream.finalMessage();
      expect(streamed.content).toMatchObject([{ type: "text", text: "Grüße, 世界 👋" }]);
      expect(streamed.usage).toMatchObject({
        output_tokens: data.usage.output_tokens,
        input_tokens: data.usage.input_tokens,
      });
    });
  },
);
