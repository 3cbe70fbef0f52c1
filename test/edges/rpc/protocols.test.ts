import { create, toJsonString } from "@bufbuild/protobuf";
import { type Client, Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { describe, expect, it } from "vitest";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../../../gen/google/rpc/error_details_pb.ts";
import { ChatResponseSchema, ChatService, type StreamChatResponse } from "../../../gen/trunkline/v1/chat_pb.ts";
import { EmbeddingsService } from "../../../gen/trunkline/v1/embeddings_pb.ts";
import { FailureSchema } from "../../../gen/trunkline/v1/error_pb.ts";
import { Role } from "../../../gen/trunkline/v1/message_pb.ts";
import { ModelsService } from "../../../gen/trunkline/v1/models_pb.ts";
import { useGateway } from "../../fakes/gateway.ts";

const maxBytes = 64 * 1024;
const gateway = useGateway({}, (config) => ({ ...config, server: { ...config.server, maxBodyBytes: maxBytes } }));

const transports: Readonly<Record<string, () => Transport>> = {
  gRPC: () => createGrpcTransport({ baseUrl: gateway.url }),
  "gRPC-Web": () => createGrpcWebTransport({ baseUrl: gateway.url, httpVersion: "1.1" }),
  "gRPC-Web JSON over HTTP/2": () =>
    createGrpcWebTransport({ baseUrl: gateway.url, httpVersion: "2", useBinaryFormat: false }),
  "Connect JSON": () => createConnectTransport({ baseUrl: gateway.url, httpVersion: "1.1", useBinaryFormat: false }),
  "Connect binary over HTTP/2": () => createConnectTransport({ baseUrl: gateway.url, httpVersion: "2" }),
};

function ask(text: string, model = "simulator/echo") {
  return { model, messages: [{ role: Role.USER, parts: [{ kind: { case: "text" as const, value: text } }] }] };
}

describe.each(Object.keys(transports))("%s", (name) => {
  const clientOf = (): Client<typeof ChatService> => createClient(ChatService, transports[name]?.() as Transport);

  it("answers a unary call", async () => {
    const headers: string[] = [];
    const answer = await clientOf().chat(ask("Hello?"), {
      onHeader: (header) =>
        headers.push(header.get("trunkline-request-id") ?? "", header.get("trunkline-provider") ?? ""),
    });
    expect(textOf(answer.choices[0]?.message?.parts)).toBe("This answer is simulated. You said: Hello?");
    expect(answer.servedBy).toMatchObject({ instance: "simulator", simulated: true });
    expect(headers).toEqual([expect.stringMatching(/^req_/), "simulator"]);
  });

  it("streams what the unary answer says", async () => {
    const events = await Array.fromAsync(clientOf().streamChat({ request: ask("/say one two 世界 👋") }));
    expect(events.map(({ event }) => event.case).filter((kind) => kind !== "textDelta")).toEqual([
      ...["started", "finished", "usage", "completed"],
    ]);
    expect(saidBy(events)).toBe("one two 世界 👋");
    expect(events.at(-1)?.event).toMatchObject({ case: "completed", value: { usage: { outputTokens: 4 } } });
  });

  it("refuses a message that is too large, saying so", async () => {
    const error = await failureOf(() => clientOf().chat(ask("x".repeat(maxBytes))));
    expect(Code[error.code]).toBe("ResourceExhausted");
    expect(infoOf(error).reason).toBe("MESSAGE_TOO_LARGE");
    expect(error.rawMessage).toContain(`more than ${maxBytes} bytes`);
    const streamed = await failureOf(() =>
      Array.fromAsync(clientOf().streamChat({ request: ask("x".repeat(maxBytes)) })),
    );
    expect(infoOf(streamed).reason).toBe("MESSAGE_TOO_LARGE");
  });

  it("names the field that is wrong, and the rule", async () => {
    const error = await failureOf(() => clientOf().chat({ ...ask("Hi"), temperature: 9 }));
    expect(error.code).toBe(Code.InvalidArgument);
    const [violations] = error.findDetails(BadRequestSchema);
    expect(violations?.fieldViolations[0]).toMatchObject({ field: "temperature", description: /0 to 2/ });
    expect(infoOf(error)).toMatchObject({ reason: "INVALID_VALUE", domain: "trunkline" });
  });

  it("says when to come back", async () => {
    const error = await failureOf(() => clientOf().chat(ask("Hi", "simulator/echo+fault=429,seconds=7")));
    expect(error.code).toBe(Code.ResourceExhausted);
    expect(error.findDetails(RetryInfoSchema)[0]?.retryDelay?.seconds).toBe(7n);
  });

  it("ends a cut stream with an error after what was said", async () => {
    const events: StreamChatResponse[] = [];
    const error = await failureOf(async () => {
      for await (const event of clientOf().streamChat({
        request: ask("/say a b c d", "simulator/echo+fault=cut,after=2"),
      })) {
        events.push(event);
      }
    });
    expect(saidBy(events)).toBe("a b");
    expect([Code[error.code], infoOf(error).reason]).toEqual(["DataLoss", "UPSTREAM_CUT"]);
    expect(error.findDetails(FailureSchema)).toHaveLength(1);
  });

  it("keeps the caller's deadline", async () => {
    const model = "simulator/echo+fault=slow-headers,ms=20000";
    const error = await failureOf(() => clientOf().chat(ask("Hi", model), { timeoutMs: 200 }));
    expect(error.code).toBe(Code.DeadlineExceeded);
    const streamed = await failureOf(() =>
      Array.fromAsync(clientOf().streamChat({ request: ask("Hi", "simulator/echo+fault=stall") }, { timeoutMs: 200 })),
    );
    expect(streamed.code).toBe(Code.DeadlineExceeded);
  });

  it("counts tokens, embeds and lists models", async () => {
    const transport = transports[name]?.() as Transport;
    const counted = await clientOf().countTokens({ request: ask("Hi", "simulator-anthropic/claude-echo") });
    expect(counted).toMatchObject({ exact: true, inputTokens: 4 });
    expect(await clientOf().countTokens({ request: ask("Hi") })).toMatchObject({ exact: false });
    const inputs = [{ kind: { case: "text" as const, value: "one" } }];
    const { embeddings } = await createClient(EmbeddingsService, transport).embed({ model: "simulator/embed", inputs });
    expect(embeddings[0]?.floats).toHaveLength(1_536);
    const { models } = await createClient(ModelsService, transport).listModels({});
    expect(models.map((model) => model.name)).toContain("simulator-anthropic/claude-reasoner");
  });

  it("refuses what a fake enum value, a forged tool result and an unknown model would do upstream", async () => {
    const bad = { ...ask("Hi"), messages: [{ role: 77 as Role, parts: [] }] };
    expect((await failureOf(() => clientOf().chat(bad))).code).toBe(Code.InvalidArgument);
    const orphan = { kind: { case: "toolResult" as const, value: { callId: "c", parts: [] } } };
    const forged = await failureOf(() =>
      clientOf().chat({ ...ask("Hi"), messages: [{ role: Role.TOOL, parts: [orphan] }] }),
    );
    expect(forged.message).toContain("messages[0].parts[0].tool_result.call_id");
    expect((await failureOf(() => clientOf().chat(ask("Hi", "nobody")))).code).toBe(Code.NotFound);
  });
});

it("the unary answer is the same in every protocol", async () => {
  const answers = await Promise.all(
    Object.values(transports).map((transport) => createClient(ChatService, transport()).chat(ask("/say same"))),
  );
  const texts = answers.map((answer) => {
    const { id: _, requestId: __, servedBy: ___, created: ____, ...rest } = answer;
    return toJsonString(
      ChatResponseSchema,
      create(ChatResponseSchema, { choices: rest.choices, usage: rest.usage ?? {} }),
    );
  });
  expect(new Set(texts).size).toBe(1);
});

function textOf(
  parts: readonly { readonly kind: { readonly case?: string | undefined; readonly value?: unknown } }[] = [],
) {
  return parts.map(({ kind }) => (kind.case === "text" ? kind.value : "")).join("");
}

function saidBy(events: readonly StreamChatResponse[]): string {
  return events.map(({ event }) => (event.case === "textDelta" ? event.value : "")).join("");
}

async function failureOf(call: () => Promise<unknown>): Promise<ConnectError> {
  try {
    await call();
  } catch (error) {
    return ConnectError.from(error);
  }
  throw new Error("the call was answered");
}

function infoOf(error: ConnectError) {
  const infos = error.findDetails(ErrorInfoSchema);
  expect(infos).toHaveLength(1);
  return infos[0] ?? { reason: "", domain: "", metadata: {} };
}
