import { create } from "@bufbuild/protobuf";
import {
  type UserLocation,
  UserLocationSchema,
  type WebSearchOptions,
  WebSearchOptionsSchema,
} from "../../../gen/trunkline/v1/tool_pb.ts";
import type { JsonObject } from "../json-body.ts";
import {
  isSet,
  type MemberReader,
  type MemberReaders,
  memberReaders,
  type ParseNotes,
  type Place,
  readMembers,
  toArray,
  toInteger,
  toObject,
  toWord,
} from "../json-read.ts";

/** Reads `web_search_options`, or a web search tool, whose settings stand beside its type. */
export function toWebSearchOptions(value: JsonObject, place: Place, notes: ParseNotes): WebSearchOptions {
  return readMembers(value, place, readers, create(WebSearchOptionsSchema), notes);
}

type Reader = MemberReader<WebSearchOptions, ParseNotes>;

const readers: MemberReaders<WebSearchOptions, ParseNotes> = memberReaders({
  allowed_domains: domains("allowedDomains"),
  blocked_domains: domains("blockedDomains"),
  filters: [
    "",
    (options, value, at) => {
      const { allowed_domains: allowed } = toObject(value, at);
      if (isSet(allowed)) options.allowedDomains = toDomains(allowed, at.at("allowed_domains"));
    },
  ],
  search_context_size: [
    "context_size",
    (options, value, at) => {
      options.contextSize = toWord(value, at, 64);
    },
  ],
  max_uses: (options, value, at) => {
    options.maxUses = toInteger(value, at, 1);
  },
  user_location: (options, value, at) => {
    options.userLocation = toUserLocation(toObject(value, at), at);
  },
  // Read by the tool that holds these settings.
  type: ignore,
  name: ignore,
  cache_control: ignore,
  defer_loading: ignore,
});

function ignore(): void {}

function domains(field: "allowedDomains" | "blockedDomains"): Reader {
  return (options, value, at) => {
    options[field] = toDomains(value, at);
  };
}

function toDomains(value: unknown, place: Place): string[] {
  return toArray(value, place, 100).map((domain, i) => toWord(domain, place.at(i), 253));
}

/** `{type: "approximate", approximate: {…}}`, or the same without the inner object. */
function toUserLocation(location: JsonObject, place: Place): UserLocation {
  const at = isSet(location.approximate) ? place.at("approximate", "") : place;
  const { city, region, country, timezone } = isSet(location.approximate)
    ? toObject(location.approximate, at)
    : location;
  const text = (value: unknown, name: string, most: number) =>
    isSet(value) ? toWord(value, at.at(name), most, 0) : "";
  return create(UserLocationSchema, {
    city: text(city, "city", 256),
    region: text(region, "region", 256),
    country: text(country, "country", 16),
    timezone: text(timezone, "timezone", 64),
  });
}
