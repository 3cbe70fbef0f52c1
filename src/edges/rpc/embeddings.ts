import type { ServiceImpl } from "@connectrpc/connect";
import type { EmbeddingsService } from "../../../gen/trunkline/v1/embeddings_pb.ts";
import type { Gateway } from "../../gateway.ts";
import type { Calls } from "./call.ts";

export function createEmbeddingsService(gateway: Gateway, calls: Calls): ServiceImpl<typeof EmbeddingsService> {
  return {
    embed: (request, rpc) =>
      calls.unary(rpc, "embeddings", async ({ caller, context }) => {
        const response = await gateway.embed(request, caller, context);
        response.requestId = context.requestId;
        return response;
      }),
  };
}
