import OpenAI from "openai";
import { describe, expect, it } from "vitest";
import { useGateway } from "../fakes/gateway.ts";

const gateway = useGateway();
const client = () => new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: "any", maxRetries: 0 });

const weather: OpenAI.ChatCompletionTool = {
  type: "function",
  function: {
    name: "weather",
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
};

function asking(content: string): OpenAI.ChatCompletionMessageParam[] {
  return [{ role: "user", content }];
}

async function failureOf(promise: Promise<unknown>): Promise<InstanceType<typeof OpenAI.APIError>> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof OpenAI.APIError) return error;
    throw error;
  }
  throw new Error("it was answered");
}

describe.each(["simulator/echo", "simulator-anthropic/claude-echo"])(
  "OpenAI's SDK, through the gateway to %s,",
  (model) => {
    it("gets an answer, and the same streamed", async () => {
      const messages = asking("/say Grüße, 世界 👋");
      const { data, response } = await client().chat.completions.create({ model, messages }).withResponse();
      expect(data.choices[0]?.message.content).toBe("Grüße, 世界 👋");
      expect(response.headers.get("trunkline-provider")).toBe(model.split("/")[0]);
      const stream = client().chat.completions.stream({ model, messages, stream_options: { include_usage: true } });
      expect((await stream.finalChatCompletion()).choices[0]?.message.content).toBe("Grüße, 世界 👋");
      expect(await stream.totalUsage()).toMatchObject({ completion_tokens: data.usage?.completion_tokens });
    });

    it("runs tools: parallel calls, streamed, and their results", async () => {
      const asked = asking('/call weather {"city":"Oslo"}\n/call weather {"city":"Rome"}');
      const stream = client().chat.completions.stream({ model, messages: asked, tools: [weather] });
      const message = (await stream.finalChatCompletion()).choices[0]?.message;
      const calls = message?.tool_calls ?? [];
      expect(calls.map((call) => call.type === "function" && JSON.parse(call.function.arguments))).toEqual([
        { city: "Oslo" },
        { city: "Rome" },
      ]);
      const results = calls.map(({ id }, i) => ({ role: "tool" as const, tool_call_id: id, content: `sunny ${i}` }));
      const messages = [...asked, { role: "assistant" as const, tool_calls: calls }, ...results];
      const answer = await client().chat.completions.create({ model, messages, tools: [weather] });
      expect(answer.choices[0]?.message.content).toMatch(/sunny 0.*sunny 1/s);
    });

    it("ends a stream that the caller leaves", async () => {
      const stream = await client().chat.completions.create({
        model: `${model}+fault=stall`,
        messages: asking("/words 9"),
        stream: true,
      });
      for await (const chunk of stream) if (chunk.choices[0]?.delta.content) break;
      const canceled = () =>
        gateway.logged.some(({ fields }) => fields.outcome === "canceled" && fields.model === `${model}+fault=stall`);
      for (let i = 0; i < 500 && !canceled(); i++) await new Promise((resolve) => setTimeout(resolve, 5));
      expect(canceled()).toBe(true);
    });

    it.each([
      ["400", OpenAI.BadRequestError],
      ["429,seconds=7", OpenAI.RateLimitError],
      ["500", OpenAI.InternalServerError],
      ["529", OpenAI.InternalServerError],
      ["drop", OpenAI.InternalServerError],
      ["html", OpenAI.InternalServerError],
      ["empty", OpenAI.InternalServerError],
    ])("gets its own error class for fault %s", async (fault, kind) => {
      const create = client().chat.completions.create({ model: `${model}+fault=${fault}`, messages: asking("Hi") });
      const error = await failureOf(create);
      expect(error).toBeInstanceOf(kind);
      expect(error.requestID).toMatch(/^req_/);
      expect(typeof error.code).toBe("string");
    });

    it.each(["cut,after=2", "early-end,after=2", "malformed,after=2", "error-event,after=2"])(
      "hears what was said before %s, then an error",
      async (fault) => {
        let heard = "";
        const listen = async () => {
          const messages = asking("/say a b c d");
          const create = { model: `${model}+fault=${fault}`, messages, stream: true } as const;
          for await (const chunk of await client().chat.completions.create(create)) {
            heard += chunk.choices[0]?.delta.content ?? "";
          }
        };
        const error = await failureOf(listen());
        expect(heard).toBe("a b");
        expect(error.code).toMatch(/^upstream_(cut|error)$/);
      },
    );
  },
);
