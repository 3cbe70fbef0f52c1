import type { FilePart, ImagePart, Media, SearchResultPart } from "../../../gen/trunkline/v1/message_pb.ts";
import { imageTypeOf, startsWith } from "../../dialects/image-type.ts";
import { invalidValue } from "../../dialects/json-splice.ts";
import type { JsonMembers } from "../../dialects/json-text.ts";
import { type Draft, unsupported } from "./draft.ts";

/** @param field the part's path, such as `messages[0].parts[1].image` */
export function toImage(image: ImagePart, field: string, draft: Draft): JsonMembers {
  if (image.detail !== undefined && image.detail !== "auto") {
    draft.losses.drop(`${field}.detail`, "this provider chooses the resolution itself.");
  }
  const { media } = image;
  if (media === undefined) throw invalidValue(`${field}.media`, "is missing.");
  if (media.source.case !== "data") return { type: "image", source: remote(media, field) };
  const mediaType = imageType(media.source.value, media.mediaType);
  if (mediaType === null) {
    const given = media.mediaType === "" ? "an unknown type" : `'${media.mediaType}'`;
    throw unsupported(field, `is ${given}. Allowed are image/jpeg, image/png, image/gif and image/webp.`);
  }
  return { type: "image", source: { type: "base64", media_type: mediaType, data: base64(media.source.value) } };
}

/** A document: PDF or text, by content, address or id; pictures that came as files are sent as pictures. */
export function toDocument(file: FilePart, field: string, draft: Draft): JsonMembers {
  const { media } = file;
  if (media === undefined) throw invalidValue(`${field}.media`, "is missing.");
  if (media.source.case === "data" && imageType(media.source.value, "") !== null) {
    const picture = { $typeName: "trunkline.v1.ImagePart", media } as const;
    return toImage(picture, field, draft);
  }
  const title = file.title || media.name;
  return {
    type: "document",
    source: media.source.case === "data" ? documentData(media, media.source.value, field) : remote(media, field),
    ...(title && { title }),
    ...(file.context && { context: file.context }),
    ...(file.citationsEnabled !== undefined && { citations: { enabled: file.citationsEnabled } }),
  };
}

/** A passage that may be cited. @param texts its text blocks */
export function toSearchResult(result: SearchResultPart, texts: readonly JsonMembers[]): JsonMembers {
  return {
    type: "search_result",
    source: result.uri || result.source,
    title: result.title,
    content: texts,
    ...(result.citationsEnabled !== undefined && { citations: { enabled: result.citationsEnabled } }),
  };
}

function remote(media: Media, field: string): JsonMembers {
  switch (media.source.case) {
    case "uri":
      return { type: "url", url: media.source.value };
    case "fileId":
      return { type: "file", file_id: media.source.value };
    default:
      throw invalidValue(`${field}.media`, "has no source. Set data, uri or file_id.");
  }
}

function documentData(media: Media, bytes: Uint8Array, field: string): JsonMembers {
  const type = media.mediaType.split(";")[0]?.trim().toLowerCase() ?? "";
  if (startsWith(bytes, "%PDF-") || type === "application/pdf") {
    return { type: "base64", media_type: "application/pdf", data: base64(bytes) };
  }
  if (type === "" || type.startsWith("text/") || textual.has(type)) {
    const data = utf8(bytes);
    if (data !== null) return { type: "text", media_type: "text/plain", data };
  }
  throw unsupported(
    field,
    `is '${media.mediaType}'. Allowed are PDF and UTF-8 text; upload others and send the file_id.`,
  );
}

const textual = new Set(["application/json", "application/xml", "application/yaml", "application/x-yaml"]);

/** The type that the bytes show; else the declared one where it is allowed; else null. */
function imageType(bytes: Uint8Array, declared: string): string | null {
  const shown = imageTypeOf(bytes);
  if (shown !== null) return shown;
  const type = declared.toLowerCase() === "image/jpg" ? "image/jpeg" : declared.toLowerCase();
  return allowedImages.has(type) ? type : null;
}

const allowedImages = new Set(["image/jpeg", "image/png", "image/gif", "image/webp"]);

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}

function utf8(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}
