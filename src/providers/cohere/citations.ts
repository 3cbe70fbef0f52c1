import { create } from "@bufbuild/protobuf";
import { type Annotation, AnnotationSchema } from "../../../gen/trunkline/v1/message_pb.ts";
import { type JsonMembers, RawJson } from "../../dialects/json-text.ts";
import { countOf, type Fields, fieldsOf, isFields, listOf, textOf } from "../../dialects/openai-chat/wire.ts";

/** A citation of the answer, one annotation for each of its sources; the source itself goes back as it came. */
export function toAnnotations(citation: Fields): readonly Annotation[] {
  const start = countOf(citation, "start");
  const end = countOf(citation, "end");
  const place = {
    citedText: textOf(citation, "text").toWellFormed(),
    ...(start !== undefined && { start }),
    ...(end !== undefined && { end }),
  };
  const sources = listOf(citation, "sources");
  if (sources.length === 0) return [create(AnnotationSchema, { type: "citation", ...place })];
  return sources.map((source) => {
    const document = fieldsOf(source, "document");
    const index = /^doc_(\d{1,6})$/.exec(textOf(source, "id"))?.[1];
    return create(AnnotationSchema, {
      type: textOf(source, "type") || "citation",
      uri: (textOf(document, "url") || textOf(document, "uri")).toWellFormed(),
      title: textOf(document, "title").toWellFormed(),
      ...(index !== undefined && { documentIndex: Number(index) }),
      opaque: new TextEncoder().encode(JSON.stringify(source)),
      ...place,
    });
  });
}

/** Citations on their way back: those that this provider made. Neighbours at the same place are one. */
export function toCitations(annotations: readonly Annotation[]): readonly JsonMembers[] {
  const citations: (JsonMembers & { readonly sources: RawJson[] })[] = [];
  for (const { type, start, end, citedText, opaque } of annotations) {
    const source = new TextDecoder().decode(opaque);
    if (!isSource(source, type)) continue;
    const last = citations.at(-1);
    if (last && last.start === start && last.end === end && last.text === citedText) {
      last.sources.push(new RawJson(source));
    } else citations.push({ start, end, text: citedText, sources: [new RawJson(source)] });
  }
  return citations;
}

function isSource(json: string, type: string): boolean {
  if (type !== "document" && type !== "tool") return false;
  try {
    const value: unknown = JSON.parse(json);
    return isFields(value) && value.type === type;
  } catch {
    return false;
  }
}
