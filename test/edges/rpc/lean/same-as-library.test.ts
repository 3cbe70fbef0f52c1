import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import { expect, it } from "vitest";
import { ErrorInfoSchema } from "../../../../gen/google/rpc/error_details_pb.ts";
import { type ChatService, StreamChatResponseSchema } from "../../../../gen/trunkline/v1/chat_pb.ts";
import { createRandom } from "../../../tooling/random.ts";
import { byLibrary, startAdapter, type TestAdapter } from "./adapter.ts";
import { connectTo, type Version } from "./raw-call.ts";
import { createVariation, maxMessageBytes, type Variation } from "./variations.ts";

/** Fields that say how an answer is sent, not what it is; and of encodings, which the short way does not use. */
const unlike = new Set([
  ...["date", "connection", "keep-alive", "transfer-encoding", "content-length"],
  ...["grpc-encoding", "connect-content-encoding"],
]);

const textEvent = (value: string) => create(StreamChatResponseSchema, { event: { case: "textDelta", value } });

/** Answers with what it was asked; fails when told to. */
const echo: Partial<ServiceImpl<typeof ChatService>> = {
  chat({ model }, context) {
    setFields(context);
    failAt(model);
    return { model, id: `${context.requestHeader.get("x-many")}` };
  },
  async *streamChat({ request }, context) {
    const model = request?.model ?? "none";
    setFields(context);
    yield textEvent(model);
    failAt(model);
    for (let i = 0; i < (model === "many" ? 50 : 1); i++) yield textEvent(`${i}`);
  },
};

function setFields({ responseHeader, responseTrailer }: HandlerContext): void {
  responseHeader.set("x-before", "b");
  responseTrailer.set("x-behind", "t");
}

function failAt(model: string): void {
  const info = { desc: ErrorInfoSchema, value: create(ErrorInfoSchema, { reason: "TOLD" }) };
  if (model === "fail") throw new ConnectError("told to, naïve €", Code.NotFound, { "x-error": "e" }, [info]);
  if (model === "bug") throw new TypeError("nobody's business");
}

async function answerTo({ port }: TestAdapter, { version, head, body }: Variation) {
  const call = connectTo(port, version)(head);
  call.read();
  for (const piece of body.slice(0, -1)) {
    call.send(piece);
    // Two pieces that leave together arrive together.
    await new Promise((resolve) => setImmediate(resolve));
  }
  call.end(body.at(-1));
  const { status, headers, body: bytes, trailers, whole } = await call.answer;
  const alike = (fields: object) => Object.fromEntries(Object.entries(fields).filter(([name]) => !unlike.has(name)));
  return { status, headers: alike(headers), body: bytes.toString("latin1"), trailers: alike(trailers), whole };
}

const batches = 10;
const batchSize = 40;

it.each(
  (["1.1", "2"] as const).flatMap((version): [Version, number][] =>
    Array.from({ length: batches }, (_, batch) => [version, batch]),
  ),
)("answers as the library does, over HTTP/%s: batch %i", async (version, batch) => {
  const options = {
    readMaxBytes: maxMessageBytes,
    jsonOptions: { ignoreUnknownFields: false },
    requestGate({ requestHeader }: HandlerContext) {
      if (requestHeader.has("x-deny")) throw new ConnectError("denied", Code.PermissionDenied);
    },
  };
  const [lean, library] = [await startAdapter(echo, options), await startAdapter(echo, { ...options, ...byLibrary })];
  for (let i = 0; i < batchSize; i++) {
    const seed = batch * batchSize + i;
    const variation = createVariation(createRandom(seed * 2_654_435_761 + 12_345), version);
    const [ours, theirs] = await Promise.all([answerTo(lean, variation), answerTo(library, variation)]);
    const sent = { seed, head: variation.head, message: Buffer.concat(variation.body).toString("latin1") };
    expect({ ...sent, ...ours }).toEqual({ ...sent, ...theirs });
  }
  expect(new Set(library.ways)).toEqual(new Set(["library"]));
  // Of each batch a good part is answered the short way, or nothing would have been compared.
  const count = (way: string) => lean.ways.filter((one) => one === way).length;
  expect(count("lean") - count("returned")).toBeGreaterThan(batchSize / 10);
  expect(count("library")).toBeGreaterThan(0);
});
