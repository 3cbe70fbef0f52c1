import type { ModelFacts } from "../../domain/model-facts.ts";

/** A Google model by its name, whatever a platform wrote around it. */
interface GoogleName {
  /** `gemini` or `gemma`; "" for names that say neither. */
  readonly line: "gemini" | "gemma" | "";
  /** Major and minor version as one comparable number: 2.5 is 205. Aliases such as `gemini-flash-latest` are the newest. */
  readonly version: number;
  /** `pro`, `flash`, `flash-lite`, … */
  readonly size: string;
}

const newest = 300;

function googleName(model: string): GoogleName {
  const name = model.replace(/^.*\//, "").toLowerCase();
  const line = name.startsWith("gemma") ? "gemma" : name.includes("gemini") ? "gemini" : "";
  const [, major, minor] = /gemini-(\d{1,2})(?:\.(\d{1,2}))?(?![\d])/.exec(name) ?? [];
  const version = line === "gemma" ? 0 : major === undefined ? newest : Number(major) * 100 + Number(minor ?? 0);
  const size = /flash-lite|flash|pro|ultra|nano/.exec(name)?.[0] ?? "";
  return { line, version, size };
}

/** What the encoder must know of a model and of the platform that serves it. */
export interface GeminiRules {
  /** How much it thinks is told by a level (3 and later), by a budget (2.5), or not at all. */
  readonly thinking: "level" | "budget" | "none";
  /** Levels of a model that takes them, from low to high. */
  readonly levels: readonly string[];
  /** Least and most tokens of a budget; 0 turns thinking off where `canStopThinking`. */
  readonly budget: readonly [min: number, max: number];
  readonly canStopThinking: boolean;
  /** Whether calls of the history need the signature that they came with. */
  readonly needsSignatures: boolean;
  readonly systemInstruction: boolean;
  /** Whether schemas are taken as JSON Schema; else in OpenAPI's subset. */
  readonly jsonSchema: boolean;
  /** Whether functions go with enforced JSON, and with hosted tools. */
  readonly combines: boolean;
  /** Whether media may stand in a function's result, and have a resolution of their own. */
  readonly mediaParts: boolean;
  readonly maxNameLength: number;
  /** Request fields, as contract paths, that the model is known to refuse. */
  readonly refused: ReadonlySet<string>;
}

/**
 * @param facts what the target knows of the model; what they leave open is told by its generation
 */
export function rulesOf(model: string, facts: ModelFacts): GeminiRules {
  const name = googleName(model);
  const { version, size } = name;
  const isNew = version >= newest;
  const { style, minBudget, maxBudget, canStop } = { ...facts.reasoning };
  const [min, max] = budgetOf(size);
  // Tuned models and those of names that say nothing are asked as they might be.
  const efforts = facts.efforts ?? (name.line === "" ? anyEffort : []);
  const thinks = efforts.length > 0 && style !== "none";
  return {
    thinking: !thinks ? "none" : (style === undefined ? isNew : style !== "budget") ? "level" : "budget",
    levels: efforts,
    budget: [minBudget ?? min, maxBudget ?? max],
    canStopThinking: canStop ?? (!isNew && size !== "pro"),
    needsSignatures: isNew && name.line === "gemini",
    systemInstruction: name.line !== "gemma",
    jsonSchema: version >= 205,
    combines: isNew,
    mediaParts: isNew,
    maxNameLength: isNew ? 128 : 64,
    refused: new Set(facts.parametersRefused),
  };
}

const anyEffort = ["minimal", "low", "medium", "high"];

function budgetOf(size: string): readonly [min: number, max: number] {
  return size === "pro" ? [128, 32_768] : size === "flash-lite" ? [512, 24_576] : [1, 24_576];
}
