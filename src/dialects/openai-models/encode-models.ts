import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { Model } from "../../../gen/trunkline/v1/models_pb.ts";

/** `GET /v1/models/{id}` as JSON text. */
export function encodeModel(model: Model): string {
  return JSON.stringify(toWire(model));
}

/** `GET /v1/models` as JSON text. OpenAI's list has no pages. */
export function encodeModelList(models: readonly Model[]): string {
  return JSON.stringify({ object: "list", data: models.map(toWire) });
}

function toWire({ name, created, provider, source, shutdownAt }: Model) {
  return {
    id: name,
    object: "model",
    created: Number(created?.seconds ?? 0n),
    // An alias belongs to whoever configured it.
    owned_by: provider || (source === "alias" ? "trunkline" : "unknown"),
    ...(shutdownAt && { shutdown_date: timestampDate(shutdownAt).toISOString().slice(0, "2026-11-30".length) }),
  };
}
