import OpenAI from "openai";
import { zodTextFormat } from "openai/helpers/zod";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { useGateway } from "../fakes/gateway.ts";

const gateway = useGateway();
const client = () => new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: "any", maxRetries: 0 });

const weather: OpenAI.Responses.Tool = {
  type: "function",
  name: "weather",
  parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  strict: false,
};

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
  "OpenAI's SDK, with Responses through the gateway to %s,",
  (model) => {
    it("gets an answer, and the same streamed", async () => {
      const { data, response } = await client()
        .responses.create({ model, input: "/say Grüße, 世界 👋" })
        .withResponse();
      expect(data).toMatchObject({
        object: "response",
        status: "completed",
        output_text: "Grüße, 世界 👋",
        store: true,
      });
      expect(response.headers.get("trunkline-provider")).toBe(model.split("/")[0]);
      const stream = client().responses.stream({ model, input: "/say Grüße, 世界 👋" });
      let deltas = "";
      const numbers: number[] = [];
      for await (const event of stream) {
        numbers.push(event.sequence_number);
        if (event.type === "response.output_text.delta") deltas += event.delta;
      }
      expect(numbers).toEqual(numbers.map((_, i) => i));
      expect(deltas).toBe("Grüße, 世界 👋");
      const final = await stream.finalResponse();
      expect(final.output_text).toBe("Grüße, 世界 👋");
      expect(final.usage?.output_tokens).toBe(data.usage?.output_tokens);
    });

    it("runs tools in a loop that goes on from the previous response", async () => {
      const input = '/call weather {"city":"Oslo"}\n/call weather {"city":"Rome"}';
      const stream = client().responses.stream({ model, input, tools: [weather] });
      const asked = await stream.finalResponse();
      const calls = asked.output.filter((item) => item.type === "function_call");
      expect(calls.map((call) => JSON.parse(call.arguments))).toEqual([{ city: "Oslo" }, { city: "Rome" }]);
      const answer = await client().responses.create({
        model,
        previous_response_id: asked.id,
        input: calls.map(({ call_id }, i) => ({ type: "function_call_output", call_id, output: `sunny ${i}` })),
        tools: [weather],
      });
      expect(answer.output_text).toMatch(/sunny 0.*sunny 1/s);
      expect(answer.previous_response_id).toBe(asked.id);
      const items = await client().responses.inputItems.list(answer.id, { order: "asc" });
      expect(items.data.map(({ type }) => type).filter((type) => type !== "reasoning")).toEqual([
        ...["message", "function_call", "function_call", "function_call_output", "function_call_output"],
      ]);
    });

    it("parses an answer of a schema", async () => {
      const format = zodTextFormat(z.object({ city: z.string(), degrees: z.number() }), "weather");
      const answer = await client().responses.parse({ model, input: "weather?", text: { format } });
      expect(answer.output_parsed).toEqual({ city: expect.any(String), degrees: expect.any(Number) });
    });

    it("finds a kept answer again, lists what it answered, and deletes it", async () => {
      const answer = await client().responses.create({ model, instructions: "Be brief.", input: "hello" });
      const found = await client().responses.retrieve(answer.id);
      expect(found).toEqual(answer);
      const items = await client().responses.inputItems.list(answer.id);
      expect(items.data).toMatchObject([
        { type: "message", role: "user", content: [{ type: "input_text", text: "hello" }] },
      ]);
      expect(await failureOf(client().responses.cancel(answer.id))).toMatchObject({ status: 400 });
      await client().responses.delete(answer.id);
      const gone = await failureOf(client().responses.retrieve(answer.id));
      expect(gone).toBeInstanceOf(OpenAI.NotFoundError);
      expect(gone).toMatchObject({ code: "response_not_found", message: expect.stringContaining(answer.id) });
    });

    it("keeps nothing of what must not be stored", async () => {
      const answer = await client().responses.create({ model, input: "hello", store: false });
      expect(answer).toMatchObject({ store: false });
      expect(await failureOf(client().responses.retrieve(answer.id))).toMatchObject({ status: 404 });
      const next = { model, input: "and?", previous_response_id: answer.id };
      expect(await failureOf(client().responses.create(next))).toMatchObject({
        status: 400,
        code: "previous_response_not_found",
        param: "previous_response_id",
        message: expect.stringContaining(answer.id),
      });
    });

    it("refers to items of earlier answers by their ids", async () => {
      const first = await client().responses.create({ model, input: "/say the moon" });
      const message = first.output.find(({ type }) => type === "message");
      const answer = await client().responses.create({
        model,
        input: [
          { role: "user", content: "what was it?" },
          { type: "item_reference", id: message?.id ?? "" },
          { role: "user", content: "again, please" },
        ],
      });
      expect(answer.status).toBe("completed");
      const items = await client().responses.inputItems.list(answer.id, { order: "asc" });
      expect(items.data).toMatchObject([{ role: "user" }, { content: [{ text: "the moon" }] }, { role: "user" }]);
    });

    it("is told what is wrong with a request, in its own words", async () => {
      const wrong = {
        model,
        input: [{ role: "user" as const, content: [{ type: "input_text" as const, text: 7 as never }] }],
      };
      expect(await failureOf(client().responses.create(wrong))).toMatchObject({
        status: 400,
        param: "input[0].content[0].text",
      });
      expect(await failureOf(client().responses.create({ model, input: "hi", background: true }))).toMatchObject({
        status: 400,
        param: "background",
        code: "unsupported_parameter",
      });
      const unknown = client().responses.create({ model: "nobody/knows", input: "hi" });
      expect(await failureOf(unknown)).toBeInstanceOf(OpenAI.NotFoundError);
    });
  },
);
