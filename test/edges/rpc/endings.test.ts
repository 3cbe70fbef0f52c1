import { type ClientHttp2Stream, connect } from "node:http2";
import { create, toBinary } from "@bufbuild/protobuf";
import { Code, type ConnectError } from "@connectrpc/connect";
import { findTrailerError } from "@connectrpc/connect/protocol-grpc";
import { expect, it, onTestFinished } from "vitest";
import { ErrorInfoSchema } from "../../../gen/google/rpc/error_details_pb.ts";
import { StreamChatRequestSchema } from "../../../gen/trunkline/v1/chat_pb.ts";
import { Role } from "../../../gen/trunkline/v1/message_pb.ts";
import { useGateway } from "../../fakes/gateway.ts";

const gateway = useGateway();

/** One call by gRPC, whose body is not ended. */
function call(headers: Readonly<Record<string, string>>): ClientHttp2Stream {
  const session = connect(gateway.url);
  onTestFinished(() => session.destroy());
  return session.request({
    ":method": "POST",
    ":path": "/trunkline.v1.ChatService/StreamChat",
    "content-type": "application/grpc",
    te: "trailers",
    ...headers,
  });
}

/** A request in its envelope. */
function enveloped(text: string): Buffer {
  const part = { kind: { case: "text" as const, value: text } };
  const request = { model: "simulator/echo", messages: [{ role: Role.USER, parts: [part] }] };
  const message = toBinary(StreamChatRequestSchema, create(StreamChatRequestSchema, { request }));
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** The error that a stream ends with, once somebody has read it to its end. */
async function endOf(stream: ClientHttp2Stream): Promise<ConnectError | undefined> {
  const trailers = new Headers();
  stream.once("trailers", (fields) => {
    for (const [name, value] of Object.entries(fields)) trailers.set(name, String(value));
  });
  await new Promise((resolve) => stream.once("close", resolve));
  return findTrailerError(trailers);
}

/** Log lines of requests with this outcome, once there is one. */
async function requests(since: number, outcome: string) {
  const lines = () =>
    gateway.logged.slice(since).filter(({ message, fields }) => message === "request" && fields.outcome === outcome);
  await expect.poll(() => lines().length, { timeout: 5_000 }).toBeGreaterThan(0);
  return lines();
}

it("a deadline that passes while the caller does not read is one request, and says which bound it was", async () => {
  const since = gateway.logged.length;
  // Long enough for more to be said than the connection holds.
  const stream = call({ "grpc-timeout": "1000m" });
  const end = endOf(stream.pause());
  stream.end(enveloped("much to say ".repeat(50_000)));
  await requests(since, "timeout");
  stream.resume();
  const error = await end;
  expect(error?.code).toBe(Code.DeadlineExceeded);
  expect(error?.findDetails(ErrorInfoSchema)[0]).toMatchObject({ reason: "TIMEOUT", metadata: { phase: "deadline" } });
  expect(await requests(since, "timeout")).toHaveLength(1);
});

it("a deadline that passes before the message has come says so, and the rest is not waited for", async () => {
  const since = gateway.logged.length;
  const stream = call({ "grpc-timeout": "100m" });
  stream.resume().write(enveloped("Hello").subarray(0, 8));
  const error = await endOf(stream);
  expect(error?.code).toBe(Code.DeadlineExceeded);
  expect(error?.findDetails(ErrorInfoSchema)[0]).toMatchObject({ reason: "TIMEOUT", metadata: { phase: "deadline" } });
  expect(await requests(since, "timeout")).toHaveLength(1);
});
