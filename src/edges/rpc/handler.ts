import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError, type ConnectRouter, type HandlerContext } from "@connectrpc/connect";
import { Health } from "../../../gen/grpc/health/v1/health_pb.ts";
import {
  ServerReflection,
  ServerReflectionRequestSchema,
  ServerReflectionResponseSchema,
} from "../../../gen/grpc/reflection/v1/reflection_pb.ts";
import {
  ServerReflectionRequestSchema as AlphaRequestSchema,
  ServerReflectionResponseSchema as AlphaResponseSchema,
  ServerReflection as ServerReflectionAlpha,
} from "../../../gen/grpc/reflection/v1alpha/reflection_pb.ts";
import { ChatService, StreamChatResponseSchema } from "../../../gen/trunkline/v1/chat_pb.ts";
import { EmbeddingsService } from "../../../gen/trunkline/v1/embeddings_pb.ts";
import { ModelsService } from "../../../gen/trunkline/v1/models_pb.ts";
import { type Beginnings, beginRequest, deadlinePassed } from "../../domain/begin.ts";
import { type ErrorCode, GatewayError, toGatewayError } from "../../domain/errors.ts";
import type { Readiness } from "../../domain/readiness.ts";
import type { Gateway } from "../../gateway.ts";
import { createAdapter } from "./adapter.ts";
import { type Arrival, arrivalKey, arrive } from "./arrival.ts";
import { Calls, callerKey } from "./call.ts";
import { createChatService } from "./chat.ts";
import { createEmbeddingsService } from "./embeddings.ts";
import { toConnectError } from "./errors.ts";
import { createHealthService } from "./health.ts";
import { createModelsService } from "./models.ts";
import type { NodeHandler } from "./node.ts";
import { createReflection } from "./reflection.ts";
import { streamEventWriter } from "./write-event.ts";

export interface RpcParts {
  readonly gateway: Gateway;
  readonly beginnings: Beginnings;
  readonly readiness: Readiness;
  /** Largest message that is read. Bytes. */
  readonly maxMessageBytes: number;
  /** How long a caller may take to send its message. Milliseconds. */
  readonly bodyTimeoutMs: number;
  /** Longest silence before a caller by gRPC is shown that its answer is being made. Milliseconds. */
  readonly keepaliveMs: number;
  /** Refuse settings that a target cannot honour, where the request does not say. */
  readonly strict: boolean;
  /** Answers what is no RPC. */
  readonly fallback: NodeHandler;
}

/** Services that callers may ask for, health of which is the gateway's own. */
const ownServices = [ChatService, ModelsService, EmbeddingsService];
const reflected = [...ownServices, Health, ServerReflection, ServerReflectionAlpha];

/** Health and reflection, whose errors are those of their own specifications. */
const standard = /^\/grpc\./;

/** Answers gRPC, gRPC-Web and Connect on the paths of the contract; everything else goes to the fallback. */
export function createRpcHandler(parts: RpcParts): NodeHandler {
  const { beginnings } = parts;
  return createAdapter({
    routes: (router) => addRoutes(router, parts),
    fallback: parts.fallback,
    clock: beginnings.clock,
    bodyTimeoutMs: parts.bodyTimeoutMs,
    keepaliveMs: parts.keepaliveMs,
    arrive: (req) => arrive(req, beginnings),
    refuse: (error, arrival) =>
      standard.test(arrival.head.path) ? error : refuse(toLibraryError(error, parts), arrival, parts),
    writers: new Map([[StreamChatResponseSchema.typeName, streamEventWriter]]),
    readMaxBytes: parts.maxMessageBytes,
    // A misspelt field would be lost without a word: it is refused by name.
    jsonOptions: { ignoreUnknownFields: false },
    requestGate: (context) => admit(context, parts),
  });
}

/** Who asks, before a byte of the body is read. Health needs no credential; everything else, reflection too, does. */
function admit(rpc: HandlerContext, parts: RpcParts): void {
  const arrival = rpc.values.get(arrivalKey);
  if (arrival === null || rpc.service.typeName === Health.typeName) return;
  try {
    rpc.values.set(callerKey, parts.gateway.admit(arrival.head));
  } catch (thrown) {
    throw refuse(toGatewayError(thrown), arrival, parts);
  }
}

/** Counts a request that never began, and says why. */
function refuse(error: GatewayError, arrival: Arrival, { gateway, beginnings }: RpcParts): ConnectError {
  const { operation, protocol } = arrival;
  const { context, close } = beginRequest(beginnings, { operation, protocol, timeoutMs: null, arrival });
  close();
  gateway.refused(error, context);
  return toConnectError(error, context, false);
}

/** What the library refused by itself, as this gateway refuses. */
function toLibraryError({ code, rawMessage }: ConnectError, { maxMessageBytes }: RpcParts): GatewayError {
  if (code === Code.ResourceExhausted) {
    const message = `The message has more than ${maxMessageBytes} bytes, the most accepted here. Send media by address or file id.`;
    return new GatewayError("message_too_large", message, { retryable: false });
  }
  if (code === Code.DeadlineExceeded) return deadlinePassed();
  // Bytes that are no message are the caller's doing, which the library calls internal, as gRPC's own servers do.
  const isUnreadable = code === Code.Internal && rawMessage.startsWith("parse ");
  const ownCode = isUnreadable ? "invalid_value" : libraryCodes.get(code);
  return new GatewayError(ownCode ?? "internal", rawMessage, { retryable: false });
}

const libraryCodes: ReadonlyMap<Code, ErrorCode> = new Map([
  [Code.InvalidArgument, "invalid_value"],
  [Code.Canceled, "canceled"],
  [Code.Unimplemented, "unknown_method"],
]);

function addRoutes(router: ConnectRouter, { gateway, beginnings, readiness, strict }: RpcParts): void {
  const calls = new Calls(gateway, beginnings);
  router.service(ChatService, createChatService({ gateway, calls, clock: beginnings.clock, strict }));
  router.service(ModelsService, createModelsService(gateway, calls));
  router.service(EmbeddingsService, createEmbeddingsService(gateway, calls));
  router.service(
    Health,
    createHealthService(
      readiness,
      ownServices.map(({ typeName }) => typeName),
    ),
  );

  const reflect = createReflection(reflected);
  router.service(ServerReflection, {
    async *serverReflectionInfo(requests) {
      for await (const request of bounded(requests)) yield reflect(request);
    },
  });
  // The older version has the same fields with the same numbers, and older tools know no other.
  router.service(ServerReflectionAlpha, {
    async *serverReflectionInfo(requests) {
      for await (const request of bounded(requests)) {
        const asked = fromBinary(ServerReflectionRequestSchema, toBinary(AlphaRequestSchema, request));
        yield fromBinary(AlphaResponseSchema, toBinary(ServerReflectionResponseSchema, reflect(asked)));
      }
    },
  });
}

/** Questions that one reflection stream may ask: more than the contract has symbols. */
const maxQuestions = 10_000;

async function* bounded<T>(requests: AsyncIterable<T>): AsyncIterable<T> {
  let asked = 0;
  for await (const request of requests) {
    if (++asked > maxQuestions) throw new ConnectError("too many questions on one stream", Code.ResourceExhausted);
    yield request;
  }
}
