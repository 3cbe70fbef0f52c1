import { create } from "@bufbuild/protobuf";
import { type LogitBias, LogitBiasSchema } from "../../../gen/trunkline/v1/chat_pb.ts";
import { invalid, type Place, toArray, toBoolean, toInteger, toNumber, toObject, toText } from "../json-read.ts";
import type { ChatReader, ChatTable } from "./chat-draft.ts";

/** Settings of how tokens are drawn, and how many. Bounds are the contract's: the union of what providers allow. */
export const samplingTable = {
  temperature: number("temperature", 0, 2),
  top_p: number("topP", 0, 1),
  min_p: number("minP", 0, 1),
  frequency_penalty: number("frequencyPenalty", -2, 2),
  presence_penalty: number("presencePenalty", -2, 2),
  repetition_penalty: ({ request }, value, at) => {
    const penalty = toNumber(value, at, 0, 10);
    if (penalty === 0) throw invalid(at, "must be above 0.");
    request.repetitionPenalty = penalty;
  },
  top_k: integer("topK", 0),
  top_logprobs: integer("topLogprobs", 0, 20),
  n: ["choice_count", integer("choiceCount", 1, 128)],
  max_completion_tokens: ["max_output_tokens", integer("maxOutputTokens", 0)],
  // Deprecated; where both are given, max_completion_tokens wins, in whichever order they stand.
  max_tokens: [
    "max_output_tokens",
    ({ request }, value, at) => {
      const most = toInteger(value, at, 0);
      request.maxOutputTokens ??= most;
    },
  ],
  max_tool_calls: integer("maxToolCalls", 1),
  logprobs: ({ request }, value, at) => {
    request.logprobs = toBoolean(value, at);
  },
  seed: ({ request, json }, value, at) => {
    request.seed = toSeed(value, at, json.member("seed")?.text);
  },
  stop: ({ request }, value, at) => {
    request.stop = toStop(value, at);
  },
  logit_bias: ({ request }, value, at) => {
    request.logitBias = toLogitBias(value, at);
  },
} satisfies ChatTable;

type NumberField = "temperature" | "topP" | "minP" | "frequencyPenalty" | "presencePenalty";
type IntegerField = "topK" | "topLogprobs" | "choiceCount" | "maxOutputTokens" | "maxToolCalls";

function number(field: NumberField, least: number, most: number): ChatReader {
  return ({ request }, value, at) => {
    request[field] = toNumber(value, at, least, most);
  };
}

function integer(field: IntegerField, least: number, most?: number): ChatReader {
  return ({ request }, value, at) => {
    request[field] = toInteger(value, at, least, most);
  };
}

/** Seeds are 64 bits wide, so the text decides: as a double, 9007199254740993 would become …992. */
function toSeed(value: unknown, place: Place, text: string | undefined): bigint {
  const rule = "must be an integer of 64 bits.";
  if (typeof value !== "number" || !Number.isInteger(value)) throw invalid(place, rule);
  const seed = text !== undefined && /^-?\d+$/.test(text) ? BigInt(text) : BigInt(value);
  if (BigInt.asIntN(64, seed) !== seed) throw invalid(place, rule);
  return seed;
}

const maxStops = 16;
const maxStopBytes = 256;

function toStop(value: unknown, place: Place): string[] {
  const texts = typeof value === "string" ? [value] : toArray(value, place, maxStops);
  return texts.map((entry, i) => {
    const at = typeof value === "string" ? place : place.at(i);
    const text = toText(entry, at);
    if (text === "" || Buffer.byteLength(text) > maxStopBytes) {
      throw invalid(at, `must have 1 to ${maxStopBytes} bytes.`);
    }
    return text;
  });
}

const maxLogitBiases = 1024;

function toLogitBias(value: unknown, place: Place): LogitBias[] {
  const entries = Object.entries(toObject(value, place));
  if (entries.length > maxLogitBiases) throw invalid(place, `must have at most ${maxLogitBiases} tokens.`);
  return entries.map(([token, bias]) => {
    const at = place.at(token.slice(0, 16));
    const tokenId = /^\d{1,10}$/.test(token) ? Number(token) : -1;
    toInteger(tokenId, at, 0);
    return create(LogitBiasSchema, { tokenId, bias: toNumber(bias, at, -100, 100) });
  });
}
