import type { Exchange, Reply } from "../exchange.ts";
import { isFields, isStrings } from "../json.ts";
import { tokenize } from "../tokens.ts";
import { vectorOf } from "../vector.ts";
import { headersOf } from "./chat.ts";
import { invalid, unknownModel } from "./errors.ts";

const maxInputs = 2_048;
const maxInputTokens = 8_192;
const usualDimensions = 1_536;
const maxDimensions = 3_072;
const members = ["input", "model", "dimensions", "encoding_format", "user"];

/** Answers an embeddings request: texts that share words get vectors that lie close. */
export function answerEmbeddings(body: unknown, model: string, exchange: Exchange): Reply {
  if (!isFields(body)) throw invalid(null, "The request body must be a JSON object.");
  const unknown = Object.keys(body).find((name) => !members.includes(name));
  if (unknown !== undefined) throw invalid(unknown, `Unrecognized request argument: ${unknown}`, "unknown_parameter");
  if (model !== "embed" && !model.startsWith("text-embedding-")) throw unknownModel(model);
  const inputs = readInputs(body.input);
  const dimensions = body.dimensions ?? usualDimensions;
  if (!Number.isInteger(dimensions) || Number(dimensions) < 1 || Number(dimensions) > maxDimensions) {
    throw invalid("dimensions", `Must be a whole number from 1 to ${maxDimensions}.`);
  }
  const format = body.encoding_format ?? "float";
  if (format !== "float" && format !== "base64") throw invalid("encoding_format", "Must be float or base64.");

  const data = inputs.map((tokens, index) => {
    const vector = vectorOf(tokens, Number(dimensions));
    return { object: "embedding", index, embedding: format === "base64" ? base64Of(vector) : [...vector] };
  });
  const tokens = inputs.reduce((sum, input) => sum + input.length, 0);
  return {
    status: 200,
    headers: headersOf(exchange),
    body: { object: "list", data, model, usage: { prompt_tokens: tokens, total_tokens: tokens } },
  };
}

/** Each input as its tokens. */
function readInputs(input: unknown): readonly (readonly string[])[] {
  const inputs = readForms(input);
  if (inputs.length === 0 || inputs.length > maxInputs) throw invalid("input", `Must hold 1 to ${maxInputs} inputs.`);
  for (const [index, tokens] of inputs.entries()) {
    if (tokens.length === 0) throw invalid(`input[${index}]`, "An input cannot be empty.");
    if (tokens.length > maxInputTokens)
      throw invalid(`input[${index}]`, `An input has at most ${maxInputTokens} tokens.`);
  }
  return inputs;
}

function readForms(input: unknown): readonly (readonly string[])[] {
  if (typeof input === "string") return [tokenize(input)];
  if (isStrings(input)) return input.map(tokenize);
  if (isTokens(input)) return [input.map(String)];
  if (Array.isArray(input) && input.every(isTokens)) return input.map((tokens) => tokens.map(String));
  throw invalid("input", "Must be a string, strings, tokens or arrays of tokens.", "invalid_type");
}

function isTokens(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((token) => Number.isInteger(token));
}

function base64Of(vector: Float32Array): string {
  const bytes = Buffer.alloc(vector.length * Float32Array.BYTES_PER_ELEMENT);
  for (const [index, value] of vector.entries()) bytes.writeFloatLE(value, index * Float32Array.BYTES_PER_ELEMENT);
  return bytes.toString("base64");
}
