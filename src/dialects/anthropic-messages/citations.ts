import { create } from "@bufbuild/protobuf";
import { type Annotation, AnnotationSchema } from "../../../gen/trunkline/v1/message_pb.ts";
import type { JsonMembers } from "../json-text.ts";
import { count, type Fields, text } from "./fields.ts";

/**
 * A citation of a text block. Messages cites whole blocks, so the caller gives the block's extent.
 * @param length code points of the block's text
 */
export function toAnnotation(citation: Fields, length: number): Annotation {
  const type = text(citation, "type");
  const annotation = create(AnnotationSchema, {
    type,
    uri: text(citation, "url") || text(citation, "source"),
    title: text(citation, "document_title") || text(citation, "title"),
    citedText: text(citation, "cited_text"),
    fileId: text(citation, "file_id"),
    opaque: new TextEncoder().encode(text(citation, "encrypted_index")),
    start: 0,
    end: length,
  });
  for (const [field, member] of Object.entries(positions)) {
    const value = count(citation, member);
    // The keys of `positions` are optional int32 fields of Annotation.
    if (value !== undefined) annotation[field as keyof typeof positions] = value;
  }
  if (type === "search_result_location") {
    const position = count(citation, "search_result_index");
    if (position !== undefined) annotation.documentIndex = position;
  }
  return annotation;
}

/** A citation on its way back; undefined for one that another provider made. */
export function toCitation(annotation: Annotation): JsonMembers | undefined {
  const { type } = annotation;
  const citation: JsonMembers = { type, cited_text: annotation.citedText };
  switch (type) {
    case "char_location":
    case "page_location":
    case "content_block_location":
      citation.document_index = annotation.documentIndex ?? 0;
      citation.document_title = annotation.title === "" ? null : annotation.title;
      break;
    case "search_result_location":
      citation.search_result_index = annotation.documentIndex ?? 0;
      citation.source = annotation.uri;
      citation.title = annotation.title === "" ? null : annotation.title;
      break;
    case webCitation:
      citation.url = annotation.uri;
      citation.title = annotation.title === "" ? null : annotation.title;
      citation.encrypted_index = new TextDecoder().decode(annotation.opaque);
      break;
    default:
      return undefined;
  }
  for (const [field, member] of Object.entries(positions)) {
    if (field === "documentIndex") continue;
    const value = annotation[field as keyof typeof positions]; // As above.
    if (value !== undefined) citation[member] = value;
  }
  return citation;
}

/** Citations of the web: how those of other providers are told to clients of Messages too. */
export const webCitation = "web_search_result_location";

const positions = {
  documentIndex: "document_index",
  pageStart: "start_page_number",
  pageEnd: "end_page_number",
  blockStart: "start_block_index",
  blockEnd: "end_block_index",
  sourceStart: "start_char_index",
  sourceEnd: "end_char_index",
} as const;
