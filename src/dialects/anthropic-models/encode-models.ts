import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { Model } from "../../../gen/trunkline/v1/models_pb.ts";

/** A page of models in Anthropic's words, `GET /v1/models`. */
export function encodeModelInfos(models: readonly Model[], hasMore: boolean): string {
  const data = models.map(toWire);
  return JSON.stringify({
    data,
    has_more: hasMore,
    first_id: data.at(0)?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
  });
}

/** `GET /v1/models/{id}` in Anthropic's words. */
export function encodeModelInfo(model: Model): string {
  return JSON.stringify(toWire(model));
}

/** When it was made is required there; the beginning of time says that it is not known, as Anthropic's documentation has it. */
const unknownTime = new Date(0).toISOString();

function toWire(model: Model) {
  const { created, deprecatedAt, shutdownAt } = model;
  return {
    type: "model",
    id: model.name,
    display_name: model.displayName || model.name,
    created_at: created ? timestampDate(created).toISOString() : unknownTime,
    deprecated_at: deprecatedAt ? timestampDate(deprecatedAt).toISOString() : null,
    retires_at: shutdownAt ? timestampDate(shutdownAt).toISOString() : null,
    lifecycle: deprecatedAt ? "deprecated" : "active",
    line: null,
    max_input_tokens: model.contextWindow ?? null,
    max_tokens: model.maxOutputTokens ?? null,
    capabilities: null,
  };
}
