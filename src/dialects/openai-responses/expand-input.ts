import { GatewayError } from "../../domain/errors.ts";
import { isJsonObject, type JsonBody } from "../json-body.ts";
import { JsonPatch } from "../json-patch.ts";
import { skipSpace } from "../json-scan.ts";
import { JsonSlice } from "../json-slice.ts";
import { listOf, parseObject, textOf } from "../openai-chat/wire.ts";

/** What is kept of an earlier answer. */
export interface Kept {
  /** The response, JSON. */
  readonly response: string;
  /** The items that it answered, JSON of an array. */
  readonly input: string;
}

/** How references are followed. */
export interface Lookup {
  response(id: string): Promise<Kept | null>;
  /** The response that holds an item of this id. */
  holding(itemId: string): Promise<Kept | null>;
}

/**
 * The body with the items that `previous_response_id` and item references stand for, as JSON; null when it refers to
 * nothing. What is no reference stays as it was written.
 * @returns how many items stand before the caller's own
 * @throws GatewayError `previous_response_not_found`, `response_not_found` naming the id
 */
export async function expandInput(
  { value, bytes, members, json }: JsonBody,
  lookup: Lookup,
): Promise<{ readonly bytes: Uint8Array; readonly inherited: number } | null> {
  const { previous_response_id: previous, input } = value;
  const refers = Array.isArray(input) && input.some(isReference);
  if (typeof previous !== "string" && !refers) return null;
  const before = typeof previous === "string" ? await itemsOfResponse(previous, lookup) : [];
  const own = await ownItems(input, json.member("input"), lookup);
  const patch = new JsonPatch(bytes);
  for (const [name, span] of members) if (name !== "input") patch.keep(name, span);
  patch.set("input", `[${[...before, ...own].join(",")}]`);
  return { bytes: patch.toBytes(), inherited: before.length };
}

async function itemsOfResponse(id: string, lookup: Lookup): Promise<readonly string[]> {
  const kept = await lookup.response(id);
  if (kept === null) {
    const message = `Previous response with id '${id}' not found: it is not kept here, or not any more.`;
    throw new GatewayError("previous_response_not_found", message, {
      param: "previous_response_id",
      retryable: false,
    });
  }
  return [...textsOf(sliceOf(kept.input)), ...textsOf(sliceOf(kept.response).member("output"))];
}

async function ownItems(input: unknown, json: JsonSlice | undefined, lookup: Lookup): Promise<readonly string[]> {
  if (typeof input === "string") return [JSON.stringify({ type: "message", role: "user", content: input })];
  if (!Array.isArray(input)) return [];
  return Promise.all(
    input.map(async (item, i) => {
      const own = json?.element(i)?.text ?? "null";
      return isReference(item) ? followed(String(item.id), `input[${i}].id`, lookup) : own;
    }),
  );
}

/** Some clients leave the type of a reference out. */
function isReference(item: unknown): item is { readonly id: string } {
  if (!isJsonObject(item) || typeof item.id !== "string") return false;
  return (
    item.type === "item_reference" ||
    ((item.type ?? null) === null && Object.keys(item).every((name) => name === "id" || name === "type"))
  );
}

async function followed(id: string, param: string, lookup: Lookup): Promise<string> {
  const kept = await lookup.holding(id);
  const items = kept === null ? [] : textsOf(sliceOf(kept.response).member("output"));
  const found = items.find((text) => sliceOf(text).member("id")?.text === JSON.stringify(id));
  if (found !== undefined) return found;
  const message = `Item with id '${id}' not found: it is not kept here, or not any more.`;
  throw new GatewayError("response_not_found", message, { param, retryable: false });
}

/** The id of a response, and those of its items. */
export function itemsOf(response: string): { readonly id: string; readonly itemIds: readonly string[] } {
  const fields = parseObject(response, "an answer");
  const itemIds = listOf(fields, "output").map((item) => textOf(item, "id"));
  return { id: textOf(fields, "id"), itemIds: itemIds.filter((id) => id !== "") };
}

function sliceOf(text: string): JsonSlice {
  return new JsonSlice(text, { start: skipSpace(text, 0), end: text.trimEnd().length });
}

function textsOf(list: JsonSlice | undefined): readonly string[] {
  const texts: string[] = [];
  for (let i = 0; ; i++) {
    const element = list?.element(i);
    if (element === undefined) return texts;
    texts.push(element.text);
  }
}
