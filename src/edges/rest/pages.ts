import type { Model } from "../../../gen/trunkline/v1/models_pb.ts";
import { GatewayError } from "../../domain/errors.ts";

/** A page of the models: its end is named by the model that stands there, so that it stays good while others come and go. */
export interface PageWish {
  /** Name of the model behind which the page begins; null for the beginning. */
  readonly after: string | null;
  /** Name of the model before which the page ends; null for the end. */
  readonly before: string | null;
  readonly size: number;
  /** What the name stood in, for the refusal of one that is not there. */
  readonly param: string;
}

/** @throws GatewayError `invalid_value` when the model that is named is not there */
export function pageOf(
  models: readonly Model[],
  { after, before, size, param }: PageWish,
): { readonly models: readonly Model[]; readonly hasMore: boolean } {
  if (before !== null) {
    const end = indexOf(models, before, param);
    const start = Math.max(end - size, 0);
    return { models: models.slice(start, end), hasMore: start > 0 };
  }
  const start = after === null ? 0 : indexOf(models, after, param) + 1;
  return { models: models.slice(start, start + size), hasMore: start + size < models.length };
}

function indexOf(models: readonly Model[], name: string, param: string): number {
  const index = models.findIndex((model) => model.name === name);
  if (index >= 0) return index;
  throw new GatewayError("invalid_value", `${param} names no model of this list: begin again without it.`, { param });
}
