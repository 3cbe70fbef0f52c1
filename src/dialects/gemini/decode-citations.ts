import { create } from "@bufbuild/protobuf";
import { type Annotation, AnnotationSchema } from "../../../gen/trunkline/v1/message_pb.ts";
import { countOf, type Fields, fieldsOf, listOf, textOf } from "../openai-chat/wire.ts";
import type { AnswerText } from "./answer-text.ts";

/** A citation and the part whose text it supports. */
export interface Cited {
  readonly part: number;
  readonly annotation: Annotation;
}

/**
 * The sources of an answer: those that grounding found, one annotation for each stretch and source, and those that the
 * answer repeats. Sources that support no stretch in particular are cited for the answer as a whole.
 */
export function decodeCitations(candidate: Fields, text: AnswerText): readonly Cited[] {
  const { firstPart } = text;
  if (firstPart === undefined) return [];
  return [
    ...grounded(fieldsOf(candidate, "groundingMetadata"), text, firstPart),
    ...repeated(fieldsOf(candidate, "citationMetadata"), text, firstPart),
  ];
}

function grounded(metadata: Fields, text: AnswerText, firstPart: number): Cited[] {
  const chunks = listOf(metadata, "groundingChunks");
  const used = new Set<number>();
  const cited = listOf(metadata, "groundingSupports").flatMap((support) => {
    const at = stretchOf(fieldsOf(support, "segment"), text);
    const scores: unknown = support.confidenceScores;
    const indices: unknown = support.groundingChunkIndices;
    if (!Array.isArray(indices)) return [];
    return indices.flatMap((index: unknown, i) => {
      const chunk = typeof index === "number" ? chunks[index] : undefined;
      if (chunk === undefined || typeof index !== "number") return [];
      used.add(index);
      const confidence: unknown = Array.isArray(scores) ? scores[i] : undefined;
      const annotation = toAnnotation(chunk);
      if (typeof confidence === "number") annotation.confidence = confidence;
      return [place(annotation, at, firstPart)];
    });
  });
  const others = chunks.flatMap((chunk, i) => (used.has(i) ? [] : [place(toAnnotation(chunk), undefined, firstPart)]));
  return [...cited, ...others];
}

function repeated(metadata: Fields, text: AnswerText, firstPart: number): Cited[] {
  // Vertex calls the list `citations`, the Developer API `citationSources`.
  const citations = [...listOf(metadata, "citations"), ...listOf(metadata, "citationSources")];
  return citations.map((citation) => {
    const uri = said(citation, "uri");
    const annotation = create(AnnotationSchema, {
      type: uri === "" ? "citation" : "url_citation",
      uri,
      title: said(citation, "title"),
    });
    return place(annotation, stretchOf(citation, text), firstPart);
  });
}

/** What one source is: a page of the web, a passage of a store, a place on the map, a picture. */
function toAnnotation(chunk: Fields): Annotation {
  const [kind = "", value] = Object.entries(chunk)[0] ?? [];
  const source = value === undefined ? {} : fieldsOf(chunk, kind);
  const uri = said(source, "uri") || said(source, "sourceUri") || said(source, "imageUri");
  const annotation = create(AnnotationSchema, {
    type: kind === "retrievedContext" ? "retrieved_context" : "url_citation",
    uri,
    title: said(source, "title") || said(source, "domain"),
    citedText: said(source, "text"),
    fileId: said(source, "documentName") || said(source, "fileSearchStore"),
  });
  const page = countOf(source, "pageNumber");
  if (page !== undefined) {
    annotation.pageStart = page;
    annotation.pageEnd = page + 1;
  }
  return annotation;
}

function stretchOf(segment: Fields, text: AnswerText) {
  const endByte = countOf(segment, "endIndex");
  const words = said(segment, "text");
  if (endByte === undefined && words === "") return undefined;
  // A start of 0 is left out on the wire.
  const startByte = countOf(segment, "startIndex") ?? 0;
  return text.locate({ partIndex: countOf(segment, "partIndex") ?? 0, startByte, endByte: endByte ?? 0, text: words });
}

function place(annotation: Annotation, at: ReturnType<AnswerText["locate"]>, firstPart: number): Cited {
  if (at === undefined) return { part: firstPart, annotation };
  annotation.start = at.start;
  annotation.end = at.end;
  return { part: at.part, annotation };
}

function said(fields: Fields, name: string): string {
  return textOf(fields, name).toWellFormed();
}
