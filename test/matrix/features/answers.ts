import { answerSchema } from "../ask.ts";
import { all, type Feature, fine, first, need } from "../feature.ts";
import { counted } from "./counted.ts";

const probable: Feature = {
  ask: () => ({ say: "/say one two three", topLogprobs: 2 }),
  reached: ({ logprobs, topLogprobs }) => all(need(logprobs, "logprobs"), need(topLogprobs === 2, "top_logprobs")),
  got: (seen) =>
    all(
      need((first(seen)?.logprobs ?? 0) >= 3, "log probabilities"),
      need(first(seen)?.alternatives === 2, "alternatives"),
    ),
  field: /logprobs/,
};

export const answers = {
  text: {
    ask: () => ({ say: "/say Hello, world.", system: "Be brief.", maxTokens: 500 }),
    reached: ({ system, text, maxTokens }) =>
      all(
        need(system.includes("Be brief."), "the system's text"),
        need(text.includes("Hello, world."), "the user's text"),
        need(maxTokens === 500, "the bound of tokens"),
      ),
    got: (seen) =>
      all(
        need(first(seen)?.text === "Hello, world.", "text"),
        need(first(seen)?.finish === "stop", "finish reason"),
        counted(seen),
      ),
    field: /system|max/,
  },
  stream: {
    ask: () => ({ say: "/say one two three four", stream: true }),
    reached: ({ stream }) => need(stream, "the wish for a stream"),
    got: (seen) =>
      all(
        need(first(seen)?.text === "one two three four", "text"),
        need(seen.deltas >= 2, "more than one piece"),
        need(first(seen)?.finish === "stop", "finish reason"),
        counted(seen),
      ),
    field: /stream/,
  },
  "JSON schema": {
    ask: () => ({ say: "The weather in Oslo, please.", format: "schema" }),
    reached: ({ schema }) =>
      need(JSON.stringify(schema)?.includes(JSON.stringify(answerSchema.required)), "the schema"),
    got: (seen) => need(isObject(first(seen)?.text, "city", "warm"), "an object of the schema"),
    field: /response_format|output_config/,
  },
  "JSON mode": {
    ask: () => ({ say: "The weather in Oslo as JSON, please.", format: "json" }),
    reached: ({ isJson }) => need(isJson, "the wish for JSON"),
    got: (seen) => need(isObject(first(seen)?.text), "an object"),
    field: /response_format/,
  },
  "cache usage": {
    ask: ({ needsCacheMark }, tag) => ({ say: "/say yes", system: `${tag} ${longText}`, cacheMark: needsCacheMark }),
    next: () => [],
    reached: fine,
    got: ({ usage }) => need((usage?.cached ?? 0) > 0, "the count of cached tokens"),
    field: /cache/,
    isTold: true,
  },
  stop: {
    ask: () => ({ say: "/say one two END three", stop: ["END"] }),
    reached: ({ stop }) => need(stop.join() === "END", "the stop sequence"),
    got: (seen) =>
      all(
        need(first(seen)?.text.trimEnd() === "one two", "the end"),
        need(first(seen)?.finish === "stop", "finish reason"),
      ),
    field: /^stop/,
  },
  "length stop": {
    ask: () => ({ say: "/words 60", maxTokens: 20 }),
    reached: ({ maxTokens }) => need(maxTokens === 20, "the bound of tokens"),
    got: (seen) => need(first(seen)?.finish === "length", "finish reason"),
    field: /max/,
  },
  refusal: {
    ask: () => ({ say: "/refuse I will not." }),
    reached: fine,
    got: (seen) => need(first(seen)?.finish === "refused" || first(seen)?.refusal !== "", "the refusal"),
    field: /refusal/,
    isTold: true,
  },
  "n > 1": {
    ask: () => ({ say: "/say twice", choices: 2 }),
    reached: ({ choices }) => need(choices === 2, "the number of choices"),
    got: ({ choices }) => need(choices.map(({ text }) => text).join() === "twice,twice", "two choices"),
    field: /\bn\b|choice_count/,
  },
  logprobs: probable,
} satisfies Readonly<Record<string, Feature>>;

/** Long enough for every provider to cache it: some 1,500 tokens. */
const longText = "weather ".repeat(1_500);

function isObject(text: string | undefined, ...members: readonly string[]): boolean {
  try {
    const value: unknown = JSON.parse(text ?? "");
    return typeof value === "object" && value !== null && members.every((name) => name in value);
  } catch {
    return false;
  }
}
