import { create } from "@bufbuild/protobuf";
import { type Duration, DurationSchema } from "@bufbuild/protobuf/wkt";
import { type CacheOptions, CacheOptionsSchema, type ChatRequest } from "../../../gen/trunkline/v1/chat_pb.ts";
import { type CacheMark, CacheMarkSchema } from "../../../gen/trunkline/v1/message_pb.ts";
import type { JsonObject } from "../json-body.ts";
import {
  invalid,
  isSet,
  type MemberReaders,
  memberReaders,
  type ParseNotes,
  type Place,
  readMembers,
  toChoice,
  toObject,
  toWord,
} from "../json-read.ts";
import type { ChatTable } from "./chat-draft.ts";

/** Settings of prompt caching for the whole request: OpenAI's, and Anthropic's automatic mark at the top level. */
export const cacheTable = {
  prompt_cache_key: [
    "cache.key",
    ({ request }, value, at) => {
      const key = toWord(value, at, 512, 0);
      if (key !== "") cacheOf(request).key = key;
    },
  ],
  prompt_cache_options: [
    "cache",
    ({ request, unknown }, value, at) => {
      readMembers(toObject(value, at), at, options, cacheOf(request), { unknown });
    },
  ],
  // Deprecated. `in_memory` is what happens without it.
  prompt_cache_retention: [
    "cache.ttl",
    ({ request }, value, at) => {
      const retention = toChoice(value, at, ["in_memory", "in-memory", "24h"]);
      if (retention === "24h") cacheOf(request).ttl ??= toTtl(retention, at);
    },
  ],
  cache_control: [
    "cache",
    ({ request }, value, at) => {
      const mark = toCacheMark(value, at);
      const cache = cacheOf(request);
      cache.mode ??= "implicit";
      if (mark.ttl) cache.ttl ??= mark.ttl;
    },
  ],
} satisfies ChatTable;

/**
 * The cache mark of a message, part or tool: `cache_control` in Anthropic's words, or `prompt_cache_breakpoint` in
 * OpenAI's.
 */
export function cacheMarkOf(holder: JsonObject, place: Place): CacheMark | undefined {
  const { cache_control: control, prompt_cache_breakpoint: breakpoint } = holder;
  if (isSet(control)) return toCacheMark(control, place.at("cache_control", "cache"));
  if (!isSet(breakpoint)) return undefined;
  const at = place.at("prompt_cache_breakpoint", "cache");
  const { mode, ttl } = toObject(breakpoint, at);
  if (isSet(mode)) toChoice(mode, at.at("mode", ""), ["explicit"]);
  return create(CacheMarkSchema, isSet(ttl) ? { ttl: toTtl(ttl, at.at("ttl")) } : {});
}

/** `{type: "ephemeral", ttl}`. @throws GatewayError `invalid_value` */
export function toCacheMark(value: unknown, place: Place): CacheMark {
  const { type, ttl } = toObject(value, place);
  toChoice(type, place.at("type", ""), ["ephemeral"]);
  return create(CacheMarkSchema, isSet(ttl) ? { ttl: toTtl(ttl, place.at("ttl")) } : {});
}

const options: MemberReaders<CacheOptions, ParseNotes> = memberReaders({
  mode: (cache, value, at) => {
    cache.mode = toWord(value, at, 64);
  },
  ttl: (cache, value, at) => {
    cache.ttl = toTtl(value, at);
  },
});

function cacheOf(request: ChatRequest): CacheOptions {
  request.cache ??= create(CacheOptionsSchema);
  return request.cache;
}

const secondsPer = { s: 1, m: 60, h: 3_600 } as const;
const maxTtlSeconds = 86_400;

/** `30m`, `1h`, `300s`: up to 24 hours. */
function toTtl(value: unknown, place: Place): Duration {
  const [, count, unit] = /^(\d{1,5})([smh])$/.exec(typeof value === "string" ? value : "") ?? [];
  // The pattern lets no other unit through.
  const seconds = Number(count) * secondsPer[unit as keyof typeof secondsPer];
  if (!(seconds <= maxTtlSeconds)) throw invalid(place, "must be a time such as '5m' or '1h', at most '24h'.");
  return create(DurationSchema, { seconds: BigInt(seconds) });
}
