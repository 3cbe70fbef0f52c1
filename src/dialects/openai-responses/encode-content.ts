import type { Media, Part } from "../../../gen/trunkline/v1/message_pb.ts";
import type { LossReport } from "../../domain/loss.ts";
import { invalidValue } from "../json-splice.ts";
import type { JsonMembers } from "../json-text.ts";
import { searchText, toTtl } from "../openai-chat/encode-media.ts";

/** What encoding a request needs to know of the server and the model. */
export interface ResponsesQuirks {
  /** Provider kind: whose `provider_options`, proofs and opaque parts are meant. */
  readonly kind: string;
  /** OpenAI's word for who asks; others know the older one. */
  readonly endUserName: "safety_identifier" | "user";
  /** Whether encrypted reasoning is asked for: models that do not reason refuse it. */
  readonly sealedReasoning: boolean;
  /** Whether reasoning without a proof is taken back. OpenAI's own servers look its id up and find nothing. */
  readonly openReasoning: boolean;
  /** Whether prompt caching takes marks on content (`prompt_cache_breakpoint`). */
  readonly cacheMarks: boolean;
}

/**
 * A part of what is put before the model, as content of a message or of a tool's output.
 * @returns null when it is left out and reported
 * @throws GatewayError `invalid_value` for audio and video, which this API does not read
 */
export function encodeContent(
  part: Part,
  field: string,
  quirks: ResponsesQuirks,
  losses: LossReport,
): JsonMembers | null {
  const content = encodeKind(part, field, losses);
  if (content !== null && part.cache) {
    if (quirks.cacheMarks) {
      content.prompt_cache_breakpoint = { mode: "explicit", ...(part.cache.ttl && { ttl: toTtl(part.cache.ttl) }) };
    } else losses.drop(`${field}.cache`, "cache marks are not taken by this provider.");
  }
  if (part.proof) losses.drop(`${field}.proof`, "is not taken on a part of this kind by this provider.");
  return content;
}

function encodeKind({ kind }: Part, field: string, losses: LossReport): JsonMembers | null {
  switch (kind.case) {
    case "text":
      return { type: "input_text", text: kind.value };
    case "refusal":
      return { type: "input_text", text: kind.value.text };
    case "image":
      return { type: "input_image", detail: kind.value.detail ?? "auto", ...imageSource(kind.value.media, field) };
    case "file":
      if (kind.value.title) losses.drop(`${field}.file.title`, "is not taken by this provider.");
      if (kind.value.context) losses.drop(`${field}.file.context`, "is not taken by this provider.");
      if (kind.value.citationsEnabled) losses.drop(`${field}.file.citations_enabled`, "is not taken by this provider.");
      return { type: "input_file", ...fileSource(kind.value.media, field) };
    case "searchResult":
      losses.approximate(`${field}.search_result`, "is sent as text: this provider knows no search results.");
      return { type: "input_text", text: searchText(kind.value) };
    case "audio":
    case "video":
      throw invalidValue(`${field}.${kind.case}`, "cannot be sent: this provider takes text, images and files here.");
    default:
      losses.drop(field, `a part of kind ${kind.case} is not taken by this provider here.`);
      return null;
  }
}

function imageSource(media: Media | undefined, field: string): JsonMembers {
  switch (media?.source.case) {
    case "uri":
      return { image_url: media.source.value };
    case "fileId":
      return { file_id: media.source.value };
    case "data":
      return { image_url: dataUrl(media.source.value, media.mediaType || "image/png") };
    default:
      throw invalidValue(`${field}.image.media`, "must have data, a uri or a file_id.");
  }
}

function fileSource(media: Media | undefined, field: string): JsonMembers {
  switch (media?.source.case) {
    case "uri":
      return { file_url: media.source.value, ...(media.name && { filename: media.name }) };
    case "fileId":
      return { file_id: media.source.value };
    case "data": {
      const url = dataUrl(media.source.value, media.mediaType || "application/pdf");
      return { file_data: url, filename: media.name || "document.pdf" };
    }
    default:
      throw invalidValue(`${field}.file.media`, "must have data, a uri or a file_id.");
  }
}

function dataUrl(data: Uint8Array, mediaType: string): string {
  return `data:${mediaType};base64,${Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("base64")}`;
}
