import type { IncomingHttpHeaders } from "node:http";
import { createContextKey } from "@connectrpc/connect";
import { ChatService } from "../../../gen/trunkline/v1/chat_pb.ts";
import { EmbeddingsService } from "../../../gen/trunkline/v1/embeddings_pb.ts";
import { ModelsService } from "../../../gen/trunkline/v1/models_pb.ts";
import type { Beginnings } from "../../domain/begin.ts";
import type { Operation, Protocol, RequestHead } from "../../domain/context.ts";
import { headOf, type Incoming } from "../http.ts";

/** What is known of an RPC when its head has arrived. */
export interface Arrival {
  readonly requestId: string;
  /** On `Clock.nowMs()`. */
  readonly startedMs: number;
  readonly head: RequestHead;
  readonly protocol: Protocol;
  readonly operation: Operation;
  /** What has been read of its body. */
  bodyBytes: number;
}

export const arrivalKey = createContextKey<Arrival | null>(null, { description: "arrival" });

/** Begins to count a request, before the RPC library sees it. */
export function arrive(req: Incoming, { clock, newRequestId }: Pick<Beginnings, "clock" | "newRequestId">): Arrival {
  const path = req.url?.split("?", 1)[0] ?? "";
  return {
    requestId: newRequestId(),
    startedMs: clock.nowMs(),
    head: headOf(req, path),
    protocol: protocolOf(req.headers),
    operation: operations.get(path) ?? serviceOperations.get(path.slice(1, path.lastIndexOf("/"))) ?? "unknown",
    bodyBytes: 0,
  };
}

const operations: ReadonlyMap<string, Operation> = new Map([[`/${ChatService.typeName}/CountTokens`, "count_tokens"]]);
const serviceOperations: ReadonlyMap<string, Operation> = new Map([
  [ChatService.typeName, "chat"],
  [EmbeddingsService.typeName, "embeddings"],
  [ModelsService.typeName, "models"],
]);

function protocolOf(headers: IncomingHttpHeaders): Protocol {
  const type = headers["content-type"] ?? "";
  if (type.startsWith("application/grpc-web")) return "grpc-web";
  return type.startsWith("application/grpc") ? "grpc" : "connect";
}
