import { WireError } from "../wire-error.ts";
import { invalid } from "./errors.ts";

const supported = { supported: true };
const models = ["claude-echo", "claude-reasoner"].map((id) => ({
  type: "model",
  id,
  display_name: `${id} (simulated)`,
  created_at: "2026-01-01T00:00:00Z",
  max_input_tokens: 200_000,
  max_tokens: 64_000,
  capabilities: {
    structured_outputs: supported,
    image_input: supported,
    pdf_input: supported,
    thinking: { ...supported, types: { adaptive: supported, enabled: supported } },
  },
}));

const usualPage = 20;
const maxPage = 1_000;

/** @param query `limit` and `after_id` or `before_id` */
export function modelPage(query: URLSearchParams): object {
  const limit = Number(query.get("limit") ?? usualPage);
  if (!Number.isInteger(limit) || limit < 1 || limit > maxPage) {
    throw invalid(`limit: Input should be a whole number from 1 to ${maxPage}`);
  }
  const [after, before] = [query.get("after_id"), query.get("before_id")];
  const begin = after === null ? 0 : indexOf(after) + 1;
  const end = before === null ? models.length : indexOf(before);
  const data = before === null ? models.slice(begin, begin + limit) : models.slice(Math.max(begin, end - limit), end);
  const hasMore = before === null ? begin + limit < models.length : end - limit > begin;
  return { data, has_more: hasMore, first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null };
}

export function modelAt(id: string): (typeof models)[number] {
  const model = models.find((one) => one.id === id);
  if (!model) throw new WireError(404, "not_found_error", `model: ${id}`);
  return model;
}

function indexOf(id: string): number {
  return models.indexOf(modelAt(id));
}
