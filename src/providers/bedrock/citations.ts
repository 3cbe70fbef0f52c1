import { create } from "@bufbuild/protobuf";
import { type Annotation, AnnotationSchema } from "../../../gen/trunkline/v1/message_pb.ts";
import { countOf, type Fields, fieldsOf, isFields, listOf, textOf } from "../../dialects/openai-chat/wire.ts";

/**
 * A citation of a text block: where the words are from.
 * @param length code points of the block's text, which a citation always covers whole
 */
export function toAnnotation(citation: Fields, length: number): Annotation {
  const location = fieldsOf(citation, "location");
  // One of `web`, `documentChar`, `documentPage`, `documentChunk`, `searchResultLocation`.
  const [type = ""] = Object.keys(location).filter((name) => isFields(location[name]));
  const place = fieldsOf(location, type);
  const documentIndex = countOf(place, "documentIndex") ?? countOf(place, "searchResultIndex");
  const [from, to] = [countOf(place, "start"), countOf(place, "end")];
  return create(AnnotationSchema, {
    type,
    uri: textOf(place, "url") || textOf(citation, "source"),
    title: textOf(citation, "title"),
    citedText: listOf(citation, "sourceContent")
      .map((content) => textOf(content, "text"))
      .join("\n")
      .toWellFormed(),
    start: 0,
    end: length,
    ...(documentIndex !== undefined && { documentIndex }),
    ...extent(type, from, to),
  });
}

function extent(type: string, from: number | undefined, to: number | undefined) {
  const [start, end] = names.get(type) ?? ["sourceStart", "sourceEnd"];
  return { ...(from !== undefined && { [start]: from }), ...(to !== undefined && { [end]: to }) };
}

const names: ReadonlyMap<string, readonly [string, string]> = new Map([
  ["documentPage", ["pageStart", "pageEnd"]],
  ["documentChunk", ["blockStart", "blockEnd"]],
  ["searchResultLocation", ["blockStart", "blockEnd"]],
]);
