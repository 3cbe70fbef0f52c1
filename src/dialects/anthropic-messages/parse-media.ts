import { create } from "@bufbuild/protobuf";
import {
  type FilePart,
  FilePartSchema,
  type ImagePart,
  ImagePartSchema,
  type Media,
  MediaSchema,
} from "../../../gen/trunkline/v1/message_pb.ts";
import type { JsonObject } from "../json-body.ts";
import { isSet, type Place, toArray, toBoolean, toChoice, toObject, toText, toWord } from "../json-read.ts";
import { fromBase64, toMedia } from "../openai-chat/parse-media.ts";

/** An `image` block. */
export function parseImage(block: JsonObject, place: Place): ImagePart {
  const at = place.at("source", "image.media");
  const source = toObject(block.source, at);
  const type = toChoice(source.type, at.at("type", ""), ["base64", "url", "file"]);
  return create(ImagePartSchema, { media: toSource(type, source, at) });
}

/**
 * A `document` block; null where its content is made of blocks that only Anthropic can cite, so that it has to travel as
 * it is.
 */
export function parseDocument(block: JsonObject, place: Place): FilePart | null {
  const at = place.at("source", "file.media");
  const source = toObject(block.source, at);
  const type = toChoice(source.type, at.at("type", ""), ["base64", "text", "url", "file", "content"]);
  const media = type === "content" ? toPlainContent(source.content, at) : toSource(type, source, at);
  if (media === null) return null;
  // Addresses lead to PDFs here; the type is not said.
  if (type === "url" && media.mediaType === "") media.mediaType = "application/pdf";
  const file = create(FilePartSchema, { media });
  if (isSet(block.title)) file.title = toWord(block.title, place.at("title", "file.title"), 1_024, 0);
  if (isSet(block.context)) file.context = toText(block.context, place.at("context", "file.context"));
  if (isSet(block.citations)) {
    const citations = place.at("citations", "file");
    const { enabled } = toObject(block.citations, citations);
    if (isSet(enabled)) file.citationsEnabled = toBoolean(enabled, citations.at("enabled", "citations_enabled"));
  }
  return file;
}

function toSource(type: "base64" | "text" | "url" | "file", source: JsonObject, place: Place): Media {
  switch (type) {
    case "base64": {
      const mediaType = toWord(source.media_type, place.at("media_type"), 255);
      const at = place.at("data");
      return create(MediaSchema, {
        source: { case: "data", value: fromBase64(toText(source.data, at), at) },
        mediaType,
      });
    }
    case "text":
      return plainText(toText(source.data, place.at("data")));
    case "url":
      return toMedia(source.url, place.at("url", ""));
    case "file":
      return create(MediaSchema, {
        source: { case: "fileId", value: toWord(source.file_id, place.at("file_id"), 512) },
      });
  }
}

const maxBlocks = 1_000;

/** The text of a document made of blocks, where all of it is text and in one block; else null. */
function toPlainContent(content: unknown, place: Place): Media | null {
  const at = place.at("content", "");
  if (typeof content === "string") return plainText(toText(content, at));
  const blocks = toArray(content, at, maxBlocks).map((block, i) => toObject(block, at.at(i, "")));
  const [only] = blocks;
  if (blocks.length !== 1 || only?.type !== "text") return null;
  return plainText(toText(only.text, at.at(0, "").at("text", "")));
}

function plainText(text: string): Media {
  return create(MediaSchema, { source: { case: "data", value: encoder.encode(text) }, mediaType: "text/plain" });
}

const encoder = new TextEncoder();
