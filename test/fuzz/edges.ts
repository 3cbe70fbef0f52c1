import { toBinary, toJsonString } from "@bufbuild/protobuf";
import {
  ChatResponseSchema,
  LossPolicy,
  type StreamChatResponse,
  StreamChatResponseSchema,
} from "../../gen/trunkline/v1/chat_pb.ts";
import { encodeMessagesResponse } from "../../src/dialects/anthropic-messages/encode-response.ts";
import { createMessagesEncoder } from "../../src/dialects/anthropic-messages/encode-stream.ts";
import { encodeMessagesError } from "../../src/dialects/anthropic-messages/error-body.ts";
import { parseMessagesRequest } from "../../src/dialects/anthropic-messages/parse-request.ts";
import { encodeGenerateResponse } from "../../src/dialects/gemini/encode-response.ts";
import { createGeminiEncoder } from "../../src/dialects/gemini/encode-stream.ts";
import { encodeGeminiError } from "../../src/dialects/gemini/error-body.ts";
import { parseGenerateRequest } from "../../src/dialects/gemini/parse-request.ts";
import { type JsonBody, readJsonBody } from "../../src/dialects/json-body.ts";
import { encodeChatResponse } from "../../src/dialects/openai-chat/encode-response.ts";
import { createStreamEncoder } from "../../src/dialects/openai-chat/encode-stream.ts";
import { encodeErrorBody } from "../../src/dialects/openai-chat/error-body.ts";
import { parseChatRequest } from "../../src/dialects/openai-chat/parse-request.ts";
import { encodeResponse } from "../../src/dialects/openai-responses/encode-response.ts";
import { createResponsesEncoder } from "../../src/dialects/openai-responses/encode-stream.ts";
import { parseResponsesRequest } from "../../src/dialects/openai-responses/parse-request.ts";
import type { StreamEncoder } from "../../src/dialects/stream-encoder.ts";
import type { ChatCall, Dialect, Frame } from "../../src/domain/chat.ts";
import type { GatewayError } from "../../src/domain/errors.ts";
import { createFold } from "../../src/domain/fold.ts";
import { createSseParser } from "../../src/providers/sse.ts";
import type { Random } from "../domain/random-messages.ts";
import { below } from "./mutate-json.ts";

/** How an edge reads a request and writes its answer. */
interface Edge {
  readonly dialect: Dialect;
  /** Golden folder of the provider whose requests are of this dialect. */
  readonly golden: string;
  /** Bodies that ask in the ways that change how answers are written. */
  readonly greetings: readonly object[];
  parse(body: JsonBody): Asked;
  encodeError(error: GatewayError): string;
}

/** A request as an edge has read it. */
interface Asked {
  readonly call: ChatCall;
  encodeWhole(response: ReturnType<ReturnType<typeof createFold>["response"]>): string;
  createStreamEncoder(): StreamEncoder;
  /** Where a stream is no stream of events, but an array that grows. */
  createArrayEncoder?(): StreamEncoder;
}

const messages = [{ role: "user", content: "hi" }];

/** Every edge that speaks JSON; `coverage.test.ts` counts them. */
export const edges: readonly Edge[] = [
  {
    dialect: "openai-chat",
    golden: "openai",
    greetings: [
      { model: "m", messages },
      { model: "m", messages, stream: true, stream_options: { include_usage: true }, functions: [{ name: "f" }] },
    ],
    parse(body) {
      const parsed = parseChatRequest(body, LossPolicy.UNSPECIFIED);
      return {
        call: parsed.call,
        encodeWhole: (response) => encodeChatResponse(response, parsed),
        createStreamEncoder: () => createStreamEncoder({ ...parsed, requestId: "r" }),
      };
    },
    encodeError: encodeErrorBody,
  },
  {
    dialect: "anthropic-messages",
    golden: "anthropic",
    greetings: [{ model: "m", max_tokens: 9, messages }],
    parse(body) {
      const { call } = parseMessagesRequest(body, { lossPolicy: LossPolicy.UNSPECIFIED, header: () => undefined });
      return { call, encodeWhole: encodeMessagesResponse, createStreamEncoder: () => createMessagesEncoder("r") };
    },
    encodeError: (error) => encodeMessagesError(error, "r"),
  },
  {
    dialect: "gemini",
    golden: "gemini",
    greetings: [{ contents: [{ role: "user", parts: [{ text: "hi" }] }] }],
    parse(body) {
      const asked = { lossPolicy: LossPolicy.UNSPECIFIED, model: "m", stream: true };
      return {
        call: parseGenerateRequest(body, asked).call,
        encodeWhole: encodeGenerateResponse,
        createStreamEncoder: () => createGeminiEncoder("sse", "r"),
        createArrayEncoder: () => createGeminiEncoder("array", "r"),
      };
    },
    encodeError: (error) => encodeGeminiError(error, "r"),
  },
  {
    dialect: "openai-responses",
    golden: "openai",
    greetings: [
      { model: "m", input: "hi" },
      { model: "m", input: [{ role: "user", content: "hi" }], stream: true, store: false },
    ],
    parse(body) {
      const parsed = parseResponsesRequest(body, { lossPolicy: LossPolicy.UNSPECIFIED });
      return {
        call: parsed.call,
        encodeWhole: (response) => encodeResponse(response, parsed),
        createStreamEncoder: () => createResponsesEncoder(parsed, "r"),
      };
    },
    encodeError: encodeErrorBody,
  },
];

/** A caller of each edge for each way to ask. */
const callers: readonly Asked[] = edges.flatMap(({ parse, greetings }) =>
  greetings.map((body) => parse(readJsonBody(Buffer.from(JSON.stringify(body))))),
);

/** What every caller gets of an answer, whatever it says. @throws Error when an edge cannot write it */
export function tellCallers(frames: readonly Frame[], failure: GatewayError | null, random: Random): void {
  for (const frame of frames) writeTyped(frame);
  const fold = createFold();
  fold.push(frames);
  if (failure === null) {
    const response = fold.response("r");
    toBinary(ChatResponseSchema, response);
    JSON.parse(toJsonString(ChatResponseSchema, response));
  }
  for (const one of callers) {
    if (failure === null) JSON.parse(one.encodeWhole(fold.response("r")));
    checkEvents(streamed(one.createStreamEncoder(), frames, failure, random));
    if (one.createArrayEncoder) JSON.parse(streamed(one.createArrayEncoder(), frames, failure, random));
  }
  if (failure !== null) for (const { encodeError } of edges) JSON.parse(encodeError(failure));
}

function writeTyped({ case: name, value, choice, part, logprobs = [] }: Frame): void {
  const event = { case: name, value } as StreamChatResponse["event"];
  const $typeName = "trunkline.v1.StreamChatResponse";
  const message: StreamChatResponse = { $typeName, choice, part, event, logprobs: [...logprobs] };
  toBinary(StreamChatResponseSchema, message);
  JSON.parse(toJsonString(StreamChatResponseSchema, message));
}

/** Frames come as many together as one read of the network held. */
function streamed(
  encoder: StreamEncoder,
  frames: readonly Frame[],
  failure: GatewayError | null,
  random: Random,
): string {
  let text = "";
  for (let at = 0; at < frames.length; ) {
    let end = at + 1 + below(6, random);
    // Frames of one event stand together.
    while (end < frames.length && frames[end]?.wire !== undefined && frames[end]?.wire === frames[end - 1]?.wire) end++;
    text += encoder.push(frames.slice(at, end));
    at = end;
  }
  return failure === null ? text : text + encoder.error(failure);
}

function checkEvents(text: string): void {
  const parser = createSseParser();
  for (const { data } of parser.push(Buffer.from(text))) if (data !== "[DONE]") JSON.parse(data);
  if (parser.end().length > 0) throw new Error("The last event of a stream is not ended by a blank line.");
}
