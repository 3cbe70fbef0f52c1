import { type Client, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { describe, expect, it } from "vitest";
import { ChatService } from "../../gen/trunkline/v1/chat_pb.ts";
import { Role } from "../../gen/trunkline/v1/message_pb.ts";
import { useGateway } from "../fakes/gateway.ts";

const key = "master-key-of-this-test-0123456789";
const gateway = useGateway({ TRUNKLINE_MASTER_KEY: key }, (config) => ({
  ...config,
  server: { ...config.server, maxBodyBytes: 4_096 },
}));
const authorization = `Bearer ${key}`;
const prompt = "a prompt that nobody may read";

interface Asked {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

async function rest({ path = "/v1/chat/completions", method = "POST", headers, body }: Asked): Promise<string> {
  const response = await fetch(gateway.url + path, {
    method,
    headers: { authorization, "content-type": "application/json", ...headers },
    ...(body !== undefined && { body }),
  });
  await response.text();
  return response.headers.get("x-request-id") ?? "";
}

function chatBody(model: string, more: object = {}): string {
  return JSON.stringify({ model, messages: [{ role: "user", content: prompt }], ...more });
}

const rpc = (): Client<typeof ChatService> => createClient(ChatService, createGrpcTransport({ baseUrl: gateway.url }));

function ask(model: string) {
  return { model, messages: [{ role: Role.USER, parts: [{ kind: { case: "text" as const, value: prompt } }] }] };
}

/** The lines of one request. */
function linesOf(requestId: string) {
  return gateway.logged.filter(({ message, fields }) => message === "request" && fields.requestId === requestId);
}

/** Value of a series in a scrape. */
async function metric(name: string, labels: Readonly<Record<string, string>>): Promise<number> {
  const text = await (await fetch(`${gateway.opsUrl}/metrics`)).text();
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  const line = text.split("\n").find((one) => one.startsWith(`${name}{`) && wanted.every((pair) => one.includes(pair)));
  return Number(line?.split(" ").at(-1) ?? 0);
}

const counted = (operation: string, protocol: string, outcome: string) =>
  metric("trunkline_requests_total", {
    gen_ai_operation_name: operation,
    trunkline_protocol: protocol,
    trunkline_outcome: outcome,
  });

describe("a REST request is counted once and has one line:", () => {
  it.each<[string, string, string, Asked]>([
    ["an answer", "chat", "ok", { body: chatBody("simulator/echo") }],
    ["a stream", "chat", "ok", { body: chatBody("simulator/echo", { stream: true }) }],
    ["a cut stream", "chat", "upstream_cut", { body: chatBody("simulator/echo+fault=cut,after=2", { stream: true }) }],
    ["a provider's error", "chat", "upstream_error", { body: chatBody("simulator/echo+fault=500") }],
    ["a model that nobody has", "chat", "model_not_found", { body: chatBody("nobody/none") }],
    ["broken JSON", "chat", "invalid_value", { body: "{" }],
    [
      "a body too large",
      "chat",
      "request_too_large",
      { body: chatBody("simulator/echo", { user: "x".repeat(4_096) }) },
    ],
    [
      "a wrong type of content",
      "chat",
      "unsupported_media_type",
      { body: "x", headers: { "content-type": "text/plain" } },
    ],
    ["a wrong key", "chat", "invalid_api_key", { body: "{}", headers: { authorization: "Bearer wrong" } }],
    ["a wrong deadline", "chat", "invalid_value", { body: "{}", headers: { "x-request-timeout-ms": "soon" } }],
    ["a wrong method", "unknown", "method_not_allowed", { method: "DELETE" }],
    ["a wrong path", "unknown", "unknown_route", { path: "/v1/nothing" }],
    ["a list of models", "models", "ok", { method: "GET", path: "/v1/models" }],
    ["a model", "models", "ok", { method: "GET", path: "/v1/models/simulator/echo" }],
  ])("%s", async (_, operation, outcome, asked) => {
    const before = await counted(operation, "rest", outcome);
    const requestId = await rest(asked);
    expect(await counted(operation, "rest", outcome)).toBe(before + 1);
    expect(linesOf(requestId)).toMatchObject([{ level: "info", fields: { operation, protocol: "rest", outcome } }]);
  });
});

describe("an RPC is counted once and has one line:", () => {
  it.each<[string, string, () => Promise<unknown>]>([
    ["an answer", "ok", () => rpc().chat(ask("simulator/echo"), { headers: { authorization } })],
    ["a wrong key", "invalid_api_key", () => rpc().chat(ask("simulator/echo"))],
    ["no request", "invalid_value", () => Array.fromAsync(rpc().streamChat({}, { headers: { authorization } }))],
    [
      "a message too large",
      "message_too_large",
      () => rpc().chat({ ...ask("simulator/echo"), model: "x".repeat(4_096) }, { headers: { authorization } }),
    ],
    [
      "a cut stream",
      "upstream_cut",
      () =>
        Array.fromAsync(
          rpc().streamChat({ request: ask("simulator/echo+fault=cut,after=2") }, { headers: { authorization } }),
        ),
    ],
  ])("%s", async (_, outcome, call) => {
    const before = await counted("chat", "grpc", outcome);
    const lines = gateway.logged.length;
    await call().catch(() => {});
    expect(await counted("chat", "grpc", outcome)).toBe(before + 1);
    const added = gateway.logged.slice(lines).filter(({ message }) => message === "request");
    expect(added).toMatchObject([{ fields: { operation: "chat", protocol: "grpc", outcome } }]);
  });

  it("a method that there is not", async () => {
    const before = await counted("unknown", "connect", "unknown_method");
    await rest({ path: "/trunkline.v1.NoService/None", headers: { "connect-protocol-version": "1" }, body: "{}" });
    expect(await counted("unknown", "connect", "unknown_method")).toBe(before + 1);
  });

  it("a model that is looked up, whose entity tag needs the list", async () => {
    const before = await counted("models", "connect", "ok");
    const path = `/trunkline.v1.ModelsService/ListModels?${new URLSearchParams({ connect: "v1", encoding: "json", message: "{}" })}`;
    const first = await fetch(gateway.url + path, { headers: { authorization } });
    const etag = first.headers.get("etag") ?? "";
    const again = await fetch(gateway.url + path, { headers: { authorization, "if-none-match": etag } });
    expect([first.status, again.status, await again.text()]).toEqual([200, 304, ""]);
    const changed = await fetch(gateway.url + path, { headers: { authorization, "if-none-match": '"another"' } });
    expect(changed.status).toBe(200);
    expect(await counted("models", "connect", "ok")).toBe(before + 3);
  });
});

it("a line says who asked what, who answered and what it took", async () => {
  const body = chatBody("simulator/echo", { stream: true, stream_options: { include_usage: true } });
  const [line] = linesOf(await rest({ body }));
  expect(line?.fields).toMatchObject({
    caller: "master",
    model: "simulator/echo",
    stream: true,
    instance: "simulator",
    answeredBy: "echo",
    attempts: 1,
    inputTokens: expect.any(Number),
    outputTokens: expect.any(Number),
    durationMs: expect.any(Number),
    firstTokenMs: expect.any(Number),
    bodyBytes: Buffer.byteLength(body),
  });
});

it("no line holds the prompt, the answer or the key", () => {
  const everything = JSON.stringify(gateway.logged);
  expect(everything).not.toContain(prompt);
  expect(everything).not.toContain(key);
});

it("nothing is left in flight", async () => {
  for (const protocol of ["rest", "grpc", "connect"]) {
    expect(await metric("trunkline_requests_in_flight", { trunkline_protocol: protocol })).toBe(0);
  }
});
