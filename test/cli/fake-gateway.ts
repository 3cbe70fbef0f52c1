import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, type ConnectRouter } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { ChatService, StreamChatResponseSchema } from "../../gen/trunkline/v1/chat_pb.ts";
import { ModelsService } from "../../gen/trunkline/v1/models_pb.ts";
import { FinishReason } from "../../gen/trunkline/v1/stream_pb.ts";

/** A gateway that says a few fixed things by REST and RPC, and remembers what it was asked. */
export interface FakeGateway {
  readonly url: string;
  /** Bodies of chat requests, as JSON. */
  readonly asked: unknown[];
  /** Resolves when a caller of the model `slow` has gone away. */
  readonly left: Promise<void>;
  close(): Promise<void>;
}

export const fakeKey = "master-key-0123456789";

export async function startFakeGateway(): Promise<FakeGateway> {
  const asked: unknown[] = [];
  const { promise: left, resolve: leave } = Promise.withResolvers<void>();
  const rpc = connectNodeAdapter({ routes: (router) => addRoutes(router, asked, leave) });
  const server = createServer((request, response) => {
    if (request.headers.authorization !== `Bearer ${fakeKey}`) {
      request.resume();
      response.writeHead(401, { "content-type": "application/json" });
      response.end(
        JSON.stringify({ code: "unauthenticated", message: "no", error: { message: "no", code: "invalid_api_key" } }),
      );
    } else if (request.url?.startsWith("/trunkline.v1.")) rpc(request, response);
    else void answerRest(request, response, asked, leave);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  // It listens on TCP, so its address is an object.
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    left,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

const greeting = ["Hel", "lo\u001b[2J", " world"];

async function answerRest(request: IncomingMessage, response: ServerResponse, asked: unknown[], leave: () => void) {
  if (request.url === "/v1/models") {
    response.end(JSON.stringify({ object: "list", data: [{ id: "sim/first" }, { id: "sim/second" }] }));
    return;
  }
  const body = JSON.parse((await request.setEncoding("utf8").toArray()).join(""));
  asked.push(body);
  if (body.model === "missing") {
    response.writeHead(404, { "content-type": "application/json" });
    response.end(JSON.stringify({ error: { message: "There is no model missing.", code: "model_not_found" } }));
    return;
  }
  response.writeHead(200, {
    "content-type": "text/event-stream",
    "trunkline-provider": "simulator",
    "trunkline-simulated": "true",
    "trunkline-model": "first",
  });
  const send = (event: unknown) => response.write(`data: ${JSON.stringify(event)}\n\n`);
  const delta = (fields: object) => send({ choices: [{ index: 0, delta: fields, finish_reason: null }] });
  response.write(": keep-alive\n\n");
  delta({ role: "assistant", content: "" });
  delta({ reasoning_content: "Hmm." });
  for (const content of greeting) delta({ content });
  if (body.model === "slow") {
    response.on("close", leave);
    return;
  }
  if (body.model === "broken") send({ error: { message: "The provider hung up.", code: "upstream_cut" } });
  if (body.model === "cut") return void response.end();
  send({ choices: [{ index: 0, delta: {}, finish_reason: body.model === "short" ? "length" : "stop" }] });
  send({ choices: [], usage: { prompt_tokens: 3, completion_tokens: 5 } });
  response.end("data: [DONE]\n\n");
}

function addRoutes(router: ConnectRouter, asked: unknown[], leave: () => void): void {
  router.service(ModelsService, {
    listModels: ({ pageToken }) =>
      pageToken === ""
        ? {
            models: [
              {
                name: "sim/first",
                source: "provider",
                contextWindow: 128_000,
                capabilities: ["tools"],
                available: true,
              },
            ],
            nextPageToken: "2",
          }
        : { models: [{ name: "fast\u001b[31m", source: "alias", available: false }] },
  });
  router.service(ChatService, {
    async *streamChat({ request }, { signal }) {
      asked.push(request);
      if (request?.model === "missing") throw new ConnectError("There is no model missing.", Code.NotFound);
      const event = (value: Parameters<typeof create<typeof StreamChatResponseSchema>>[1]) =>
        create(StreamChatResponseSchema, value);
      const servedBy = { provider: "openai", instance: "simulator", model: "first", simulated: true };
      yield event({ event: { case: "started", value: { servedBy } } });
      yield event({ event: { case: "notice", value: { code: "dropped_field", message: "seed was left out." } } });
      yield event({ event: { case: "reasoningDelta", value: "Hmm." } });
      for (const text of greeting) yield event({ event: { case: "textDelta", value: text } });
      if (request?.model === "slow") {
        await once(signal, "abort");
        leave();
      }
      if (request?.model === "broken") throw new ConnectError("The provider hung up.", Code.DataLoss);
      const reason = request?.model === "short" ? FinishReason.LENGTH : FinishReason.STOP;
      yield event({
        event: { case: "finished", value: { reason, native: reason === FinishReason.STOP ? "end_turn" : "length" } },
      });
      yield event({ event: { case: "completed", value: { usage: { inputTokens: 3, outputTokens: 5 }, servedBy } } });
    },
  });
}
