import { create } from "@bufbuild/protobuf";
import {
  FilePartSchema,
  ImagePartSchema,
  MediaSchema,
  type Part,
  RefusalPartSchema,
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
import { cacheMarkOf } from "../openai-chat/parse-cache.ts";
import { toMedia } from "../openai-chat/parse-media.ts";
import { listOf } from "../openai-chat/wire.ts";
import { readAnnotation } from "./decode-message.ts";

const maxParts = 1_000;

type ContentType = "input_text" | "input_image" | "input_file" | "output_text" | "refusal";

const input: readonly ContentType[] = ["input_text", "input_image", "input_file"];
/** Some clients send what the model said as they send what was said to it. */
const output: readonly ContentType[] = ["output_text", "refusal", "input_text"];

/** Reads `content` of a message: a text, or an array of parts that its role may have. */
export function parseMessageContent(
  value: unknown,
  place: Place,
  role: string,
  { partsBefore, notes }: { readonly partsBefore: number; readonly notes: ParseNotes },
): Part[] {
  const isAnswer = role === "assistant";
  return parseParts(value, place, isAnswer ? output : input, { first: isAnswer ? partsBefore : 0, notes });
}

/** Reads `output` of a call's result. */
export function parseOutput(value: unknown, place: Place, notes: ParseNotes): Part[] {
  return parseParts(value, place, input, { first: 0, notes });
}

function parseParts(
  value: unknown,
  place: Place,
  allowed: readonly ContentType[],
  { first, notes }: { readonly first: number; readonly notes: ParseNotes },
): Part[] {
  if (typeof value === "string") return [textPart(toText(value, place))];
  if (!Array.isArray(value)) throw invalid(place, "must be a string or an array of content parts.");
  return toArray(value, place, maxParts).map((entry, i) => {
    const at = place.at(i, first + i);
    const part = toObject(entry, at);
    const type = allowed.find((name) => name === part.type);
    if (type === undefined) {
      throw invalid(at.at("type", ""), `must be one of ${allowed.map((name) => `'${name}'`).join(", ")} here.`);
    }
    noteUnknown(part, known[type], at, notes);
    const read = parsePart(type, part, at);
    const cache = cacheMarkOf(part, at);
    if (cache) read.cache = cache;
    return read;
  });
}

const marks = ["type", "prompt_cache_breakpoint", "cache_control"];
const known: Readonly<Record<ContentType, ReadonlySet<string>>> = {
  input_text: new Set([...marks, "text"]),
  input_image: new Set([...marks, "image_url", "file_id", "detail"]),
  input_file: new Set([...marks, "file_data", "file_id", "file_url", "filename"]),
  output_text: new Set([...marks, "text", "annotations", "logprobs"]),
  refusal: new Set([...marks, "refusal"]),
};

function parsePart(type: ContentType, part: JsonObject, place: Place): Part {
  switch (type) {
    case "input_text":
      return textPart(toText(part.text, place.at("text")));
    case "output_text": {
      const text = textPart(toText(part.text, place.at("text")));
      text.annotations = listOf(part, "annotations").map(readAnnotation);
      return text;
    }
    case "refusal": {
      const text = toText(part.refusal, place.at("refusal").at("", "text"));
      return partOf({ case: "refusal", value: create(RefusalPartSchema, { text }) });
    }
    case "input_image": {
      const image = create(ImagePartSchema, {
        media: toSource(part, { url: "image_url" }, place.at("", "image.media")),
      });
      if (isSet(part.detail)) image.detail = toWord(part.detail, place.at("detail", "image.detail"), 64);
      return partOf({ case: "image", value: image });
    }
    case "input_file": {
      const media = toSource(part, { url: "file_url", data: "file_data" }, place.at("", "file.media"));
      if (isSet(part.filename)) media.name = toWord(part.filename, place.at("filename", "file.media.name"), 1_024, 0);
      return partOf({ case: "file", value: create(FilePartSchema, { media }) });
    }
  }
}

/** Exactly one of an address, octets and the id of an uploaded file. */
function toSource(part: JsonObject, names: { readonly url: string; readonly data?: string }, place: Place) {
  const given = [names.url, ...(names.data === undefined ? [] : [names.data]), "file_id"].filter((name) =>
    isSet(part[name]),
  );
  const [name] = given;
  if (name === undefined || given.length > 1) {
    const all = [names.url, names.data, "file_id"].filter((one) => one !== undefined).join(", ");
    throw invalid(place, `must have exactly one of ${all}.`);
  }
  if (name !== "file_id") return toMedia(part[name], place.at(name, ""));
  const value = toWord(part.file_id, place.at("file_id"), 512);
  return create(MediaSchema, { source: { case: "fileId", value } });
}
