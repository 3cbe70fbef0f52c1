import { all, type Feature, need } from "./feature.ts";
import { answers } from "./features/answers.ts";
import { failures } from "./features/failures.ts";
import { media } from "./features/media.ts";
import { reasoning } from "./features/reasoning.ts";
import { settings } from "./features/settings.ts";
import { tools } from "./features/tools.ts";

/** In the order of the tables' rows. */
export const featureNames = [
  "text",
  "stream",
  "tools",
  "parallel tools",
  "stream + tools",
  "forced tool",
  "tool required",
  "tools forbidden",
  "tool without parameters",
  "one call at a time",
  "tool results",
  "several tool results",
  "failed tool",
  "tool results with images",
  "images",
  "image by address",
  "order of parts",
  "PDF",
  "audio",
  "JSON schema",
  "JSON schema, streamed",
  "JSON mode",
  "reasoning effort",
  "reasoning budget",
  "reasoning off",
  "thoughts shown",
  "thoughts, streamed",
  "reasoning round trip",
  "cache usage",
  "cache usage, streamed",
  "stop",
  "stop, streamed",
  "length stop",
  "length stop, streamed",
  "refusal",
  "refusal, streamed",
  "n > 1",
  "n > 1, streamed",
  "logprobs",
  "logprobs, streamed",
  "seed",
  "temperature",
  "top_p",
  "top_k",
  "frequency penalty",
  "end user",
  "rate limit",
  "overload",
  "error in a stream",
  "cut stream",
] as const;

export type FeatureName = (typeof featureNames)[number];

/** The same as a stream. */
const streamed = (feature: Feature): Feature => ({
  ...feature,
  ask: (upstream, tag) => ({ ...feature.ask(upstream, tag), stream: true }),
  reached: (reached) => all(feature.reached(reached), need(reached.stream, "the wish for a stream")),
});

/** Every feature by its name. */
export const features: Readonly<Record<FeatureName, Feature>> = {
  ...answers,
  ...tools,
  ...media,
  ...reasoning,
  ...settings,
  ...failures,
  "JSON schema, streamed": streamed(answers["JSON schema"]),
  "thoughts, streamed": streamed(reasoning["thoughts shown"]),
  "cache usage, streamed": streamed(answers["cache usage"]),
  "stop, streamed": streamed(answers.stop),
  "length stop, streamed": streamed(answers["length stop"]),
  "refusal, streamed": streamed(answers.refusal),
  "n > 1, streamed": streamed(answers["n > 1"]),
  "logprobs, streamed": streamed(answers.logprobs),
};

/** What is asked as a stream by a feature such as `stop, streamed`; else the feature itself. */
export function wholeOf(feature: FeatureName): FeatureName {
  if (feature === "thoughts, streamed") return "thoughts shown";
  const name = feature.replace(", streamed", "");
  return featureNames.find((one) => one === name) ?? feature;
}
