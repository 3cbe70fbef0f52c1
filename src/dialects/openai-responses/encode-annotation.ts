import type { Annotation } from "../../../gen/trunkline/v1/message_pb.ts";
import type { JsonMembers } from "../json-text.ts";

/** A citation as this API has it; undefined for kinds that it lacks (char_location, …). */
export function toOwnAnnotation(annotation: Annotation): JsonMembers | undefined {
  const { type, uri, title, fileId, start = 0, end = 0, documentIndex = 0, opaque } = annotation;
  switch (type) {
    case "url_citation":
      return { type, url: uri, title, start_index: start, end_index: end };
    case "file_citation":
      return { type, file_id: fileId, filename: title, index: documentIndex };
    case "file_path":
      return { type, file_id: fileId, index: documentIndex };
    case "container_file_citation": {
      const container = new TextDecoder().decode(opaque);
      const ids = { container_id: container, file_id: fileId, filename: title };
      return { type, ...ids, start_index: start, end_index: end };
    }
    default:
      return undefined;
  }
}

/** The same for a client: citations of other providers are told as those of an address, or of a document. */
export function toClientAnnotation(annotation: Annotation): JsonMembers {
  const own = toOwnAnnotation(annotation);
  if (own !== undefined) return own;
  const { uri, title, fileId, start = 0, end = 0, documentIndex = 0 } = annotation;
  if (uri !== "") return { type: "url_citation", url: uri, title, start_index: start, end_index: end };
  return { type: "file_citation", file_id: fileId, filename: title, index: documentIndex };
}
