import { create } from "@bufbuild/protobuf";
import OpenAI from "openai";
import { describe, expect, it } from "vitest";
import { EmbedResponseSchema } from "../../../gen/trunkline/v1/embeddings_pb.ts";
import { ModelSchema } from "../../../gen/trunkline/v1/models_pb.ts";
import { FinishReason } from "../../../gen/trunkline/v1/stream_pb.ts";
import type { Frame } from "../../../src/domain/chat.ts";
import { GatewayError } from "../../../src/domain/errors.ts";
import type { Answer } from "../../../src/gateway.ts";
import { callStarted, completed, finished, started, text } from "../../fakes/frames.ts";
import { type Behind, type RestBench, startRest } from "./harness.ts";

const messages: OpenAI.ChatCompletionMessageParam[] = [{ role: "user", content: "hi" }];

async function connect(behind: Behind): Promise<{ rest: RestBench; client: OpenAI }> {
  const rest = await startRest(behind);
  const baseURL = `http://127.0.0.1:${rest.port}/v1`;
  return { rest, client: new OpenAI({ baseURL, apiKey: "right", maxRetries: 0 }) };
}

async function* answer(...batches: (readonly Frame[])[]): Answer {
  yield* batches;
}

const argumentsDelta = (value: string, part: number): Frame => ({ case: "argumentsDelta", value, choice: 0, part });

describe("OpenAI's SDK", () => {
  it("reads a whole answer", async () => {
    const { client } = await connect({
      chat: () => answer([started(), text("Hello"), finished(), completed({ input: 1, output: 2 })]),
    });
    const completion = await client.chat.completions.create({ model: "m", messages });
    expect(completion.choices[0]?.message.content).toBe("Hello");
    expect(completion.usage?.total_tokens).toBe(3);
    expect(completion._request_id).toBe("req_1");
  });

  it("puts a stream with parallel calls together", async () => {
    const { client } = await connect({
      chat: () =>
        answer(
          [started(), text("Let me see. ")],
          [callStarted(1, "a", "f"), callStarted(2, "b", "g"), argumentsDelta('{"x":', 1), argumentsDelta("{}", 2)],
          [argumentsDelta("1}", 1), finished(FinishReason.TOOL_CALLS), completed({ input: 1, output: 2 })],
        ),
    });
    const stream = client.chat.completions.stream({ model: "m", messages, stream_options: { include_usage: true } });
    const final = await stream.finalChatCompletion();
    expect(final.choices[0]).toMatchObject({
      finish_reason: "tool_calls",
      message: {
        role: "assistant",
        content: "Let me see. ",
        tool_calls: [
          { id: "a", function: { name: "f", arguments: '{"x":1}' } },
          { id: "b", function: { name: "g", arguments: "{}" } },
        ],
      },
    });
    expect(final.usage?.completion_tokens).toBe(2);
  });

  it("throws what failed, before and within a stream", async () => {
    const { client } = await connect({
      async *chat(call) {
        if (call.request.model === "late") yield [started(), text("x")];
        throw new GatewayError("upstream_cut", "It hung up.");
      },
    });
    const create = (model: string) => client.chat.completions.create({ model, messages, stream: true });
    await expect(create("early")).rejects.toMatchObject({ status: 502, code: "upstream_cut", type: "upstream_error" });
    const stream = await create("late");
    const read = async () => {
      for await (const _ of stream);
    };
    await expect(read()).rejects.toMatchObject({ message: expect.stringContaining("It hung up.") });
  });

  it("knows its errors by class", async () => {
    const { rest, client } = await connect({});
    const wrong = client.withOptions({ apiKey: "wrong" });
    await expect(wrong.models.list()).rejects.toBeInstanceOf(OpenAI.AuthenticationError);
    await expect(client.models.retrieve("none")).rejects.toBeInstanceOf(OpenAI.NotFoundError);
    const bad = client.chat.completions.create({ model: "m", messages: [] });
    await expect(bad).rejects.toMatchObject({ status: 400, param: "messages", code: "invalid_value" });
    expect(rest.chats).toHaveLength(0);
  });

  it("hangs up when it is aborted", async () => {
    let signal: AbortSignal | undefined;
    const { client } = await connect({
      async *chat(_, context) {
        signal = context.signal;
        yield [started(), text("x")];
        await new Promise((_resolve, reject) =>
          context.signal.addEventListener("abort", () => reject(context.signal.reason)),
        );
      },
    });
    const stream = await client.chat.completions.create({ model: "m", messages, stream: true });
    for await (const _ of stream) stream.controller.abort();
    await expect.poll(() => signal?.aborted).toBe(true);
  });

  it("decodes embeddings, which it asks for as base64 by itself", async () => {
    const vector = [0.5, -1.25, 3];
    const { client } = await connect({
      embed: () => create(EmbedResponseSchema, { model: "e", embeddings: [{ index: 0, floats: vector }] }),
    });
    const { data } = await client.embeddings.create({ model: "e", input: "a" });
    expect(Array.from(data[0]?.embedding ?? [])).toEqual(vector);
  });

  it("finds models by names with slashes", async () => {
    const { client } = await connect({ models: [create(ModelSchema, { name: "openai/gpt-x" })] });
    expect((await client.models.retrieve("openai/gpt-x")).id).toBe("openai/gpt-x");
    expect((await client.models.list()).data).toHaveLength(1);
  });
});
