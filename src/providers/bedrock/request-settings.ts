import { membersOf } from "../../dialects/json-splice.ts";
import { type JsonMembers, toJsonText } from "../../dialects/json-text.ts";
import { dropSettings } from "../../dialects/unsaid-settings.ts";
import { toSchemaSubset } from "../anthropic/schema-subset.ts";
import { type Draft, unsupported } from "./draft.ts";

/**
 * Settings without a counterpart: those that only shade the answer are dropped and reported, those that change what
 * the caller gets back are refused under every policy.
 */
export function refuseOrDrop({ request, losses }: Draft): void {
  if ((request.choiceCount ?? 1) > 1) throw unsupported("choice_count", "must be 1: this provider gives one answer.");
  if (request.logprobs || request.topLogprobs !== undefined) {
    throw unsupported("logprobs", "are not given by this provider. Leave logprobs and top_logprobs out.");
  }
  const modality = request.output?.modalities.find((name) => name !== "text");
  if (modality !== undefined) throw unsupported("output.modalities", `holds '${modality}'. Allowed is text.`);
  if (request.output?.audio) throw unsupported("output.audio", "is not given by this provider.");
  if (request.output?.image) throw unsupported("output.image", "is not given by this provider.");
  dropSettings(
    request,
    [
      ...(["min_p", "frequency_penalty", "presence_penalty", "repetition_penalty", "seed", "logit_bias"] as const),
      ...(["max_tool_calls", "verbosity", "prediction", "moderation", "safety_settings", "media_resolution"] as const),
      ...(["end_user_id", "store"] as const),
    ],
    losses,
  );
}

/** Temperature and top_p of models other than Claude, which take them from 0 to 1. */
export function toPlainSampling({ request, losses }: Draft): JsonMembers {
  const { temperature, topP } = request;
  if (temperature !== undefined && temperature > 1)
    losses.approximate("temperature", "lowered to 1, this provider's highest.");
  return {
    ...(temperature !== undefined && { temperature: Math.min(temperature, 1) }),
    ...(topP !== undefined && { top_p: topP }),
  };
}

/** The number of likely tokens, as the model's own fields have it. */
export function toTopK({ request, rules, losses }: Draft): JsonMembers {
  const { topK } = request;
  if (topK === undefined) return {};
  const [outer, inner] = rules.topK ?? [];
  if (outer === undefined) {
    losses.drop("top_k", "is not taken by this model.");
    return {};
  }
  return { [outer]: inner === undefined ? topK : { [inner]: topK } };
}

/** How a model other than Claude is told how hard to think. */
export function toEffort({ request: { reasoning }, rules, losses }: Draft): JsonMembers {
  if (!reasoning) return {};
  const { effort, budgetTokens, includeText, summary } = reasoning;
  if (budgetTokens !== undefined) losses.drop("reasoning.budget_tokens", "this model takes no budgets.");
  if (includeText === false) losses.drop("reasoning.include_text", "this provider shows the reasoning that there is.");
  if (summary !== undefined) losses.drop("reasoning.summary", "this provider gives no summaries.");
  if (effort === undefined) return {};
  if (rules.effort === null) {
    if (effort !== "none") losses.drop("reasoning.effort", "this model cannot be told how hard to think.");
    return {};
  }
  if (rules.effort === "nova" && effort === "none") return { reasoningConfig: { type: "disabled" } };
  const word = efforts.get(effort);
  if (word === undefined)
    throw unsupported("reasoning.effort", `is '${effort}'. Allowed are ${[...efforts.keys()].join(", ")}.`);
  if (word !== effort) losses.approximate("reasoning.effort", `this model has no '${effort}'; sent as '${word}'.`);
  return rules.effort === "nova"
    ? { reasoningConfig: { type: "enabled", maxReasoningEffort: word } }
    : { reasoning_effort: word };
}

const efforts: ReadonlyMap<string, string> = new Map([
  ["none", "low"],
  ["minimal", "low"],
  ["low", "low"],
  ["medium", "medium"],
  ["high", "high"],
  ["xhigh", "high"],
  ["max", "high"],
]);

/** Tier, latency and labels. */
export function toService({ request, losses }: Draft): JsonMembers {
  const { serviceTier, speed, metadata } = request;
  const isTier = serviceTier !== undefined && tiers.has(serviceTier);
  if (serviceTier !== undefined && !isTier && serviceTier !== "auto")
    losses.drop("service_tier", `'${serviceTier}' is unknown to this provider; it has ${[...tiers].join(", ")}.`);
  if (speed !== undefined && speed !== "fast") losses.drop("speed", "this provider knows 'fast' only.");
  return {
    ...(isTier && { serviceTier: { type: serviceTier } }),
    ...(speed === "fast" && { performanceConfig: { latency: "optimized" } }),
    ...(Object.keys(metadata).length > 0 && { requestMetadata: metadata }),
  };
}

const tiers: ReadonlySet<string> = new Set(["default", "flex", "priority", "reserved"]);

/** The shape of the answer: enforced by the provider, or asked for in words. */
export interface AnswerFormat {
  readonly textFormat: JsonMembers | undefined;
  readonly instruction: string | undefined;
}

/** @throws GatewayError `unsupported_value` for grammars */
export function toAnswerFormat(draft: Draft): AnswerFormat {
  const { request, rules, losses } = draft;
  const kind = request.responseFormat?.kind;
  const told = (instruction: string): AnswerFormat => ({ textFormat: undefined, instruction });
  if (kind?.case === "grammar")
    throw unsupported(
      "response_format.grammar",
      "is not known to this provider. Allowed are text, json_object and json_schema.",
    );
  if (kind?.case === "jsonObject") {
    losses.approximate("response_format.json_object", "this provider enforces schemas only; the model is told.");
    return told(`${onlyJson}.`);
  }
  if (kind?.case !== "jsonSchema") return { textFormat: undefined, instruction: undefined };
  const field = "response_format.json_schema";
  const { schema, name, description } = kind.value;
  membersOf(schema, `${field}.schema`);
  if (!rules.claude.jsonSchema) {
    losses.approximate(field, "this model enforces no schemas; it is told the schema in words.");
    return told(`${onlyJson}. It must satisfy this JSON Schema: ${schema}`);
  }
  const text = rules.vendor === "anthropic" ? toJsonText(toSchemaSubset(schema, `${field}.schema`, losses)) : schema;
  const jsonSchema = { schema: text, ...(name && { name }), ...(description && { description }) };
  return { textFormat: { type: "json_schema", structure: { jsonSchema } }, instruction: undefined };
}

const onlyJson = "Answer with one JSON object and nothing else: no other text, no code fence";
