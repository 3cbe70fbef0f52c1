import type { ModelFacts } from "../../domain/model-facts.ts";

/** A Google model by its name, whatever a platform wrote around it. */
interface GoogleName {
  /** `gemini` or `gemma`; "" for names that say neither. */
  readonly line: "gemini" | "gemma" | "";
  /** Major and minor version as one comparable number: 2.5 is 205. Aliases such as `gemini-flash-latest` are the newest. */
  readonly version: number;
  /** `pro`, `flash`, `flash-lite`, … */
  readonly size: string;
  /** What it is made for, where that is not chat: `image`, `tts`, `embedding`, `live`. */
  readonly purpose: string;
}

const newest = 300;

function googleName(model: string): GoogleName {
  const name = model.replace(/^.*\//, "").toLowerCase();
  const line = name.startsWith("gemma") ? "gemma" : name.includes("gemini") ? "gemini" : "";
  const [, major, minor] = /gemini-(\d{1,2})(?:\.(\d{1,2}))?(?![\d])/.exec(name) ?? [];
  const version = line === "gemma" ? 0 : major === undefined ? newest : Number(major) * 100 + Number(minor ?? 0);
  const size = /flash-lite|flash|pro|ultra|nano/.exec(name)?.[0] ?? "";
  const purpose = /embedding|image|tts|live/.exec(name)?.[0] ?? "";
  return { line, version, size, purpose };
}

/** What is known of a model by its family. Prefer what the provider's own list says. */
export function factsOf(model: string): ModelFacts {
  const name = googleName(model);
  if (name.purpose === "embedding") return { capabilities: ["embeddings"], inputModalities: ["text"] };
  if (name.line === "") return {};
  if (name.line === "gemma")
    return { inputModalities: ["text", "image"], outputModalities: ["text"], capabilities: [] };
  const { version, purpose } = name;
  const efforts = effortsOf(name);
  return {
    ...(version >= 200 && purpose === ""
      ? { contextWindow: 1_048_576, maxOutputTokens: version < 205 ? 8_192 : 65_536 }
      : {}),
    inputModalities: purpose === "tts" ? ["text"] : ["text", "image", "audio", "video", "document"],
    outputModalities: outputsOf(purpose),
    capabilities: [
      ...(purpose === "tts" ? [] : ["caching", "batch"]),
      ...(purpose === "" ? ["tools", "json_schema"] : []),
      ...(efforts === undefined ? [] : ["reasoning"]),
    ],
    ...(efforts === undefined ? {} : { efforts }),
  };
}

function outputsOf(purpose: string): readonly string[] {
  if (purpose === "image") return ["text", "image"];
  return purpose === "tts" ? ["audio"] : ["text"];
}

function effortsOf({ line, version, size, purpose }: GoogleName): readonly string[] | undefined {
  if (line !== "gemini" || version < 205 || purpose === "tts") return undefined;
  if (version < newest) return purpose === "image" ? undefined : ["minimal", "low", "medium", "high"];
  if (size !== "pro") return ["minimal", "low", "medium", "high"];
  return version === newest ? ["low", "high"] : ["low", "medium", "high"];
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

/** @param facts what the target knows of the model; they win over its family's */
export function rulesOf(model: string, facts: ModelFacts): GeminiRules {
  const name = googleName(model);
  const { version, size } = name;
  const isNew = version >= newest;
  const efforts = facts.efforts ?? effortsOf(name) ?? (name.line === "" ? ["minimal", "low", "medium", "high"] : []);
  const thinks = efforts.length > 0;
  return {
    thinking: !thinks ? "none" : isNew ? "level" : "budget",
    levels: efforts,
    budget: size === "pro" ? [128, 32_768] : size === "flash-lite" ? [512, 24_576] : [1, 24_576],
    canStopThinking: !isNew && size !== "pro",
    needsSignatures: isNew && name.line === "gemini",
    systemInstruction: name.line !== "gemma",
    jsonSchema: version >= 205,
    combines: isNew,
    mediaParts: isNew,
    maxNameLength: isNew ? 128 : 64,
    refused: new Set(facts.parametersRefused),
  };
}
