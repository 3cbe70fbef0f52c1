import type { FilePart, ImagePart, SearchResultPart } from "../../../gen/trunkline/v1/message_pb.ts";
import { invalidValue } from "../../dialects/json-splice.ts";
import { type Draft, unsupported } from "./draft.ts";

/**
 * A picture as base64, which is the only form that the provider reads: it fetches nothing.
 * @throws GatewayError `unsupported_value` for addresses and uploaded files
 */
export function toImageData({ media, detail }: ImagePart, field: string, { losses }: Draft): string {
  if (detail !== undefined && detail !== "auto") {
    losses.drop(`${field}.detail`, "this provider chooses the resolution itself.");
  }
  if (media === undefined) throw invalidValue(`${field}.media`, "is missing.");
  const { source } = media;
  if (source.case === "data") return base64(source.value);
  const inline = source.case === "uri" ? /^data:[^,]*;base64,([a-z0-9+/=_-]+)$/i.exec(source.value)?.[1] : undefined;
  if (inline !== undefined) return inline;
  throw unsupported(`${field}.media`, "must hold the picture's bytes: this provider fetches nothing.");
}

type TextLike =
  | { readonly case: "file"; readonly value: FilePart }
  | { readonly case: "searchResult"; readonly value: SearchResultPart };

/**
 * Text documents and search results as text of the turn, reported.
 * @param path the part's path, such as `messages[0].parts[1]`
 * @throws GatewayError `unsupported_value` for documents that are no text
 */
export function toInlineText(kind: TextLike, path: string, { losses }: Draft): string {
  if (kind.case === "searchResult") {
    const { title, uri, source, parts } = kind.value;
    losses.approximate(`${path}.search_result`, "this provider has no search results; sent as text.");
    const texts = parts.flatMap((part) => (part.kind.case === "text" ? [part.kind.value] : []));
    return [title, uri || source, ...texts].filter((line) => line !== "").join("\n");
  }
  const { media, title, context } = kind.value;
  const text = media?.source.case === "data" ? utf8(media.source.value) : null;
  if (text === null || text.startsWith("%PDF-")) {
    throw unsupported(`${path}.file`, "is not read by this provider. Allowed are files of UTF-8 text, by content.");
  }
  losses.approximate(`${path}.file`, "this provider has no documents; sent as text.");
  return [title || (media?.name ?? ""), context, text].filter((line) => line !== "").join("\n");
}

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
