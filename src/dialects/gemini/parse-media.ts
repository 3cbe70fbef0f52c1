import { create } from "@bufbuild/protobuf";
import { type Duration, DurationSchema } from "@bufbuild/protobuf/wkt";
import {
  AudioPartSchema,
  FilePartSchema,
  ImagePartSchema,
  type Media,
  MediaSchema,
  type Part,
  VideoPartSchema,
} from "../../../gen/trunkline/v1/message_pb.ts";
import { partOf } from "../../domain/blank.ts";
import { invalid, type ParseNotes, type Place, toText } from "../json-read.ts";
import { fromBase64, toMedia } from "../openai-chat/parse-media.ts";
import { typeOfAddress } from "./media-type.ts";
import { enumWord, type ProtoObject } from "./proto-object.ts";

/** A part of a content that holds `inlineData`. @param part the whole part: settings stand beside the data */
export function parseInline(part: ProtoObject, notes: ParseNotes): Part {
  const blob = part.object("inlineData", "");
  if (blob === undefined) throw invalid(part.at("inlineData", ""), "is required.");
  const mediaType = blob.word("mimeType", "media_type", 255);
  if (mediaType === undefined)
    throw invalid(blob.at("mimeType", "media_type"), "is required: a type such as 'image/png'.");
  const at = blob.at("data", "data");
  const data = fromBase64(toText(blob.get("data"), at), at);
  const media = create(MediaSchema, { source: { case: "data", value: data }, mediaType, name: nameOf(blob) });
  blob.noteRest(notes);
  return withSettings(media, mediaType, part, notes);
}

/** A part that holds `fileData`: an address that the provider reads, or a file that was uploaded to it. */
export function parseFile(part: ProtoObject, notes: ParseNotes): Part {
  const file = part.object("fileData", "");
  if (file === undefined) throw invalid(part.at("fileData", ""), "is required.");
  const at = file.at("fileUri", "uri");
  const uri = toText(file.get("fileUri"), at);
  const media = sourceOf(uri, at);
  const isFilm = youTube.test(uri);
  const mediaType = file.word("mimeType", "media_type", 255) ?? typeOfAddress(uri) ?? (isFilm ? "video/mp4" : "");
  media.mediaType = isFilm && !file.has("mimeType") ? "" : mediaType;
  media.name = nameOf(file);
  file.noteRest(notes);
  return withSettings(media, mediaType, part, notes);
}

const youTube = /^https:\/\/(?:www\.|m\.)?(?:youtube\.com|youtu\.be)\//;
const uploaded = /^https:\/\/generativelanguage\.googleapis\.com\/v\d\w{0,10}\/(files\/[\w-]{1,128})$/;

/** Files that were uploaded to Google, and those of its storage, are nobody else's to read. */
function sourceOf(uri: string, place: Place): Media {
  const id = uploaded.exec(uri)?.[1] ?? (/^gs:\/\/[\x21-\x7e]{1,500}$/.test(uri) ? uri : undefined);
  return id === undefined ? toMedia(uri, place) : create(MediaSchema, { source: { case: "fileId", value: id } });
}

function nameOf(from: ProtoObject): string {
  return from.word("displayName", "name", 1_024, 0) ?? "";
}

/** The part for media of this type, with what stands beside them. */
function withSettings(media: Media, mediaType: string, part: ProtoObject, notes: ParseNotes): Part {
  switch (mediaType.split("/", 1)[0]) {
    case "image": {
      const image = create(ImagePartSchema, { media });
      const detail = detailOf(part);
      if (detail !== undefined) image.detail = detail;
      return partOf({ case: "image", value: image });
    }
    case "audio":
      return partOf({ case: "audio", value: create(AudioPartSchema, { media }) });
    case "video":
      return partOf({ case: "video", value: toVideo(media, part, notes) });
    default:
      return partOf({ case: "file", value: create(FilePartSchema, { media }) });
  }
}

/** `{level: "MEDIA_RESOLUTION_HIGH"}` as the contract's `detail`. */
function detailOf(part: ProtoObject): string | undefined {
  const resolution = part.object("mediaResolution", "image.detail");
  const level = resolution?.get("level");
  if (resolution === undefined || level === undefined) return undefined;
  const word = enumWord(level, resolution.at("level", ""), "MEDIA_RESOLUTION_");
  return word === "ultra_high" ? "original" : word || undefined;
}

function toVideo(media: Media, part: ProtoObject, notes: ParseNotes) {
  const video = create(VideoPartSchema, { media });
  const metadata = part.object("videoMetadata", "video");
  if (metadata === undefined) return video;
  const start = durationOf(metadata, "startOffset", "start");
  const end = durationOf(metadata, "endOffset", "end");
  const fps = metadata.number("fps", "fps", [0, 240]);
  if (start) video.start = start;
  if (end) video.end = end;
  if (fps !== undefined && fps > 0) video.fps = fps;
  metadata.noteRest(notes);
  return video;
}

/** `"3.5s"`. */
function durationOf(from: ProtoObject, name: string, field: string): Duration | undefined {
  const text = from.text(name, field);
  if (text === undefined) return undefined;
  const [, whole, decimals = ""] = /^(\d{1,9})(?:\.(\d{1,9}))?s$/.exec(text) ?? [];
  if (whole === undefined) throw invalid(from.at(name, field), "must be seconds, such as '3.5s'.");
  return create(DurationSchema, { seconds: BigInt(whole), nanos: Number(decimals.padEnd(9, "0")) });
}
