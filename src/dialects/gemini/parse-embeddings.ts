import { create } from "@bufbuild/protobuf";
import {
  type EmbedInput,
  EmbedInputSchema,
  type EmbedRequest,
  EmbedRequestSchema,
} from "../../../gen/trunkline/v1/embeddings_pb.ts";
import { textPart } from "../../domain/blank.ts";
import type { JsonBody } from "../json-body.ts";
import { invalid, type ParseNotes, Place, toWord } from "../json-read.ts";
import { parseFile, parseInline } from "./parse-media.ts";
import { type Element, ProtoObject } from "./proto-object.ts";
import { fromTaskType } from "./task-types.ts";

/** Most requests of one batch, as in the contract. Google's own limit for its models is lower, and its provider says so. */
const maxBatch = 2_048;
const maxParts = 1_000;

export interface ParsedGeminiEmbeddings {
  readonly request: EmbedRequest;
  /** Members that no provider will see: this request is always built anew. */
  readonly unknown: readonly string[];
}

/** Settings that hold for all inputs of a request of the contract. */
const settings = ["inputType", "title", "dimensions", "truncate"] as const;
const names = { inputType: "taskType", title: "title", dimensions: "outputDimensionality", truncate: "autoTruncate" };

/** Reads `models/*:embedContent`. @param model the one that the path names */
export function parseEmbedContent(body: JsonBody, model: string): ParsedGeminiEmbeddings {
  const notes: ParseNotes = { unknown: [] };
  const request = create(EmbedRequestSchema, { model: modelName(model) });
  const root = new ProtoObject(body.value, Place.root, body.json);
  request.inputs = [parseOne(root, 0, request, notes)];
  root.noteRest(notes);
  return { request, unknown: notes.unknown };
}

/** Reads `models/*:batchEmbedContents`, whose requests must agree in all but their contents. */
export function parseBatchEmbed(body: JsonBody, model: string): ParsedGeminiEmbeddings {
  const notes: ParseNotes = { unknown: [] };
  const request = create(EmbedRequestSchema, { model: modelName(model) });
  const root = new ProtoObject(body.value, Place.root, body.json);
  const requests = root.list("requests", "inputs", maxBatch) ?? [];
  if (requests.length === 0) throw invalid(root.at("requests", "inputs"), "must have at least one request.");
  request.inputs = requests.map((element, i) => {
    const one = i === 0 ? request : create(EmbedRequestSchema, { model: request.model });
    const input = parseElement(element, i, one, notes);
    const differing = settings.find((name) => one[name] !== request[name]);
    if (differing !== undefined) {
      throw invalid(element.place.at(names[differing]), "must be the same for all requests of a batch.");
    }
    return input;
  });
  root.noteRest(notes);
  return { request, unknown: notes.unknown };
}

function modelName(model: string): string {
  return toWord(model, Place.root.at("model"), 256);
}

function parseElement(
  { value, place, json }: Element,
  i: number,
  request: EmbedRequest,
  notes: ParseNotes,
): EmbedInput {
  const one = new ProtoObject(value, place, json);
  const input = parseOne(one, i, request, notes);
  one.noteRest(notes);
  return input;
}

const maxDimensions = 65_536;

function parseOne(one: ProtoObject, index: number, request: EmbedRequest, notes: ParseNotes): EmbedInput {
  const model = one.word("model", "model", 256 + "models/".length);
  if (model !== undefined && model.replace(/^models\//, "") !== request.model) {
    throw invalid(one.at("model", "model"), "must be the model that the path names.");
  }
  // Later models have their settings in an object of their own.
  const inner = one.object("embedContentConfig", "");
  for (const from of inner ? [one, inner] : [one]) {
    const task = from.word("taskType", "input_type", 64);
    if (task !== undefined && !task.endsWith("UNSPECIFIED")) request.inputType = fromTaskType(task);
    const title = from.word("title", "title", 1_024, 0);
    if (title) request.title = title;
    const dimensions = from.integer("outputDimensionality", "dimensions", [1, maxDimensions]);
    if (dimensions !== undefined) request.dimensions = dimensions;
    const cuts = from.flag("autoTruncate", "truncate");
    if (cuts !== undefined) request.truncate = cuts ? "end" : "none";
  }
  inner?.noteRest(notes);
  return parseInput(one, Place.root.at(one.place.param, `inputs[${index}]`), notes);
}

function parseInput(one: ProtoObject, place: Place, notes: ParseNotes): EmbedInput {
  const content = one.object("content", "content");
  if (content === undefined) throw invalid(place.at("content"), "is required.");
  content.get("role");
  const parts = (content.list("parts", "parts", maxParts) ?? []).map(({ value, place: at, json }) => {
    const part = new ProtoObject(value, at, json);
    const read = part.has("inlineData")
      ? parseInline(part, notes)
      : part.has("fileData")
        ? parseFile(part, notes)
        : textPart(part.text("text", "text") ?? "");
    if (read.kind.case === "text" && read.kind.value === "")
      throw invalid(at, "must hold text, inlineData or fileData.");
    part.noteRest(notes);
    return read;
  });
  content.noteRest(notes);
  const [only, ...others] = parts;
  if (only === undefined) throw invalid(place.at("content").at("parts"), "must have at least one part.");
  const isText = others.length === 0 && only.kind.case === "text";
  return create(EmbedInputSchema, {
    kind: isText ? { case: "text", value: String(only.kind.value) } : { case: "content", value: { parts } },
  });
}
