import { fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { describe, expect, it } from "vitest";
import { Health, HealthCheckResponse_ServingStatus as Status } from "../../../gen/grpc/health/v1/health_pb.ts";
import { ServerReflection } from "../../../gen/grpc/reflection/v1/reflection_pb.ts";
import { ServerReflection as ServerReflectionAlpha } from "../../../gen/grpc/reflection/v1alpha/reflection_pb.ts";
import { ChatService } from "../../../gen/trunkline/v1/chat_pb.ts";
import { Role } from "../../../gen/trunkline/v1/message_pb.ts";
import { useGateway } from "../../fakes/gateway.ts";

const key = "master-key-of-this-test-0123456789";
const headers = { authorization: `Bearer ${key}` };
const gateway = useGateway({ TRUNKLINE_MASTER_KEY: key });
const leaving = useGateway({ TRUNKLINE_MASTER_KEY: key }, (config) => ({
  ...config,
  server: { ...config.server, drainDelayMs: 300 },
}));

const grpc = (url = gateway.url) => createGrpcTransport({ baseUrl: url });

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !condition(); i++) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(condition()).toBe(true);
}

describe("health", () => {
  it("is told to everyone, for the whole and for each service", async () => {
    const health = createClient(Health, grpc());
    for (const service of ["", ChatService.typeName]) {
      expect((await health.check({ service })).status).toBe(Status.SERVING);
    }
    const unknown = await health.check({ service: "trunkline.v1.Nothing" }).catch(ConnectError.from);
    expect(unknown).toMatchObject({ code: Code.NotFound });
  });

  it("is watched: it changes when the gateway drains", async () => {
    const seen: Status[] = [];
    const watching = (async () => {
      for await (const { status } of createClient(Health, grpc(leaving.url)).watch({ service: "" })) seen.push(status);
    })().catch(() => {});
    await until(() => seen.length === 1);
    const drained = leaving.drain();
    await until(() => seen.length === 2);
    expect(seen).toEqual([Status.SERVING, Status.NOT_SERVING]);
    await drained;
    await watching;
  });
});

describe.each([
  ["v1", ServerReflection],
  ["v1alpha", ServerReflectionAlpha],
] as const)("reflection %s", (_, service) => {
  const client = () => createClient(service as typeof ServerReflection, grpc());
  type Question =
    Parameters<ReturnType<typeof client>["serverReflectionInfo"]>[0] extends AsyncIterable<infer Q> ? Q : never;

  async function ask(...questions: Question[]) {
    async function* asked() {
      yield* questions;
    }
    return Array.fromAsync(client().serverReflectionInfo(asked(), { headers }));
  }

  it("lists the services, and needs the key", async () => {
    const [answer] = await ask({ messageRequest: { case: "listServices", value: "" } });
    const response = answer?.messageResponse;
    expect(response?.case).toBe("listServicesResponse");
    const names = response?.case === "listServicesResponse" ? response.value.service.map(({ name }) => name) : [];
    expect(names).toEqual(
      expect.arrayContaining(["trunkline.v1.ChatService", "trunkline.v1.ModelsService", "grpc.health.v1.Health"]),
    );
    async function* nothing() {}
    const refused = await Array.fromAsync(client().serverReflectionInfo(nothing())).catch(ConnectError.from);
    expect(refused).toMatchObject({ code: Code.Unauthenticated });
  });

  it("gives a file with all that it imports, and says what it does not know", async () => {
    const [file, unknown] = await ask(
      { messageRequest: { case: "fileContainingSymbol", value: "trunkline.v1.ChatRequest" } },
      { messageRequest: { case: "fileContainingSymbol", value: "trunkline.v1.Nothing" } },
    );
    const response = file?.messageResponse;
    const bytes = response?.case === "fileDescriptorResponse" ? response.value.fileDescriptorProto : [];
    const files = bytes.map((one) => fromBinary(FileDescriptorProtoSchema, one));
    const names = new Set(files.map(({ name }) => name));
    expect(names).toContain("trunkline/v1/chat.proto");
    for (const { dependency } of files) for (const name of dependency) expect(names).toContain(name);
    expect(unknown?.messageResponse).toMatchObject({ case: "errorResponse", value: { errorCode: Code.NotFound } });
  });
});

describe("a caller that goes away", () => {
  const transports: Readonly<Record<string, () => Transport>> = {
    gRPC: () => grpc(),
    "gRPC-Web over HTTP/1.1": () => createGrpcWebTransport({ baseUrl: gateway.url, httpVersion: "1.1" }),
    "Connect over HTTP/1.1": () => createConnectTransport({ baseUrl: gateway.url, httpVersion: "1.1" }),
    "Connect over HTTP/2": () => createConnectTransport({ baseUrl: gateway.url, httpVersion: "2" }),
  };

  it.each(Object.keys(transports))("by %s ends what is done for it at the provider", async (name) => {
    const chat = createClient(ChatService, transports[name]?.() as Transport);
    const before = gateway.logged.length;
    const request = {
      model: "simulator/echo+fault=stall",
      messages: [{ role: Role.USER, parts: [{ kind: { case: "text" as const, value: "/words 9" } }] }],
    };
    const stream = new AbortController();
    const heard = (async () => {
      for await (const { event } of chat.streamChat({ request }, { headers, signal: stream.signal })) {
        if (event.case === "textDelta") stream.abort();
      }
    })();
    await expect(heard).rejects.toThrow();
    const lines = () => gateway.logged.slice(before).filter(({ message }) => message === "request");
    await until(() => lines().length === 1);
    expect(lines()[0]?.fields).toMatchObject({ outcome: "canceled", attempts: 1 });
    const unary = new AbortController();
    const call = chat.chat(
      { ...request, model: "simulator/echo+fault=slow-headers,ms=20000" },
      { headers, signal: unary.signal },
    );
    setTimeout(() => unary.abort(), 50);
    await expect(call).rejects.toThrow();
    await until(() => lines().length === 2);
    expect(lines()[1]?.fields).toMatchObject({ outcome: "canceled" });
  });
});
