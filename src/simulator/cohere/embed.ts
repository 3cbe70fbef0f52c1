import { type Fields, isFields, isStrings } from "../json.ts";
import { tokenize } from "../tokens.ts";
import { vectorOf } from "../vector.ts";
import { invalid } from "./errors.ts";
import { modelOf } from "./models.ts";

const members = [
  "model",
  "texts",
  "images",
  "inputs",
  "input_type",
  "embedding_types",
  "output_dimension",
  "truncate",
  "max_tokens",
  "priority",
];
const inputTypes = ["search_document", "search_query", "classification", "clustering", "image"];
const maxInputs = 96;
const maxInputTokens = 2_048;
const usualDimensions = 1_536;

/** The answer to a `/v2/embed` request. */
export function answerEmbed(body: Fields, model: string, id: string): object {
  const unknown = Object.keys(body).find((name) => !members.includes(name));
  if (unknown !== undefined) throw invalid(`invalid request: unknown field '${unknown}'`);
  if (!modelOf(model).endpoints.includes("embed")) throw invalid(`model '${model}' is not supported by the embed API`);
  if (!inputTypes.includes(String(body.input_type)))
    throw invalid("invalid request: valid input_type must be provided with the provided model");
  const inputs = readInputs(body);
  if (inputs.length === 0 || inputs.length > maxInputs)
    throw invalid(`invalid request: total number of texts must be at most ${maxInputs}`);
  const tokens = inputs.map(tokenize);
  if (body.truncate === "NONE" && tokens.some(({ length }) => length > maxInputTokens))
    throw invalid("too many tokens: text exceeds the limit");
  const dimensions = Number(body.output_dimension ?? usualDimensions);
  const vectors = tokens.map((one) => vectorOf(one.slice(0, maxInputTokens), dimensions));
  const types = isStrings(body.embedding_types) ? body.embedding_types : ["float"];
  const count = tokens.reduce((sum, { length }) => sum + length, 0);
  return {
    id,
    response_type: "embeddings_by_type",
    embeddings: Object.fromEntries(types.map((type) => [type, vectors.map((vector) => encoded(vector, type))])),
    texts: inputs,
    meta: { api_version: { version: "2" }, billed_units: { input_tokens: count } },
  };
}

function readInputs({ texts, inputs }: Fields): readonly string[] {
  if (isStrings(texts)) return texts;
  if (!Array.isArray(inputs)) throw invalid("invalid request: texts or inputs must be provided");
  return inputs.map((input: unknown) => JSON.stringify(isFields(input) ? input.content : input));
}

function encoded(vector: Float32Array, type: string): unknown {
  switch (type) {
    case "float":
      return [...vector];
    case "base64":
      return Buffer.from(vector.buffer).toString("base64");
    case "int8":
      return [...vector].map((value) => Math.round(value * 127));
    case "ubinary":
      return Array.from({ length: vector.length / 8 }, (_, at) => bitsOf(vector.subarray(at * 8, at * 8 + 8)));
    default:
      throw invalid(`invalid request: embedding_types: ${type} is not simulated`);
  }
}

function bitsOf(eight: Float32Array): number {
  return eight.reduce((bits, value) => bits * 2 + (value > 0 ? 1 : 0), 0);
}
