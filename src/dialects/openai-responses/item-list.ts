import { GatewayError } from "../../domain/errors.ts";
import { isJsonObject, type JsonObject } from "../json-body.ts";

/** What part of a list is asked for, as the query says it. */
export interface PageQuery {
  readonly order: string | undefined;
  readonly limit: string | undefined;
  readonly after: string | undefined;
}

const defaultLimit = 20;
const maxLimit = 100;

/**
 * A page of the items that a response answered, newest first unless asked otherwise. Items without an id are given one:
 * the same whenever they are listed.
 * @param input JSON of an array
 * @throws GatewayError `invalid_value` for a query that means nothing
 */
export function pageOfItems(responseId: string, input: string, { order = "desc", limit, after }: PageQuery): string {
  if (order !== "asc" && order !== "desc") throw invalidQuery("order", "must be 'asc' or 'desc'.");
  const most = limit === undefined ? defaultLimit : Number(limit);
  if (!Number.isInteger(most) || most < 1 || most > maxLimit) {
    throw invalidQuery("limit", `must be an integer from 1 to ${maxLimit}.`);
  }
  const kept: unknown = JSON.parse(input);
  const items = (Array.isArray(kept) ? kept : []).filter(isJsonObject).map((item, i) => listed(item, responseId, i));
  if (order === "desc") items.reverse();
  const last = after === undefined ? -1 : items.findIndex(({ id }) => id === after);
  if (after !== undefined && last === -1) throw invalidQuery("after", "must be the id of an item of this list.");
  const data = items.slice(last + 1, last + 1 + most);
  return JSON.stringify({
    object: "list",
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: items.length > last + 1 + most,
  });
}

function listed(item: JsonObject, responseId: string, i: number): JsonObject {
  const type = item.type ?? "message";
  const id =
    typeof item.id === "string" ? item.id : `${type === "message" ? "msg" : "item"}_${responseId.slice(5)}_in${i}`;
  if (type !== "message") return { ...item, id };
  const said = item.role === "assistant" ? "output_text" : "input_text";
  const content = typeof item.content === "string" ? [{ type: said, text: item.content }] : item.content;
  return { status: "completed", ...item, id, type, content };
}

function invalidQuery(param: string, rule: string): GatewayError {
  return new GatewayError("invalid_value", `${param} ${rule}`, { param, retryable: false });
}
