import type { Reply } from "../exchange.ts";
import { type Fields, isStrings } from "../json.ts";
import { tokenize } from "../tokens.ts";
import { vectorOf } from "../vector.ts";
import { invalid } from "./errors.ts";
import { modelOf } from "./models.ts";

const members = ["model", "input", "truncate", "dimensions", "options", "keep_alive"];
const usualDimensions = 768;
const maxInputTokens = 2_048;

/** Answers an `/api/embed` request. */
export function answerEmbed(body: Fields, model: string): Reply {
  const unknown = Object.keys(body).find((name) => !members.includes(name));
  if (unknown !== undefined) throw invalid(`json: unknown field "${unknown}"`);
  if (!modelOf(model).capabilities.includes("embedding")) throw invalid(`"${model}" does not support embeddings`);
  const inputs = typeof body.input === "string" ? [body.input] : body.input;
  if (!isStrings(inputs)) throw invalid("invalid input type");
  const dimensions = Number(body.dimensions ?? usualDimensions);
  const tokens = inputs.map(tokenize);
  if (body.truncate === false && tokens.some(({ length }) => length > maxInputTokens)) {
    throw invalid("the input length exceeds the context length");
  }
  const kept = tokens.map((all) => all.slice(0, maxInputTokens));
  return {
    status: 200,
    headers: {},
    body: {
      model,
      embeddings: kept.map((one) => [...vectorOf(one, dimensions)]),
      total_duration: 2_000_000,
      load_duration: 1_000_000,
      prompt_eval_count: kept.reduce((sum, { length }) => sum + length, 0),
    },
  };
}
