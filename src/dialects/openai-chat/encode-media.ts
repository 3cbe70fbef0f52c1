import type { Duration } from "@bufbuild/protobuf/wkt";
import type { CacheMark, Media, Part } from "../../../gen/trunkline/v1/message_pb.ts";
import type { LossReport } from "../../domain/loss.ts";
import { invalidValue } from "../json-splice.ts";
import type { JsonMembers, JsonTree } from "../json-text.ts";
import type { ChatQuirks, Medium } from "./quirks.ts";

/** A part of a user's or tool's content. @returns null when it is left out and reported */
export function encodeContentPart(
  part: Part,
  field: string,
  quirks: ChatQuirks,
  losses: LossReport,
): JsonMembers | null {
  const encoded = encodeKind(part, field, quirks, losses);
  if (encoded !== null && part.cache) Object.assign(encoded, encodeCacheMark(part.cache, field, quirks, losses));
  return encoded;
}

function encodeKind({ kind }: Part, field: string, quirks: ChatQuirks, losses: LossReport): JsonMembers | null {
  if (quirks.media && isMedium(kind.case) && !quirks.media.includes(kind.case)) {
    const taken = ["text", ...quirks.media].join(", ");
    throw invalidValue(`${field}.${kind.case}`, `cannot be sent: this model takes ${taken}.`);
  }
  switch (kind.case) {
    case "text":
      return { type: "text", text: kind.value };
    case "image": {
      const { detail } = kind.value;
      return {
        type: "image_url",
        image_url: { url: mediaUrl(kind.value.media, `${field}.image.media`, "image/png"), ...(detail && { detail }) },
      };
    }
    case "audio":
      return { type: "input_audio", input_audio: encodeAudio(kind.value.media, `${field}.audio.media`, quirks) };
    case "file":
      if (kind.value.title) losses.drop(`${field}.file.title`, "is not taken by this provider.");
      if (kind.value.context) losses.drop(`${field}.file.context`, "is not taken by this provider.");
      if (kind.value.citationsEnabled) losses.drop(`${field}.file.citations_enabled`, "is not taken by this provider.");
      if (quirks.documentUrls) return encodeDocument(kind.value.media, `${field}.file.media`);
      return { type: "file", file: encodeFile(kind.value.media, `${field}.file.media`) };
    case "refusal":
      return { type: "text", text: kind.value.text };
    case "searchResult":
      losses.approximate(`${field}.search_result`, "is sent as text: this provider knows no search results.");
      return { type: "text", text: searchText(kind.value) };
    case "video":
      if (quirks.extendedSampling) {
        for (const [name, value] of [
          ["start", kind.value.start],
          ["end", kind.value.end],
          ["fps", kind.value.fps],
        ] as const) {
          if (value !== undefined) losses.drop(`${field}.video.${name}`, "is not taken by this provider.");
        }
        return {
          type: "video_url",
          video_url: { url: mediaUrl(kind.value.media, `${field}.video.media`, "video/mp4") },
        };
      }
      throw invalidValue(`${field}.video`, "cannot be sent: this provider takes text, images, audio and files.");
    default:
      losses.drop(field, `a part of kind ${kind.case} is not taken by this provider here.`);
      return null;
  }
}

const media: readonly string[] = ["image", "audio", "file", "video"] satisfies readonly Medium[];

function isMedium(name: string | undefined): name is Medium {
  return name !== undefined && media.includes(name);
}

/** Text of nested parts; what is no text is reported. */
export function searchText(result: { uri: string; title: string; parts: readonly Part[] }): string {
  const text = result.parts.map(({ kind }) => (kind.case === "text" ? kind.value : "")).join("\n");
  return [result.title, result.uri, text].filter((line) => line !== "").join("\n");
}

function encodeCacheMark(mark: CacheMark, field: string, quirks: ChatQuirks, losses: LossReport): JsonMembers {
  if (!quirks.cacheMarks) {
    losses.drop(`${field}.cache`, "cache marks are not taken by this provider.");
    return {};
  }
  if (quirks.cacheMarks === "cache_control") {
    return { cache_control: { type: "ephemeral", ...(mark.ttl && { ttl: toTtl(mark.ttl) }) } };
  }
  return { prompt_cache_breakpoint: { mode: "explicit", ...(mark.ttl && { ttl: toTtl(mark.ttl) }) } };
}

/** `30m`, `12h`, `90s`: the largest unit that loses nothing. */
export function toTtl({ seconds }: Duration): string {
  if (seconds % 3600n === 0n) return `${seconds / 3600n}h`;
  return seconds % 60n === 0n ? `${seconds / 60n}m` : `${seconds}s`;
}

function mediaUrl(media: Media | undefined, field: string, fallbackType: string): string {
  switch (media?.source.case) {
    case "uri":
      return media.source.value;
    case "data":
      return dataUrl(media.source.value, media.mediaType || fallbackType);
    default:
      throw invalidValue(field, "must have data or a uri: this provider takes no uploaded files here.");
  }
}

function dataUrl(data: Uint8Array, mediaType: string): string {
  return `data:${mediaType};base64,${base64(data)}`;
}

/** OpenAI takes wav and mp3 and names them by their extension. */
const audioFormats: ReadonlyMap<string, string> = new Map([
  ["audio/mpeg", "mp3"],
  ["audio/mp3", "mp3"],
  ["audio/wav", "wav"],
  ["audio/x-wav", "wav"],
  ["audio/wave", "wav"],
]);

function encodeAudio(media: Media | undefined, field: string, { bareAudio }: ChatQuirks): JsonTree {
  if (bareAudio && media?.source.case === "uri") return media.source.value;
  if (media?.source.case !== "data")
    throw invalidValue(field, "must have data: this provider takes audio inline only.");
  if (bareAudio) return base64(media.source.value);
  const format = audioFormats.get(media.mediaType) ?? /^audio\/([a-z0-9]{1,16})$/.exec(media.mediaType)?.[1];
  if (format === undefined)
    throw invalidValue(`${field}.media_type`, "must be a type such as audio/wav or audio/mpeg.");
  return { data: base64(media.source.value), format };
}

function encodeFile(media: Media | undefined, field: string): JsonTree {
  switch (media?.source.case) {
    case "fileId":
      return { file_id: media.source.value };
    case "data": {
      const type = media.mediaType || "application/pdf";
      return { file_data: dataUrl(media.source.value, type), filename: media.name || "document.pdf" };
    }
    default:
      throw invalidValue(field, "must have data or a file_id: this provider does not fetch documents.");
  }
}

/** Mistral's parts for documents: by address, which may be a data URL, or uploaded. */
function encodeDocument(media: Media | undefined, field: string): JsonMembers {
  if (media?.source.case === "fileId") return { type: "file", file_id: media.source.value };
  const url = mediaUrl(media, field, "application/pdf");
  return { type: "document_url", document_url: url, ...(media?.name && { document_name: media.name }) };
}

function base64(data: Uint8Array): string {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("base64");
}
