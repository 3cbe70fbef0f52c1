import type { FilePart, ImagePart, SearchResultPart } from "../../../gen/trunkline/v1/message_pb.ts";
import { imageTypeOf } from "../../dialects/image-type.ts";
import { invalidValue } from "../../dialects/json-splice.ts";
import type { JsonMembers } from "../../dialects/json-text.ts";
import { type Draft, unsupported } from "./draft.ts";

/** A picture by its address or as a data URL whose type is what the bytes show. */
export function toImage({ media, detail }: ImagePart, field: string): JsonMembers {
  if (media === undefined) throw invalidValue(`${field}.media`, "is missing.");
  return { type: "image_url", image_url: { url: addressOf(media, field), ...(detail !== undefined && { detail }) } };
}

function addressOf({ source, mediaType }: NonNullable<ImagePart["media"]>, field: string): string {
  if (source.case === "uri") return source.value;
  if (source.case !== "data") throw unsupported(`${field}.media`, "must hold the picture's bytes or its address.");
  const bytes = Buffer.from(source.value.buffer, source.value.byteOffset, source.value.byteLength);
  const type = imageTypeOf(bytes) ?? mediaType;
  if (!/^image\//.test(type))
    throw unsupported(`${field}.media`, "is no picture. Allowed are jpeg, png, gif and webp.");
  return `data:${type};base64,${bytes.toString("base64")}`;
}

type Citable =
  | { readonly case: "file"; readonly value: FilePart }
  | { readonly case: "searchResult"; readonly value: SearchResultPart };

/** What the model may cite: the provider has one list for the whole conversation. */
export class Documents {
  readonly list: JsonMembers[] = [];
  /** Whether all of them may be cited. */
  cites = true;
  readonly #draft: Draft;

  constructor(draft: Draft) {
    this.#draft = draft;
  }

  /** @param path the part's path, such as `messages[0].parts[1]` */
  add(kind: Citable, path: string): void {
    const isSearch = kind.case === "searchResult";
    const field = `${path}.${isSearch ? "search_result" : "file"}`;
    const data = isSearch ? searchDocument(kind.value, field) : fileDocument(kind.value, field);
    const wanted = kind.value.citationsEnabled ?? true;
    if (this.list.length > 0 && wanted !== this.cites) {
      this.#draft.losses.approximate(`${field}.citations_enabled`, "this provider cites all documents or none.");
    }
    this.cites = wanted && this.cites;
    this.list.push({ id: `doc_${this.list.length}`, data });
  }
}

/** A search result as the data of a document. Its members are named as the model was trained to read them. */
export function searchDocument(result: SearchResultPart, field: string): JsonMembers {
  const texts = result.parts.map(({ kind }, index) => {
    if (kind.case === "text") return kind.value;
    throw unsupported(`${field}.parts[${index}]`, "is not text, which is all that documents hold here.");
  });
  return {
    ...(result.title && { title: result.title }),
    ...(result.uri && { url: result.uri }),
    ...(result.source && { source: result.source }),
    snippet: texts.join("\n"),
  };
}

function fileDocument({ media, title, context }: FilePart, field: string): JsonMembers {
  const text = media?.source.case === "data" ? utf8(media.source.value) : null;
  if (text === null || text.startsWith("%PDF-")) {
    throw unsupported(field, "is not read by this provider. Allowed are files of UTF-8 text, by content.");
  }
  const name = title || (media?.name ?? "");
  return { ...(name && { title: name }), ...(context && { context }), snippet: text };
}

function utf8(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}
