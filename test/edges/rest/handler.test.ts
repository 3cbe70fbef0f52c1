import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { ChatResponseSchema, LossPolicy } from "../../../gen/trunkline/v1/chat_pb.ts";
import { type EmbedRequest, EmbedResponseSchema } from "../../../gen/trunkline/v1/embeddings_pb.ts";
import { ModelSchema } from "../../../gen/trunkline/v1/models_pb.ts";
import { FinishReason } from "../../../gen/trunkline/v1/stream_pb.ts";
import { type ChatCall, type Frame, withWire } from "../../../src/domain/chat.ts";
import type { RequestContext } from "../../../src/domain/context.ts";
import { GatewayError } from "../../../src/domain/errors.ts";
import { unfold } from "../../../src/domain/fold.ts";
import type { Target } from "../../../src/domain/target.ts";
import type { Answer } from "../../../src/gateway.ts";
import { completed, finished, started, text } from "../../fakes/frames.ts";
import { ask, dial, key, rawChat, startRest, until } from "./harness.ts";

const chatPath = "/v1/chat/completions";
const body = { model: "m", messages: [{ role: "user", content: "hi" }] };
const target: Target = {
  name: "east/m-1",
  instance: "east",
  provider: "openai",
  model: "m-1",
  wire: "exact",
  facts: {},
};

async function* answer(...batches: (readonly Frame[])[]): Answer {
  yield* batches;
}

/** An answer that waits, and never says anything. */
function pending(wait: Promise<never>): Answer {
  return { [Symbol.asyncIterator]: () => ({ next: () => wait }) };
}

function failing(error: unknown): Answer {
  return { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(error) }) };
}

const hello = () => answer([started(), text("Hello")], [finished(), completed({ input: 1, output: 2 })]);

describe("a whole answer", () => {
  it("is one JSON object with the request's id", async () => {
    const rest = await startRest({ chat: hello });
    const got = await rest.ask(chatPath, { body });
    expect(got.status).toBe(200);
    expect(got.headers).toMatchObject({ "content-type": "application/json", "x-request-id": "req_1" });
    expect(got.json).toMatchObject({
      object: "chat.completion",
      choices: [{ message: { content: "Hello" }, finish_reason: "stop" }],
      usage: { total_tokens: 3 },
    });
  });

  it("of the caller's own dialect is the provider's own body, untouched", async () => {
    const response = create(ChatResponseSchema, {
      model: "m",
      choices: [{ message: { parts: [{ kind: { case: "text", value: "x" } }] }, finishReason: FinishReason.STOP }],
    });
    const own = '{ "id": "own", "x_big": 9007199254740993 }';
    const rest = await startRest({ chat: () => answer(withWire(unfold(response), "openai-chat", own, true)) });
    expect((await rest.ask(chatPath, { body })).text).toBe(own);
  });

  it("tells in headers who answered, how, and what was lost", async () => {
    const chat = (_: ChatCall, { trail }: RequestContext) => {
      trail.note({ kind: "attempt", target, atMs: 0 });
      trail.note({ kind: "attempt", target, atMs: 1 });
      trail.note({ kind: "answered", target, atMs: 2, model: "m-1-2026", simulated: false });
      trail.note({ kind: "cache", status: "miss" });
      trail.note({
        kind: "loss",
        losses: [
          { field: "seed", action: "dropped", message: "" },
          { field: "stop\r\nx: y", action: "approximated", message: "" },
        ],
      });
      trail.note({
        kind: "rate_limit",
        headers: { "x-ratelimit-remaining-requests": "5", "set-cookie": "a=b", "x-goog-api-key": "k" },
      });
      return hello();
    };
    const { headers } = await (await startRest({ chat })).ask(chatPath, { body });
    expect(headers).toMatchObject({
      "trunkline-provider": "east",
      "trunkline-model": "m-1",
      "trunkline-attempts": "2",
      "trunkline-cache": "miss",
      "trunkline-loss": "seed;dropped, stop??x: y;approximated",
      "x-ratelimit-remaining-requests": "5",
    });
    for (const name of ["set-cookie", "x-goog-api-key", "x"]) expect(headers[name]).toBeUndefined();
  });

  it("that never completed is a cut, not an answer", async () => {
    const rest = await startRest({ chat: () => answer([started(), text("Hel")]) });
    expect(await rest.ask(chatPath, { body })).toMatchObject({
      status: 502,
      json: { error: { code: "upstream_cut" } },
    });
  });
});

describe("errors", () => {
  it.each<[GatewayError, number, Record<string, string | undefined>]>([
    [
      new GatewayError("rate_limit_exceeded", "Slow down.", { retryAfterMs: 1_200 }),
      429,
      { "retry-after": "2", "retry-after-ms": "1200", "x-should-retry": undefined },
    ],
    [new GatewayError("budget_exceeded", "Spent."), 429, { "x-should-retry": "false" }],
    [new GatewayError("overloaded", "Busy.", { retryable: true }), 503, { "x-should-retry": "true" }],
    [new GatewayError("timeout", "Late.", { phase: "total" }), 504, {}],
    [new GatewayError("upstream_auth", "Bad key there."), 502, { "x-should-retry": "false" }],
    [new GatewayError("model_not_found", "No such model.", { field: "model" }), 404, {}],
  ])("of a stage have their status and headers: %s", async (error, status, headers) => {
    const rest = await startRest({ chat: () => failing(error) });
    for (const stream of [false, true]) {
      const got = await rest.ask(chatPath, { body: { ...body, stream } });
      expect(got.status).toBe(status);
      expect(got.headers["content-type"]).toBe("application/json");
      expect(got.json.error.message).toBe(error.message);
      for (const [name, value] of Object.entries(headers)) expect(got.headers[name]).toBe(value);
    }
  });

  it("unforeseen ones say nothing of the inside, and are logged once with their cause", async () => {
    const rest = await startRest({
      chat() {
        throw new Error("secret inside");
      },
    });
    const got = await rest.ask(chatPath, { body });
    expect(got).toMatchObject({
      status: 500,
      json: { error: { type: "server_error", code: "internal", param: null } },
    });
    expect(got.text).not.toContain("secret");
    expect(rest.logged).toHaveLength(1);
    expect(String(rest.logged[0]?.fields.cause)).toContain("secret inside");
  });

  it("of the request name the field in OpenAI's words, and nothing reaches the gateway", async () => {
    const rest = await startRest({});
    const got = await rest.ask(chatPath, { body: { ...body, messages: [{ role: "user", content: [{ type: "x" }] }] } });
    expect(got).toMatchObject({
      status: 400,
      json: { error: { type: "invalid_request_error", param: "messages[0].content[0].type", code: "invalid_value" } },
    });
    expect(rest.chats).toHaveLength(0);
  });
});

describe("routes", () => {
  const model = create(ModelSchema, {
    name: "openai/gpt-x",
    provider: "openai",
    created: { seconds: 9n },
    shutdownAt: { seconds: 1_798_761_600n },
  });

  it("models are listed and found, ids with slashes written either way", async () => {
    const rest = await startRest({ models: [model] });
    const wire = { id: "openai/gpt-x", object: "model", created: 9, owned_by: "openai", shutdown_date: "2027-01-01" };
    expect((await rest.ask("/v1/models")).json).toEqual({ object: "list", data: [wire] });
    for (const path of ["/v1/models/openai/gpt-x", "/v1/models/openai%2Fgpt-x", "/v1/models/openai%2fgpt-x?x=/../y"]) {
      expect((await rest.ask(path)).json).toEqual(wire);
    }
    expect(await rest.ask("/v1/models/none")).toMatchObject({
      status: 404,
      json: { error: { code: "model_not_found" } },
    });
  });

  it.each([
    ..."/ /v1 /v2/models /v1/chat /v1/chat/completions/ //v1/models /v1//models /v1%2fmodels /V1/models".split(" "),
    ..."/v1/models/ /v1/models/.. /v1/models/%2e%2e /v1/models/a%2f..%2fb /v1/models/a//b /v1/models/%00 /v1/models/%zz".split(
      " ",
    ),
    ..."/health /health/live/x /metrics /admin".split(" "),
  ])("%s is nowhere", async (path) => {
    const rest = await startRest({});
    expect(await rest.ask(path)).toMatchObject({
      status: 404,
      json: { error: { type: "invalid_request_error", code: "unknown_url" } },
      headers: { "x-request-id": "req_1" },
    });
  });

  it("a target that is no path is nowhere (attack 10)", async () => {
    const rest = await startRest({});
    const { socket, received } = dial(rest.port);
    socket.write("GET http://evil.test/v1/models HTTP/1.1\r\nhost: x\r\nauthorization: Bearer right\r\n\r\n");
    await until(() => received().includes("unknown_url"));
  });

  it("a wrong method is told which are right", async () => {
    const rest = await startRest({});
    expect(await rest.ask(chatPath)).toMatchObject({
      status: 405,
      headers: { allow: "POST, OPTIONS" },
      json: { error: { code: "method_not_allowed" } },
    });
    expect(await rest.ask("/v1/models", { method: "DELETE" })).toMatchObject({
      status: 405,
      headers: { allow: "GET, HEAD, OPTIONS" },
    });
    expect(await rest.ask(chatPath, { method: "OPTIONS" })).toMatchObject({
      status: 204,
      headers: { allow: "POST, OPTIONS" },
    });
  });

  it("HEAD is GET without the body", async () => {
    const rest = await startRest({ models: [model] });
    const got = await rest.ask("/v1/models", { method: "HEAD" });
    expect(got).toMatchObject({ status: 200, text: "" });
    expect(Number(got.headers["content-length"])).toBeGreaterThan(0);
  });

  it("health says a status and asks for no key", async () => {
    let ready = true;
    const rest = await startRest({}, { ready: () => ready });
    const headers = { authorization: "" };
    expect(await rest.ask("/health/live", { headers })).toMatchObject({ status: 200, text: '{"status":"ok"}' });
    expect((await rest.ask("/health/ready", { headers })).status).toBe(200);
    ready = false;
    expect((await rest.ask("/health/ready", { headers })).status).toBe(503);
    expect((await rest.ask("/health/live", { headers })).status).toBe(200);
  });

  it.each([chatPath, "/v1/embeddings", "/v1/models", "/v1/models/x"])("%s needs a key", async (path) => {
    const rest = await startRest({});
    const options = {
      headers: { authorization: "Bearer wrong" },
      ...(path.startsWith("/v1/models") ? {} : { body: "x" }),
    };
    expect(await rest.ask(path, options)).toMatchObject({
      status: 401,
      headers: { "www-authenticate": "Bearer", "x-should-retry": "false" },
      json: { error: { type: "authentication_error", code: "invalid_api_key" } },
    });
  });

  it("two credentials are shown to the gateway as two (attack 1)", async () => {
    const rest = await startRest({});
    const { socket, received } = dial(rest.port);
    socket.write(rawChat("{}", "authorization: Bearer right\r\n"));
    await until(() => received().includes("invalid_api_key"));
  });
});

describe("embeddings", () => {
  const embed = (request: EmbedRequest) =>
    create(EmbedResponseSchema, {
      model: "e-1",
      embeddings: request.inputs.map((_, index) => ({ index, floats: [0.5, -1.25, 3] })),
      usage: { inputTokens: 4 },
    });

  it("edge case 146: are numbers unless asked otherwise", async () => {
    const rest = await startRest({ embed });
    for (const extra of [{}, { encoding_format: null }, { encoding_format: "float" }]) {
      expect((await rest.ask("/v1/embeddings", { body: { model: "e", input: ["a", "b"], ...extra } })).json).toEqual({
        object: "list",
        data: [0, 1].map((index) => ({ object: "embedding", index, embedding: [0.5, -1.25, 3] })),
        model: "e-1",
        usage: { prompt_tokens: 4, total_tokens: 4 },
      });
    }
  });

  it("edge case 145: as base64 are little-endian 32-bit floats", async () => {
    const rest = await startRest({ embed });
    const { json } = await rest.ask("/v1/embeddings", { body: { model: "e", input: "a", encoding_format: "base64" } });
    const bytes = Buffer.from(json.data[0].embedding, "base64");
    expect([0, 4, 8].map((at) => bytes.readFloatLE(at))).toEqual([0.5, -1.25, 3]);
  });

  it.each([
    ["text", ["text"]],
    [
      ["a", "b"],
      ["text", "text"],
    ],
    [[1, 2, 3], ["tokens"]],
    [
      [[1], [2, 3]],
      ["tokens", "tokens"],
    ],
  ])("take %j", async (input, kinds) => {
    const seen: EmbedRequest[] = [];
    const rest = await startRest({
      embed(request) {
        seen.push(request);
        return embed(request);
      },
    });
    await rest.ask("/v1/embeddings", { body: { model: "e", input, dimensions: 3, user: "u" } });
    expect(seen[0]?.inputs.map(({ kind }) => kind.case)).toEqual(kinds);
    expect(seen[0]).toMatchObject({ model: "e", dimensions: 3, endUserId: "u" });
  });

  it.each([
    [{ input: "x" }, "model"],
    [{ model: "e" }, "input"],
    [{ model: "e", input: [] }, "input"],
    [{ model: "e", input: "" }, "input"],
    [{ model: "e", input: ["a", 1] }, "input[1]"],
    [{ model: "e", input: [1, -1] }, "input[1]"],
    [{ model: "e", input: [[]] }, "input[0]"],
    [{ model: "e", input: "x", encoding_format: "int4" }, "encoding_format"],
    [{ model: "e", input: "x", dimensions: 0 }, "dimensions"],
  ])("refuse %j at %s", async (wrong, param) => {
    const rest = await startRest({});
    expect(await rest.ask("/v1/embeddings", { body: wrong })).toMatchObject({
      status: 400,
      json: { error: { param } },
    });
  });

  it("report members that nobody knows, and refuse them when told to", async () => {
    const rest = await startRest({ embed });
    const asked = { model: "e", input: "x", color: "red" };
    expect((await rest.ask("/v1/embeddings", { body: asked })).headers["trunkline-loss"]).toBe("color;dropped");
    const refused = await rest.ask("/v1/embeddings", { body: asked, headers: { "trunkline-loss-policy": "refuse" } });
    expect(refused).toMatchObject({ status: 400, json: { error: { code: "unsupported_parameter", param: "color" } } });
  });
});

describe("what headers ask for", () => {
  async function contextOf(
    headers: Record<string, string>,
    overrides = {},
  ): Promise<{ context: RequestContext; call: ChatCall }> {
    let seen: { context: RequestContext; call: ChatCall } | undefined;
    const chat = (call: ChatCall, context: RequestContext) => {
      seen = { call, context };
      return hello();
    };
    const rest = await startRest({ chat }, overrides);
    await rest.ask(chatPath, { body, headers });
    if (!seen) throw new Error("the request did not reach the gateway");
    return seen;
  }

  it.each([
    [{ "x-request-timeout-ms": "1500" }, 1_500],
    [{ "x-stainless-timeout": "2.5" }, 2_500],
    [{ "x-request-timeout-ms": "100", "x-stainless-timeout": "600" }, 100],
    [{ "x-stainless-timeout": "soon" }, null],
    [{}, null],
  ])("the deadline of %j is %s ms", async (headers, deadlineMs) => {
    expect((await contextOf(headers)).context.deadlineMs).toBe(deadlineMs);
  });

  it("a deadline that is no number is refused", async () => {
    const rest = await startRest({});
    for (const value of ["0", "-1", "1e3", "soon"]) {
      const got = await rest.ask(chatPath, { body, headers: { "x-request-timeout-ms": value } });
      expect(got).toMatchObject({ status: 400, json: { error: { param: "x-request-timeout-ms" } } });
    }
  });

  it("the deadline ends the request", async () => {
    const rest = await startRest({
      chat: (_, { signal }) =>
        pending(new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)))),
    });
    const asked = rest.ask(chatPath, { body, headers: { "x-request-timeout-ms": "500" } });
    await until(() => rest.chats.length === 1);
    rest.clock.advance(500);
    expect(await asked).toMatchObject({ status: 504, json: { error: { code: "timeout" } } });
    expect(rest.clock.timers).toBe(0);
  });

  it.each([
    [{ "trunkline-loss-policy": "refuse" }, false, LossPolicy.REFUSE],
    [{ "trunkline-loss-policy": "report" }, true, LossPolicy.REPORT],
    [{}, true, LossPolicy.REFUSE],
    [{}, false, LossPolicy.UNSPECIFIED],
  ])("the loss policy of %j with strict %s is %i", async (headers, strict, policy) => {
    expect((await contextOf(headers as Record<string, string>, { strict })).call.request.lossPolicy).toBe(policy);
  });

  it("an unknown loss policy is refused", async () => {
    const rest = await startRest({});
    const got = await rest.ask(chatPath, { body, headers: { "trunkline-loss-policy": "shrug" } });
    expect(got).toMatchObject({ status: 400, json: { error: { param: "trunkline-loss-policy" } } });
  });

  it("a well-formed trace context is passed on, and the caller's request id is not (attack 21)", async () => {
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const { context } = await contextOf({ traceparent, "x-request-id": "forged" });
    expect(context).toMatchObject({ traceparent, requestId: "req_1" });
    expect((await contextOf({ traceparent: "x" })).context.traceparent).toBeUndefined();
  });
});

describe("connections", () => {
  it("answer pipelined requests in their order", async () => {
    let calls = 0;
    const rest = await startRest({
      async *chat() {
        const mine = ++calls;
        // The first answers only after the second has arrived.
        await until(() => calls === 2);
        yield [started(), text(`answer ${mine}`), finished(), completed()];
      },
    });
    const { socket, received } = dial(rest.port);
    const one = JSON.stringify(body);
    socket.write(rawChat(one) + rawChat(one));
    await until(() => received().includes("answer 2"));
    expect(received().indexOf("answer 1")).toBeLessThan(received().indexOf("answer 2"));
  });

  it("are used again after an answer and after a refusal", async () => {
    const rest = await startRest({ chat: hello });
    const { socket, received } = dial(rest.port);
    socket.write(rawChat('{"model":1}'));
    await until(() => received().includes("invalid_value"));
    socket.write(rawChat(JSON.stringify(body)));
    await until(() => received().includes("Hello"));
  });

  it("of many callers at once stay apart", async () => {
    const rest = await startRest({
      chat: (call) => answer([started(), text(call.request.model), finished(), completed()]),
    });
    const models = Array.from({ length: 30 }, (_, i) => `m${i}`);
    const got = await Promise.all(
      models.map((model) => ask(rest.port, chatPath, { body: { ...body, model }, headers: key })),
    );
    expect(got.map(({ json }) => json.choices[0].message.content)).toEqual(models);
  });
});
