import type { Duration } from "@bufbuild/protobuf/wkt";
import type { AudioPart, FilePart, ImagePart, Media, VideoPart } from "../../../gen/trunkline/v1/message_pb.ts";
import { invalidValue } from "../json-splice.ts";
import type { JsonMembers } from "../json-text.ts";
import { resolution } from "./encode-config.ts";
import { type Draft, unsupported } from "./gemini-draft.ts";
import { shownType, typeOfAddress } from "./media-type.ts";

/** @param field the part's path, such as `messages[0].parts[1].image` */
export function toImage(image: ImagePart, field: string, draft: Draft): JsonMembers {
  const { detail } = image;
  const sent = toMedia(image.media, field, { kind: "image" }, draft);
  if (detail === undefined || detail === "auto") return sent;
  if (draft.rules.mediaParts) {
    return { ...sent, mediaResolution: { level: resolution(detail === "original" ? "ultra_high" : detail) } };
  }
  draft.losses.drop(`${field}.detail`, "this model has one resolution for all of a request: set media_resolution.");
  return sent;
}

export function toAudio(audio: AudioPart, field: string, draft: Draft): JsonMembers {
  if (audio.media === undefined) {
    throw unsupported(field, "has no media. This provider keeps no recordings: send the sound itself.");
  }
  return toMedia(audio.media, field, { kind: "audio" }, draft);
}

export function toVideo(video: VideoPart, field: string, draft: Draft): JsonMembers {
  const { start, end, fps } = video;
  const metadata = {
    ...(start && { startOffset: seconds(start) }),
    ...(end && { endOffset: seconds(end) }),
    ...(fps !== undefined && { fps }),
  };
  const sent = toMedia(video.media, field, { kind: "video" }, draft);
  return Object.keys(metadata).length > 0 ? { ...sent, videoMetadata: metadata } : sent;
}

export function toDocument(file: FilePart, field: string, draft: Draft): JsonMembers {
  if (file.context !== "") draft.losses.drop(`${field}.context`, "this provider has no place for it.");
  if (file.citationsEnabled !== undefined) {
    draft.losses.drop(`${field}.citations_enabled`, "this provider cites what it searches only.");
  }
  return toMedia(file.media, field, { kind: "file", title: file.title }, draft);
}

interface What {
  readonly kind: "image" | "audio" | "video" | "file";
  readonly title?: string;
}

/** Bytes in the request, or a file that the provider reads where it lies. */
function toMedia(media: Media | undefined, field: string, { kind, title = "" }: What, draft: Draft): JsonMembers {
  if (media === undefined) throw invalidValue(`${field}.media`, "is missing.");
  const name = title || media.name;
  const displayName = name === "" ? {} : { displayName: name };
  switch (media.source.case) {
    case "data": {
      const mimeType = typeOf(media, media.source.value, kind, field);
      return { inlineData: { mimeType, data: base64(media.source.value), ...displayName } };
    }
    case "uri":
      return fileData(media.source.value, media.mediaType, displayName, field, draft);
    case "fileId":
      return fileData(addressOf(media.source.value), media.mediaType, displayName, field, draft);
    default:
      throw invalidValue(`${field}.media`, "has no source. Set data, uri or file_id.");
  }
}

function fileData(uri: string, declared: string, name: JsonMembers, field: string, draft: Draft): JsonMembers {
  if (!draft.rules.jsonSchema && !own.test(uri)) {
    throw unsupported(
      `${field}.media.uri`,
      "cannot be read by this model. Send the data, or a file that was uploaded to the provider.",
    );
  }
  const mimeType = declared || typeOfAddress(uri);
  return { fileData: { ...(mimeType && { mimeType }), fileUri: uri, ...name } };
}

/** Addresses that every model reads: uploaded files, Cloud Storage and YouTube. Others are read by 2.5 and later. */
const own =
  /^(?:gs:|https:\/\/generativelanguage\.googleapis\.com\/|https:\/\/(?:www\.|m\.)?(?:youtube\.com|youtu\.be)\/)/;

/** Uploaded files are named by an address; their id is its end. */
function addressOf(id: string): string {
  if (id.includes(":")) return id;
  return `https://generativelanguage.googleapis.com/v1beta/files/${id.replace(/^files\//, "")}`;
}

/** What the bytes show, for what declares itself wrongly or not at all; else what is declared. */
function typeOf(media: Media, bytes: Uint8Array, kind: What["kind"], field: string): string {
  const declared = media.mediaType.toLowerCase() === "image/jpg" ? "image/jpeg" : media.mediaType;
  const shown = shownType(bytes);
  if (shown !== undefined && (declared === "" || kind === "image")) return shown;
  if (declared === "") throw unsupported(`${field}.media.media_type`, "is needed: the data does not show what it is.");
  if (kind === "image" && refusedImages.has(declared)) {
    throw unsupported(
      field,
      `is '${declared}'. Allowed are image/png, image/jpeg, image/webp, image/heic and image/heif.`,
    );
  }
  return declared;
}

const refusedImages: ReadonlySet<string> = new Set(["image/svg+xml", "image/bmp", "image/tiff"]);

/** `"3.5s"`, as Google's JSON has durations. */
function seconds({ seconds: whole, nanos }: Duration): string {
  return `${Number(whole) + nanos / 1e9}s`;
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}
