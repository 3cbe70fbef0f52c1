import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ChatService } from "../../gen/trunkline/v1/chat_pb.ts";
import { Role } from "../../gen/trunkline/v1/message_pb.ts";
import { loadConfig } from "../../src/config/load.ts";
import type { Log } from "../../src/domain/log.ts";
import { type RunningGateway, startGateway } from "../../src/main.ts";
import { type Envoy, startEnvoy } from "./envoy.ts";
import { type PacedUpstream, startPacedUpstream } from "./paced-upstream.ts";

const quiet: Log = { debug() {}, info() {}, warn() {}, error() {}, with: () => quiet };
const key = "mesh-master-key";
const model = "openai/paced";
const words = ["one", "two", "three", "four"];
const question = {
  model,
  messages: [{ role: Role.USER, parts: [{ kind: { case: "text", value: "count" } as const }] }],
};

describe("behind Envoy", () => {
  let upstream: PacedUpstream;
  let gateway: RunningGateway;
  let envoy: Envoy;

  beforeAll(async () => {
    upstream = await startPacedUpstream();
    gateway = await startBehind(upstream);
    envoy = await startEnvoy(Number(new URL(gateway.url).port));
    await envoy.until("healthy");
  });

  afterAll(async () => {
    await envoy?.[Symbol.asyncDispose]();
    await gateway?.close();
    await upstream?.[Symbol.asyncDispose]();
  });

  it("whole answers pass over REST and gRPC", async () => {
    const rest = postChat(envoy, { stream: false });
    (await upstream.nextCall()).answer("over REST");
    const answer = await rest;
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ choices: [{ message: { content: "over REST" } }] });

    const rpc = grpcClient(envoy).chat(question);
    (await upstream.nextCall()).answer("over gRPC");
    expect((await rpc).choices[0]?.message?.parts[0]?.kind).toEqual({ case: "text", value: "over gRPC" });
  });

  // The provider says the next word only after the last one has arrived: a proxy that holds events back stops this.
  it("events of REST streams pass one by one", async () => {
    const answered = postChat(envoy, { stream: true });
    const call = await upstream.nextCall();
    call.say(words[0] ?? "");
    const answer = await answered;
    const events = sseTexts(answer);
    for (const [at, word] of words.entries()) {
      if (at > 0) call.say(word);
      expect((await events.next()).value).toBe(word);
    }
    call.finish();
    expect((await events.next()).done).toBe(true);
  });

  it("events of gRPC streams pass one by one", async () => {
    const texts = rpcTexts(grpcClient(envoy).streamChat({ request: question }));
    const first = texts.next();
    const call = await upstream.nextCall();
    call.say(words[0] ?? "");
    expect((await first).value).toBe(words[0]);
    for (const word of words.slice(1)) {
      call.say(word);
      expect((await texts.next()).value).toBe(word);
    }
    call.finish();
    expect((await texts.next()).done).toBe(true);
  });

  it("a deadline reaches the provider's call", async () => {
    const rpc = grpcClient(envoy).chat(question, { timeoutMs: 300 });
    const failed = rpc.then(
      () => undefined,
      (error: unknown) => ConnectError.from(error).code,
    );
    const call = await upstream.nextCall();
    await call.closed;
    expect(await failed).toBe(Code.DeadlineExceeded);
  });

  it.each(["REST", "gRPC"])("a caller that goes away over %s ends the provider's call", async (protocol) => {
    const hangUp = new AbortController();
    const reading =
      protocol === "REST"
        ? postChat(envoy, { stream: true, signal: hangUp.signal }).then((answer) => answer.text())
        : readAll(rpcTexts(grpcClient(envoy).streamChat({ request: question }, { signal: hangUp.signal })));
    const ended = reading.then(
      () => "whole",
      () => "cut",
    );
    const call = await upstream.nextCall();
    call.say("never mind");
    hangUp.abort();
    await call.closed;
    expect(await ended).toBe("cut");
  });

  it("a draining gateway turns unhealthy, gets no new calls, and its streams end well", async () => {
    const leaving = await startBehind(upstream);
    await using proxy = await startEnvoy(Number(new URL(leaving.url).port));
    await proxy.until("healthy");
    const texts = rpcTexts(grpcClient(proxy).streamChat({ request: question }));
    const first = texts.next();
    const call = await upstream.nextCall();
    call.say("still ");
    expect((await first).value).toBe("still ");

    const drained = leaving.drain();
    await proxy.until("failed_active_hc");
    expect((await postChat(proxy, { stream: false })).status).toBe(503);
    call.say("here");
    expect((await texts.next()).value).toBe("here");
    call.finish();
    expect((await texts.next()).done).toBe(true);
    await drained;
  });
});

function startBehind(upstream: PacedUpstream): Promise<RunningGateway> {
  const env = {
    PORT: "0",
    TRUNKLINE_OPS_PORT: "0",
    TRUNKLINE_MASTER_KEY: key,
    OPENAI_API_KEY: "sk-paced",
    OPENAI_BASE_URL: upstream.url,
    OPENAI_MODELS: "paced",
  };
  const { config } = loadConfig({ env, flags: {}, folder: import.meta.dirname });
  // Long enough for the proxy to notice: the gateway serves on for this time after it has turned unhealthy.
  return startGateway({ ...config, server: { ...config.server, drainDelayMs: 1_000 } }, { log: quiet });
}

function grpcClient(envoy: Envoy) {
  return createClient(
    ChatService,
    createGrpcTransport({
      baseUrl: envoy.url,
      interceptors: [
        (next) => (request) => {
          request.header.set("authorization", `Bearer ${key}`);
          return next(request);
        },
      ],
    }),
  );
}

function postChat(envoy: Envoy, { stream, signal }: { readonly stream: boolean; readonly signal?: AbortSignal }) {
  return fetch(`${envoy.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({ model, stream, messages: [{ role: "user", content: "count" }] }),
    ...(signal ? { signal } : {}),
  });
}

/** The texts of a stream of server-sent events as they arrive; ends only after the end marker. */
async function* sseTexts(answer: Response): AsyncGenerator<string, void> {
  let rest = "";
  for await (const piece of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    const events = (rest + piece).split("\n\n");
    rest = events.pop() ?? "";
    for (const event of events.filter((one) => one.startsWith("data: "))) {
      if (event === "data: [DONE]") return;
      const text: unknown = JSON.parse(event.slice("data: ".length)).choices[0]?.delta?.content;
      if (typeof text === "string" && text !== "") yield text;
    }
  }
  throw new Error("the stream had no end marker");
}

async function* rpcTexts(
  stream: ReturnType<ReturnType<typeof grpcClient>["streamChat"]>,
): AsyncGenerator<string, void> {
  for await (const { event } of stream) if (event.case === "textDelta") yield event.value;
}

async function readAll(texts: AsyncIterable<string>): Promise<void> {
  for await (const _ of texts);
}
