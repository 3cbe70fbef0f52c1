import type { ModelFacts } from "../../domain/model-facts.ts";
import { pricesOf } from "./prices.ts";

/** What a family of models takes and refuses beyond the facts that callers are told. */
export interface ModelRules {
  /** Whether sampling, penalties and token probabilities are refused. */
  readonly reasons: boolean;
  /** Whether effort `none` lifts that refusal. */
  readonly effortNone: boolean;
  /** Whether `stop` is taken. */
  readonly stop: boolean;
}

interface Family {
  readonly pattern: RegExp;
  readonly facts: ModelFacts;
  readonly rules: ModelRules;
}

/**
 * Models that live on the Responses API only (the list of the SDK's `ResponsesModel`, and their kin by name): pro,
 * codex, deep research, computer use. wire.md §2.6
 */
const responsesOnly =
  /^(?:gpt-[\d.]+|o\d)-pro\b|-deep-research\b|\bcodex\b|^computer-use-preview\b|^gpt-.*\b(?:cyber|rosalind)\b|^gpt-daybreak-/;

const plain: ModelRules = { reasons: false, effortNone: false, stop: true };
const efforts = ["minimal", "low", "medium", "high"];
const text = ["text"];
const seeing = ["text", "image", "document"];
const chat = ["tools", "json_schema", "streaming"];

/** First match wins. Figures as OpenAI documents them; wire.md §2.1 for what is refused. */
const families: readonly Family[] = [
  family(/^text-embedding/, { contextWindow: 8_191, capabilities: ["embeddings"] }),
  family(
    /^(?:gpt-[\d.]+|o\d)-pro\b/,
    { ...window(400_000, 128_000), ...reasoning(["medium", "high", "xhigh"]) },
    { reasons: true, effortNone: false, stop: false },
  ),
  family(/-deep-research\b|^computer-use-preview\b|^codex-/, reasoning(efforts.slice(1)), {
    reasons: true,
    effortNone: false,
    stop: false,
  }),
  family(
    /^gpt-(?:5\.[1-9]|[6-9])/,
    {
      ...window(400_000, 128_000),
      ...reasoning(["none", ...efforts.slice(1), "xhigh"]),
    },
    { reasons: true, effortNone: true, stop: true },
  ),
  family(
    /^gpt-5/,
    { ...window(400_000, 128_000), ...reasoning(efforts) },
    { reasons: true, effortNone: false, stop: true },
  ),
  family(
    /^o(?:3|4-mini)/,
    { ...window(200_000, 100_000), ...reasoning(efforts.slice(1)) },
    { reasons: true, effortNone: false, stop: false },
  ),
  family(
    /^o\d/,
    { ...window(200_000, 100_000), ...reasoning(efforts.slice(1)) },
    { reasons: true, effortNone: false, stop: true },
  ),
  family(/^gpt-4\.1/, {
    ...window(1_047_576, 32_768),
    inputModalities: seeing,
    outputModalities: text,
    capabilities: [...chat, "logprobs"],
  }),
  family(/^(?:chat)?gpt-4o/, {
    ...window(128_000, 16_384),
    inputModalities: seeing,
    outputModalities: text,
    capabilities: [...chat, "logprobs"],
  }),
  family(/^gpt-4-turbo/, {
    ...window(128_000, 4_096),
    inputModalities: ["text", "image"],
    outputModalities: text,
    capabilities: ["tools", "streaming", "logprobs"],
  }),
  family(/^gpt-3\.5/, {
    ...window(16_385, 4_096),
    inputModalities: text,
    outputModalities: text,
    capabilities: ["tools", "streaming", "logprobs"],
  }),
];

/** What the catalogue knows of a model by its name; nothing of names it does not know. */
export function factsOf(model: string): ModelFacts {
  const name = baseName(model);
  const prices = pricesOf(name);
  // Resellers have interfaces of their own for the same models.
  const api = name === model.toLowerCase() && responsesOnly.test(name) ? ({ api: "responses" } as const) : {};
  return { ...familyOf(name)?.facts, ...(prices && { prices }), ...api };
}

export function rulesOf(model: string): ModelRules {
  return familyOf(baseName(model))?.rules ?? plain;
}

/** Whether the catalogue has heard of the model. */
export function isKnown(model: string): boolean {
  return familyOf(baseName(model)) !== undefined;
}

/** Prefixes of resellers (`openai/gpt-5`) do not change what the model takes. */
function baseName(model: string): string {
  return model.slice(model.lastIndexOf("/") + 1).toLowerCase();
}

function familyOf(name: string): Family | undefined {
  return families.find(({ pattern }) => pattern.test(name));
}

function family(pattern: RegExp, facts: ModelFacts, rules = plain): Family {
  return { pattern, facts, rules };
}

function window(contextWindow: number, maxOutputTokens: number) {
  return { contextWindow, maxOutputTokens };
}

function reasoning(levels: readonly string[]): ModelFacts {
  return {
    inputModalities: seeing,
    outputModalities: text,
    capabilities: [...chat, "reasoning"],
    efforts: levels,
    parametersRefused: ["temperature", "top_p", "frequency_penalty", "presence_penalty", "logit_bias", "top_logprobs"],
  };
}
