import type { AudioPart, FilePart, ImagePart, Media, VideoPart } from "../../../gen/trunkline/v1/message_pb.ts";
import { imageTypeOf, startsWith } from "../../dialects/image-type.ts";
import { invalidValue } from "../../dialects/json-splice.ts";
import type { JsonMembers } from "../../dialects/json-text.ts";
import { type Draft, unsupported } from "./draft.ts";

/** @param field the part's path, such as `messages[0].parts[1].image` */
export function toImage({ media, detail }: ImagePart, field: string, { losses }: Draft): JsonMembers {
  if (detail !== undefined && detail !== "auto")
    losses.drop(`${field}.detail`, "this provider chooses the resolution itself.");
  const shown = media?.source.case === "data" ? imageTypeOf(media.source.value) : null;
  return { image: { format: formatOf(media, images, field, shown), source: sourceOf(media, field) } };
}

/** A document by its content; pictures that came as files are sent as pictures. */
export function toDocument(file: FilePart, field: string, draft: Draft): JsonMembers {
  const { media } = file;
  const bytes = media?.source.case === "data" ? media.source.value : null;
  if (media && bytes && imageTypeOf(bytes) !== null)
    return toImage({ $typeName: "trunkline.v1.ImagePart", media }, field, draft);
  const shown = bytes && startsWith(bytes, "%PDF-") ? "application/pdf" : null;
  const isText = media?.mediaType.startsWith("text/") === true && !documents.has(media.mediaType);
  const format = isText ? "txt" : formatOf(media, documents, field, shown);
  return {
    document: {
      format,
      name: draft.documents.name(file.title || media?.name || "document"),
      source: sourceOf(media, field),
      ...(file.context && { context: file.context }),
      ...(file.citationsEnabled !== undefined && { citations: { enabled: file.citationsEnabled } }),
    },
  };
}

export function toVideo({ media, start, end, fps }: VideoPart, field: string, { losses }: Draft): JsonMembers {
  for (const [name, value] of Object.entries({ start, end, fps })) {
    if (value !== undefined) losses.drop(`${field}.${name}`, "this provider looks at the whole video.");
  }
  return { video: { format: formatOf(media, videos, field), source: sourceOf(media, field) } };
}

export function toAudio({ media }: AudioPart, field: string): JsonMembers {
  return { audio: { format: formatOf(media, sounds, field), source: sourceOf(media, field) } };
}

/** Content itself, or where it lies in S3: the provider reads no other addresses, and has no files. */
function sourceOf(media: Media | undefined, field: string): JsonMembers {
  const source = media?.source;
  if (source?.case === "data") {
    const { buffer, byteOffset, byteLength } = source.value;
    return { bytes: Buffer.from(buffer, byteOffset, byteLength).toString("base64") };
  }
  if (source?.case === "uri" && source.value.startsWith("s3://")) return { s3Location: { uri: source.value } };
  if (source?.case === undefined) throw invalidValue(`${field}.media`, "has no source. Set data or uri.");
  throw unsupported(
    `${field}.media`,
    "is not read by this provider. Allowed are the content itself and s3:// addresses.",
  );
}

type Formats = ReadonlyMap<string, string>;

/** The format by what the bytes show, by the media type, or by the end of the name. */
function formatOf(media: Media | undefined, formats: Formats, field: string, shown: string | null = null): string {
  const said = media?.mediaType.split(";")[0]?.trim().toLowerCase() ?? "";
  const name = media?.source.case === "uri" ? media.source.value : (media?.name ?? "");
  const ending = /\.([a-z0-9]+)$/i.exec(name)?.[1]?.toLowerCase();
  const byName = ending !== undefined && [...formats.values()].includes(ending) ? ending : undefined;
  const format = formats.get(shown ?? said) ?? formats.get(said) ?? byName;
  if (format !== undefined) return format;
  const allowed = [...new Set(formats.values())].join(", ");
  throw unsupported(field, `is ${said === "" ? "of an unknown type" : `'${said}'`}. Allowed are ${allowed}.`);
}

const images: Formats = new Map([
  ["image/png", "png"],
  ["image/jpeg", "jpeg"],
  ["image/jpg", "jpeg"],
  ["image/gif", "gif"],
  ["image/webp", "webp"],
]);
const documents: Formats = new Map([
  ["application/pdf", "pdf"],
  ["text/csv", "csv"],
  ["application/msword", "doc"],
  ["application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx"],
  ["application/vnd.ms-excel", "xls"],
  ["application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"],
  ["text/html", "html"],
  ["text/plain", "txt"],
  ["application/json", "txt"],
  ["text/markdown", "md"],
]);
const videos: Formats = new Map([
  ["video/x-matroska", "mkv"],
  ["video/quicktime", "mov"],
  ["video/mp4", "mp4"],
  ["video/webm", "webm"],
  ["video/x-flv", "flv"],
  ["video/mpeg", "mpeg"],
  ["video/x-ms-wmv", "wmv"],
  ["video/3gpp", "three_gp"],
]);
const sounds: Formats = new Map([
  ["audio/mpeg", "mp3"],
  ["audio/mp3", "mp3"],
  ["audio/opus", "opus"],
  ["audio/wav", "wav"],
  ["audio/x-wav", "wav"],
  ["audio/wave", "wav"],
  ["audio/aac", "aac"],
  ["audio/flac", "flac"],
  ["audio/mp4", "mp4"],
  ["audio/ogg", "ogg"],
  ["audio/webm", "webm"],
]);
