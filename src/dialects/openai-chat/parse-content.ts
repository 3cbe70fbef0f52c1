import { create } from "@bufbuild/protobuf";
import {
  AudioPartSchema,
  FilePartSchema,
  ImagePartSchema,
  MediaSchema,
  type Part,
  RefusalPartSchema,
  VideoPartSchema,
} from "../../../gen/trunkline/v1/message_pb.ts";
import { partOf, textPart } from "../../domain/blank.ts";
import type { JsonObject } from "../json-body.ts";
import {
  invalid,
  isSet,
  noteUnknown,
  type ParseNotes,
  type Place,
  toArray,
  toObject,
  toText,
  toWord,
} from "../json-read.ts";
import { cacheMarkOf } from "./parse-cache.ts";
import { fromBase64, toMedia } from "./parse-media.ts";

/** Kinds of content part, by `type`. */
export type ContentType = "text" | "refusal" | "image_url" | "input_audio" | "video_url" | "file";

const maxParts = 1_000;

/**
 * Reads `content`: a string, or an array of parts of the types that this role may use.
 * @param place in the contract: the message's `parts`
 */
export function parseContent(value: unknown, place: Place, allowed: readonly ContentType[], notes: ParseNotes): Part[] {
  if (typeof value === "string") return [textPart(toText(value, place))];
  if (!Array.isArray(value)) throw invalid(place, "must be a string or an array of content parts.");
  return toArray(value, place, maxParts).map((part, i) => parsePart(part, place.at(i), allowed, notes));
}

/** Content that can be text alone. */
export function parseTextContent(value: unknown, place: Place): Part[] {
  const parts = parseContent(value, place, ["text"], { unknown: [] });
  if (parts.length === 0) throw invalid(place, "must not be empty.");
  return parts;
}

function parsePart(value: unknown, place: Place, allowed: readonly ContentType[], notes: ParseNotes): Part {
  const part = toObject(value, place);
  const type = allowed.find((name) => name === part.type);
  if (type === undefined) {
    const names = allowed.map((name) => `'${name}'`).join(", ");
    throw invalid(place.at("type", ""), `must be ${allowed.length === 1 ? "" : "one of "}${names}.`);
  }
  noteUnknown(part, knownMembers[type], place, notes);
  const read = partOf(parseKind(type, part, place));
  const cache = cacheMarkOf(part, place);
  if (cache) read.cache = cache;
  return read;
}

const marks = ["type", "cache_control", "prompt_cache_breakpoint"];
const knownMembers: Record<ContentType, ReadonlySet<string>> = {
  text: new Set([...marks, "text"]),
  refusal: new Set([...marks, "refusal"]),
  image_url: new Set([...marks, "image_url"]),
  input_audio: new Set([...marks, "input_audio"]),
  video_url: new Set([...marks, "video_url"]),
  file: new Set([...marks, "file"]),
};

function parseKind(type: ContentType, part: JsonObject, place: Place): Part["kind"] {
  switch (type) {
    case "text":
      return { case: "text", value: toText(part.text, place.at("text")) };
    case "refusal":
      return {
        case: "refusal",
        value: create(RefusalPartSchema, { text: toText(part.refusal, place.at("refusal").at("", "text")) }),
      };
    case "image_url":
      return { case: "image", value: parseImage(part.image_url, place.at("image_url", "image")) };
    case "input_audio":
      return { case: "audio", value: parseAudio(part.input_audio, place.at("input_audio", "audio")) };
    case "video_url": {
      const at = place.at("video_url", "video");
      const { url } = toObject(part.video_url, at);
      return { case: "video", value: create(VideoPartSchema, { media: toMedia(url, at.at("url", "media")) }) };
    }
    case "file":
      return { case: "file", value: parseFile(part.file, place.at("file")) };
  }
}

function parseImage(value: unknown, place: Place) {
  // Some clients send the address itself in place of the object; it can mean only one thing.
  const { url, detail } = typeof value === "string" ? { url: value } : toObject(value, place);
  const image = create(ImagePartSchema, { media: toMedia(url, place.at("url", "media")) });
  if (isSet(detail)) image.detail = toWord(detail, place.at("detail"), 64);
  return image;
}

function parseAudio(value: unknown, place: Place) {
  const { data, format } = toObject(value, place);
  const name = toWord(format, place.at("format", "media.media_type"), 32).toLowerCase();
  if (!/^[a-z0-9]+$/.test(name))
    throw invalid(place.at("format", "media.media_type"), "must be a word such as 'wav' or 'mp3'.");
  const at = place.at("data", "media.data");
  const bytes = fromBase64(toText(data, at), at);
  // `mp3` is how people call it; the registered name is audio/mpeg.
  const mediaType = name === "mp3" ? "audio/mpeg" : `audio/${name}`;
  return create(AudioPartSchema, { media: create(MediaSchema, { source: { case: "data", value: bytes }, mediaType }) });
}

function parseFile(value: unknown, place: Place) {
  const { file_data: data, file_id: id, filename } = toObject(value, place);
  if (isSet(data) === isSet(id)) throw invalid(place, "must have either file_data or file_id.");
  const media = isSet(data)
    ? toMedia(data, place.at("file_data", "media"))
    : create(MediaSchema, { source: { case: "fileId", value: toWord(id, place.at("file_id", "media.file_id"), 512) } });
  if (isSet(filename)) media.name = toWord(filename, place.at("filename", "media.name"), 1_024, 0);
  return create(FilePartSchema, { media });
}
