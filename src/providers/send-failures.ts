import type { EmbedRequest, EmbedResponse } from "../../gen/trunkline/v1/embeddings_pb.ts";
import { GatewayError } from "../domain/errors.ts";
import type { Target } from "../domain/target.ts";
import type { Incoming } from "../net/incoming.ts";

/** What an attempt finds wrong by itself. */

export function compressed(incoming: Incoming): GatewayError {
  incoming.abort();
  return new GatewayError("upstream_error", "The provider compressed its answer although it was asked not to.");
}

export function incomplete({ embeddings }: EmbedResponse, { inputs }: EmbedRequest): GatewayError {
  const counts = `${embeddings.length} embeddings for ${inputs.length} inputs`;
  return new GatewayError("upstream_error", `The provider answered ${counts}.`);
}

export function cannot(target: Target, what: string): GatewayError {
  return new GatewayError("not_implemented", `The provider ${target.instance} cannot ${what}.`, { field: "model" });
}
