import { count, type Fields, fieldsOrNone, isFields, text } from "../../dialects/anthropic-messages/fields.ts";
import type { WireUsage } from "../../dialects/anthropic-messages/usage.ts";
import { parseUpstreamJson } from "../../dialects/upstream-json.ts";
import { GatewayError } from "../../domain/errors.ts";

/** A content block of any type, also of types newer than this code. */
export interface WireBlock {
  readonly type: string;
  readonly fields: Fields;
}

/** A stream event, as far as an answer is made from it. */
export type WireEvent =
  | { readonly type: "message_start"; readonly message: Fields }
  | { readonly type: "content_block_start"; readonly index: number; readonly block: WireBlock }
  | { readonly type: "content_block_delta"; readonly index: number; readonly delta: Fields }
  | { readonly type: "content_block_stop"; readonly index: number }
  | { readonly type: "message_delta"; readonly delta: Fields; readonly usage: Fields }
  | { readonly type: "message_stop" }
  | { readonly type: "error"; readonly error: Fields }
  | { readonly type: "unknown" };

/**
 * Reads the data of one stream event. Pings and events newer than this code are `unknown`.
 * @throws GatewayError `upstream_error` when it is not JSON, or a known event lacks what makes it one
 */
export function readEvent(data: string): WireEvent {
  const event = parseFields(data, "a stream event");
  switch (event.type) {
    case "message_start":
      return { type: "message_start", message: fields(event, "message") };
    case "content_block_start":
      return { type: "content_block_start", index: index(event), block: readBlock(event.content_block) };
    case "content_block_delta":
      return { type: "content_block_delta", index: index(event), delta: fields(event, "delta") };
    case "content_block_stop":
      return { type: "content_block_stop", index: index(event) };
    case "message_delta":
      return { type: "message_delta", delta: fields(event, "delta"), usage: fieldsOrNone(event, "usage") };
    case "message_stop":
      return { type: "message_stop" };
    case "error":
      return { type: "error", error: fieldsOrNone(event, "error") };
    default:
      // Some compatible servers send `{"error":{…}}` with no type around it.
      return isFields(event.error) ? { type: "error", error: event.error } : { type: "unknown" };
  }
}

/** @throws GatewayError `upstream_error` when the block has no type */
export function readBlock(value: unknown): WireBlock {
  if (!isFields(value) || typeof value.type !== "string") throw malformed("a content block without a type");
  return { type: value.type, fields: value };
}

/** Later counts overwrite earlier ones: `message_delta` carries running totals, never increments. */
export function overwriteUsage(before: WireUsage, usage: Fields): WireUsage {
  const written = fieldsOrNone(usage, "cache_creation");
  const known = {
    input_tokens: count(usage, "input_tokens"),
    output_tokens: count(usage, "output_tokens"),
    cache_read_input_tokens: count(usage, "cache_read_input_tokens"),
    cache_creation_input_tokens: count(usage, "cache_creation_input_tokens"),
    thinking_tokens: count(fieldsOrNone(usage, "output_tokens_details"), "thinking_tokens"),
    ephemeral_5m_input_tokens: count(written, "ephemeral_5m_input_tokens"),
    ephemeral_1h_input_tokens: count(written, "ephemeral_1h_input_tokens"),
    hosted: hostedUses(fieldsOrNone(usage, "server_tool_use")),
    service_tier: text(usage, "service_tier") || undefined,
  };
  return { ...before, ...Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined)) };
}

/** `{"web_search_requests": 2}` → `{web_search: 2}`; unused kinds are left out. */
function hostedUses(uses: Fields): Readonly<Record<string, number>> | undefined {
  const suffix = "_requests";
  const used = Object.keys(uses)
    .filter((name) => name.endsWith(suffix) && (count(uses, name) ?? 0) > 0)
    .map((name) => [name.slice(0, -suffix.length), count(uses, name)] as const);
  return used.length === 0 ? undefined : Object.fromEntries(used.map(([kind, n]) => [kind, n ?? 0]));
}

/** @throws GatewayError `upstream_error` when the text is not a JSON object */
export function parseFields(json: string, what: string): Fields {
  let value: unknown;
  try {
    value = parseUpstreamJson(json);
  } catch (cause) {
    throw malformed(`${what} that is not JSON`, cause);
  }
  if (!isFields(value)) throw malformed(`${what} that is not an object`);
  return value;
}

export function malformed(what: string, cause?: unknown): GatewayError {
  return new GatewayError("upstream_error", `The provider sent ${what}.`, {}, { cause });
}

function fields(from: Fields, name: string): Fields {
  const value = from[name];
  if (!isFields(value)) throw malformed(`a ${text(from, "type")} event without ${name}`);
  return value;
}

function index(event: Fields): number {
  const value = count(event, "index");
  if (value === undefined) throw malformed(`a ${text(event, "type")} event without an index`);
  return value;
}
