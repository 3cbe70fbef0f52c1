import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { type EmbedRequest, EmbedResponseSchema } from "../../../gen/trunkline/v1/embeddings_pb.ts";
import { ModelSchema } from "../../../gen/trunkline/v1/models_pb.ts";
import { createAdmit } from "../../../src/domain/admit.ts";
import { type ChatCall, withWire } from "../../../src/domain/chat.ts";
import { GatewayError } from "../../../src/domain/errors.ts";
import { Secret } from "../../../src/domain/secret.ts";
import { headOf } from "../../../src/edges/http.ts";
import type { Answer } from "../../../src/gateway.ts";
import { completed, finished, started, text } from "../../fakes/frames.ts";
import { dial, startRest, until } from "./harness.ts";

const body = { contents: [{ parts: [{ text: "hi" }] }] };
const end = [finished(), completed({ input: 1, output: 2 })];

async function* says(...words: string[]): Answer {
  yield [started(), ...words.map((word) => text(word)), ...end];
}

/** The edge before a gateway that answers, and what it was asked. */
async function answering(answer: () => Answer = () => says("Hel", "lo")) {
  const asked: ChatCall[] = [];
  const chat = (call: ChatCall) => {
    asked.push(call);
    return answer();
  };
  return { ...(await startRest({ chat })), asked };
}

describe("POST /v1beta/models/*", () => {
  it.each([
    ["/v1beta/models/m:generateContent", "m"],
    ["/v1/models/m:generateContent", "m"],
    ["/v1beta/models/openai/gpt-5.4:generateContent", "openai/gpt-5.4"],
    ["/v1beta/models/openai%2Fgpt-5.4:generateContent", "openai/gpt-5.4"],
    ["/v1beta/models/ollama/llama3:8b:generateContent", "ollama/llama3:8b"],
    ["/v1beta/tunedModels/mine:generateContent", "tunedModels/mine"],
    ["/v1beta/models/m:generateContent?%24alt=json", "m"],
  ])("asks the model that %s names", async (path, model) => {
    const rest = await answering();
    const got = await rest.ask(path, { body });
    expect(got).toMatchObject({
      status: 200,
      headers: { "content-type": "application/json", "x-request-id": "req_1" },
    });
    expect(got.json.candidates[0].content.parts).toEqual([{ text: "Hello" }]);
    expect(rest.asked[0]?.request.model).toBe(model);
    expect(rest.asked[0]?.stream).toBe(false);
  });

  it("streams events with alt=sse, and one array without", async () => {
    const rest = await answering();
    const events = await rest.ask("/v1beta/models/m:streamGenerateContent?alt=sse", { body });
    expect(events.headers["content-type"]).toBe("text/event-stream; charset=utf-8");
    expect(events.text.split("\n\n").filter((event) => event.startsWith('data: {"candidates"'))).toHaveLength(3);
    const array = await rest.ask("/v1beta/models/m:streamGenerateContent", { body });
    expect(array.headers["content-type"]).toBe("application/json");
    expect(array.json.map((one: { candidates: object[] }) => one.candidates.length)).toEqual([1, 1, 1]);
    expect(rest.asked.map(({ stream }) => stream)).toEqual([true, true]);
  });

  it("gives Google's whole answer back as it came", async () => {
    const own = '{ "candidates": [], "x": 9007199254740993 }';
    const rest = await answering(async function* () {
      yield withWire([started(), text("x"), ...end], "gemini", own, true);
    });
    expect((await rest.ask("/v1beta/models/m:generateContent", { body })).text).toBe(own);
  });

  it.each([
    ["sse", "?alt=sse", ": keep-alive"],
    ["array", "", "\r\n\r\n\n"],
  ])("breaks a silence before the first word, as %s", async (_, query, sign) => {
    let wake = () => {};
    const rest = await answering(async function* () {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
      yield* says("Hi");
    });
    const { socket, received } = dial(rest.port);
    const json = JSON.stringify(body);
    socket.write(
      `POST /v1beta/models/m:streamGenerateContent${query} HTTP/1.0\r\nhost: x\r\nauthorization: Bearer right\r\n` +
        `content-type: application/json\r\ncontent-length: ${json.length}\r\n\r\n${json}`,
    );
    await until(() => rest.chats.length === 1);
    rest.clock.advance(15_000);
    await until(() => received().includes(sign));
    wake();
    await until(() => received().includes("finishReason"));
  });

  it("holds the head until the first content: a failure before it is an ordinary error", async () => {
    const rest = await answering(async function* () {
      yield [started()];
      throw new GatewayError("overloaded", "Too much at once.", { retryAfterMs: 2_000 });
    });
    const got = await rest.ask("/v1beta/models/m:streamGenerateContent?alt=sse", { body });
    expect(got).toMatchObject({ status: 503, headers: { "retry-after": "2" } });
    expect(got.json.error).toMatchObject({ code: 503, status: "UNAVAILABLE", message: "Too much at once." });
  });

  it("edge case 95: a stream that fails later ends with the error, in either form", async () => {
    const rest = await answering(async function* () {
      yield [started(), text("Hi")];
      throw new GatewayError("upstream_cut", "It hung up.");
    });
    const events = await rest.ask("/v1beta/models/m:streamGenerateContent?alt=sse", { body });
    expect(JSON.parse(events.text.trim().split("\n\n").at(-1)?.slice("data: ".length) ?? "").error.code).toBe(502);
    const array = await rest.ask("/v1beta/models/m:streamGenerateContent", { body });
    expect(array.json.at(-1).error).toMatchObject({ code: 502, details: [{ reason: "UPSTREAM_CUT" }, {}] });
  });

  it.each([
    ["no body", { body: "" }, 400, "INVALID_ARGUMENT"],
    ["no contents", { body: {} }, 400, "INVALID_ARGUMENT"],
    ["another content type", { body, headers: { "content-type": "text/plain" } }, 415, "INVALID_ARGUMENT"],
    ["too large a body", { body: { ...body, novel: "x".repeat(2_000) } }, 413, "INVALID_ARGUMENT"],
    ["a wrong key", { body, headers: { authorization: "Bearer wrong" } }, 401, "UNAUTHENTICATED"],
    ["another method", { method: "GET" }, 405, "UNIMPLEMENTED"],
  ])("refuses %s in Google's words", async (_, options, status, word) => {
    const rest = await answering();
    const got = await rest.ask("/v1/models/m:generateContent", options);
    expect(got).toMatchObject({ status, json: { error: { code: status, status: word } } });
    expect(got.json.error.details.at(-1).requestId).toBe(got.headers["x-request-id"]);
  });

  it("knows no other path below /v1beta, and says so in Google's words", async () => {
    const rest = await answering();
    for (const wrong of ["/v1beta/none", "/v1beta/models/m:predict", "/v1beta/models/:generateContent"]) {
      expect(await rest.ask(wrong, { body })).toMatchObject({ json: { error: { code: expect.any(Number) } } });
    }
    expect((await rest.ask("/v1beta/none", { body })).json.error.status).toBe("NOT_FOUND");
  });
});

describe("embeddings in Google's words", () => {
  const embed = (request: EmbedRequest) =>
    create(EmbedResponseSchema, {
      embeddings: request.inputs.map((_, index) => ({ index, floats: [index, 0.5] })),
      usage: { inputTokens: 3 },
    });

  it("are of one content, and of a batch", async () => {
    const rest = await startRest({ embed });
    const content = { parts: [{ text: "a" }] };
    const one = await rest.ask("/v1beta/models/e:embedContent", { body: { content, taskType: "RETRIEVAL_QUERY" } });
    expect(one.json).toEqual({
      embedding: { values: [0, 0.5] },
      usageMetadata: { promptTokenCount: 3, totalTokenCount: 3 },
    });
    const requests = [{ model: "models/e", content }, { content }];
    const batch = await rest.ask("/v1/models/e:batchEmbedContents", { body: { requests } });
    expect(batch.json.embeddings).toEqual([{ values: [0, 0.5] }, { values: [1, 0.5] }]);
  });

  it.each([
    [{ requests: [] }, "requests"],
    [
      { requests: [{ content: { parts: [{ text: "a" }] } }, { title: "t", content: { parts: [{ text: "a" }] } }] },
      "requests[1].title",
    ],
    [{ requests: [{ model: "models/other", content: { parts: [{ text: "a" }] } }] }, "requests[0].model"],
    [{ requests: [{ content: { parts: [{ text: "" }] } }] }, "requests[0].content.parts[0]"],
  ])("refuse %j by name", async (asked, field) => {
    const rest = await startRest({ embed });
    const got = await rest.ask("/v1beta/models/e:batchEmbedContents", { body: asked });
    expect(got.status).toBe(400);
    expect(got.json.error.details[1].fieldViolations[0].field).toBe(field);
  });
});

describe("GET of models, by who asks", () => {
  const models = ["a/1", "a/2", "b/3"].map((name) =>
    create(ModelSchema, { name, contextWindow: 9, capabilities: ["reasoning"] }),
  );
  const google = { headers: { "x-goog-api-key": "x" } };
  const anthropic = { headers: { "anthropic-version": "2023-06-01" } };

  it("is in OpenAI's words where nothing else is said", async () => {
    const rest = await startRest({ models });
    expect((await rest.ask("/v1/models")).json).toMatchObject({ object: "list" });
    expect((await rest.ask("/v1/models/a/1")).json).toMatchObject({ object: "model", id: "a/1" });
  });

  it("is in Google's words below /v1beta, and for a key shown Google's way", async () => {
    const rest = await startRest({ models });
    const model = { name: "models/a/1", inputTokenLimit: 9, thinking: true };
    for (const [path, options] of [
      ["/v1beta/models", {}],
      ["/v1/models", google],
      ["/v1/models?key=x", {}],
    ] as const) {
      expect((await rest.ask(path, options)).json.models[0]).toMatchObject(model);
    }
    expect((await rest.ask("/v1beta/models/a/1")).json).toMatchObject(model);
    expect((await rest.ask("/v1/models/a%2F1", google)).json).toMatchObject(model);
    expect((await rest.ask("/v1/models/none", google)).json.error.status).toBe("NOT_FOUND");
    expect((await rest.ask("/v1beta/tunedModels")).json).toEqual({});
  });

  it("comes by pages in Google's words", async () => {
    const rest = await startRest({ models });
    const first = (await rest.ask("/v1beta/models?pageSize=2")).json;
    expect(first.models).toHaveLength(2);
    const second = (await rest.ask(`/v1beta/models?pageSize=2&pageToken=${first.nextPageToken}`)).json;
    expect(second).toMatchObject({ models: [{ name: "models/b/3" }] });
    expect(second.nextPageToken).toBeUndefined();
    for (const wrong of ["pageSize=-1", "pageSize=x", "pageToken=nowhere"]) {
      expect((await rest.ask(`/v1beta/models?${wrong}`)).json.error.status).toBe("INVALID_ARGUMENT");
    }
  });

  it("is in Anthropic's words for a version of its API, by pages both ways", async () => {
    const rest = await startRest({ models });
    const list = async (query: string) => (await rest.ask(`/v1/models${query}`, anthropic)).json;
    expect(await list("")).toMatchObject({
      has_more: false,
      first_id: "a/1",
      last_id: "b/3",
      data: [{ type: "model" }, {}, {}],
    });
    expect(await list("?limit=2")).toMatchObject({ has_more: true, last_id: "a/2" });
    expect(await list("?limit=2&after_id=a/2")).toMatchObject({ has_more: false, first_id: "b/3" });
    expect(await list("?limit=1&before_id=b/3")).toMatchObject({ has_more: true, first_id: "a/2" });
    for (const wrong of ["?limit=0", "?after_id=none", "?after_id=a/1&before_id=a/2"]) {
      expect(await list(wrong)).toMatchObject({ type: "error", error: { type: "invalid_request_error" } });
    }
    expect((await rest.ask("/v1/models/a/1", anthropic)).json).toMatchObject({ id: "a/1", max_input_tokens: 9 });
  });
});

describe("a key in the address", () => {
  const admit = createAdmit(new Secret("right"));
  const head = (headers: Record<string, string>, keys: readonly string[]) => {
    const rawHeaders = Object.entries(headers).flat();
    return headOf({ headers, rawHeaders, socket: {} } as unknown as Parameters<typeof headOf>[0], "/", keys);
  };

  it.each([
    [{}, ["right"], true],
    [{ "x-goog-api-key": "right" }, ["right"], true],
    [{ authorization: "Bearer right" }, ["right"], true],
    [{}, ["wrong"], false],
    [{}, ["right", "right"], false],
    [{ "x-goog-api-key": "wrong" }, ["right"], false],
    [{ "x-goog-api-key": "right" }, ["wrong"], false],
    [{}, [], false],
  ])("with headers %j and keys %j lets in: %s", (headers, keys, admitted) => {
    const attempt = () => admit(head(headers, keys)).name;
    if (admitted) expect(attempt()).toBe("master");
    else expect(attempt).toThrow(GatewayError);
  });
});
