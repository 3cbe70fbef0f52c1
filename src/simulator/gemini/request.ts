import type { Prompt } from "../compose.ts";
import { type Fields, isFields, isStrings } from "../json.ts";
import { readContents } from "./contents.ts";
import { invalid, unknownMember } from "./errors.ts";
import { generationOf } from "./models.ts";
import { checkSchema, type Offer, readTools, toJsonSchema } from "./tools.ts";

/** A generateContent request, understood. */
export interface GenerateAsk {
  readonly model: string;
  readonly prompt: Prompt;
  /** All texts of the request in order: what the prompt's tokens are counted from. */
  readonly texts: readonly string[];
  readonly candidates: number;
  readonly showsThoughts: boolean;
  /** Likeliest tokens to tell at each place; null tells no log probabilities. */
  readonly logprobs: number | null;
  /** Kinds of output, upper-case. */
  readonly modalities: readonly string[];
  readonly tier: string;
  /** What stands before the last turn: the prefix that is cached. */
  readonly prefix: string;
}

const members = (
  "contents systemInstruction tools toolConfig generationConfig safetySettings cachedContent labels serviceTier store " +
  "continuationToken model"
).split(" ");

/** @throws GoogleError naming the member that is wrong */
export function readGenerate(body: Fields, model: string): GenerateAsk {
  const unknown = Object.keys(body).find((name) => !members.includes(name));
  if (unknown !== undefined) throw unknownMember(unknown, "");
  const { isNew } = generationOf(model);
  const config = readConfig(body.generationConfig, model);
  const conversation = readContents(body.contents, isNew);
  const offer = readTools(body.tools, body.toolConfig);
  checkCombination(offer, config, body.toolConfig, isNew);
  checkSafety(body.safetySettings);
  const { contents } = body;
  return {
    model,
    prompt: {
      ...conversation,
      tools: offer.tools,
      toolChoice: offer.toolChoice,
      parallelCalls: true,
      schema: config.schema,
      stop: config.stop,
      maxTokens: config.maxTokens,
      reasons: config.reasons,
    },
    texts: [
      ...systemTexts(body.systemInstruction),
      ...(body.tools ? [JSON.stringify(body.tools)] : []),
      ...conversation.texts,
    ],
    candidates: config.candidates,
    showsThoughts: config.showsThoughts,
    logprobs: config.logprobs,
    modalities: config.modalities,
    tier: typeof body.serviceTier === "string" ? body.serviceTier : "standard",
    prefix: JSON.stringify([
      model,
      body.systemInstruction,
      body.tools,
      Array.isArray(contents) ? contents.slice(0, -1) : [],
    ]),
  };
}

function systemTexts(instruction: unknown): readonly string[] {
  if (instruction === undefined) return [];
  const parts = isFields(instruction) ? instruction.parts : undefined;
  if (!Array.isArray(parts)) throw invalid("Invalid value at 'system_instruction' (Content)", "system_instruction");
  return parts.map((part: unknown) => {
    if (!isFields(part) || typeof part.text !== "string") throw invalid("System instructions hold text only.");
    return part.text;
  });
}

/** What stood in generationConfig. */
interface Config {
  readonly schema: unknown;
  readonly isJson: boolean;
  readonly stop: readonly string[];
  readonly maxTokens: number | null;
  readonly candidates: number;
  readonly logprobs: number | null;
  readonly modalities: readonly string[];
  readonly reasons: boolean;
  readonly showsThoughts: boolean;
}

const configMembers = (
  "temperature topP topK candidateCount maxOutputTokens stopSequences responseLogprobs logprobs presencePenalty " +
  "frequencyPenalty seed responseMimeType responseSchema responseJsonSchema responseModalities mediaResolution " +
  "speechConfig thinkingConfig imageConfig enableEnhancedCivicAnswers audioTranscriptionConfig"
).split(" ");

function readConfig(given: unknown, model: string): Config {
  if (given !== undefined && !isFields(given))
    throw invalid("Invalid value at 'generation_config'", "generation_config");
  const config: Fields = given ?? {};
  const unknown = Object.keys(config).find((name) => !configMembers.includes(name));
  if (unknown !== undefined) throw unknownMember(unknown, "generation_config");
  readNumber(config, "temperature", [0, 2]);
  readNumber(config, "topP", [0, 1]);
  const candidates = readNumber(config, "candidateCount", [1, 8]) ?? 1;
  const stop = config.stopSequences ?? [];
  if (!isStrings(stop) || stop.length > 5)
    throw invalid("* GenerateContentRequest.generation_config.stop_sequences: at most 5.\n");
  const logprobs = readNumber(config, "logprobs", [0, 20]);
  if (logprobs !== undefined && config.responseLogprobs !== true) {
    throw invalid("logprobs can only be set when response_logprobs is true.", "generation_config.logprobs");
  }
  const modalities = config.responseModalities ?? ["TEXT"];
  if (!isStrings(modalities)) throw invalid("Invalid value at 'generation_config.response_modalities'");
  return {
    ...readFormat(config),
    ...readThinking(config.thinkingConfig, model),
    stop,
    maxTokens: readNumber(config, "maxOutputTokens", [1, 65_536]) ?? null,
    candidates,
    logprobs: config.responseLogprobs === true ? (logprobs ?? 0) : null,
    modalities,
  };
}

function readNumber(config: Fields, name: string, [min, max]: readonly [number, number]): number | undefined {
  const value = config[name];
  if (value === undefined) return undefined;
  if (typeof value !== "number" || value < min || value > max) {
    const at = `generation_config.${name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`;
    throw invalid(`* GenerateContentRequest.${at}: must be in the range [${min}, ${max}].\n`, at);
  }
  return value;
}

function readFormat(config: Fields): Pick<Config, "schema" | "isJson"> {
  const { responseMimeType: type, responseSchema, responseJsonSchema } = config;
  const isJson = type === "application/json";
  if (responseSchema !== undefined && responseJsonSchema !== undefined) {
    throw invalid("response_schema and response_json_schema are mutually exclusive.");
  }
  if ((responseSchema ?? responseJsonSchema) !== undefined && !isJson) {
    throw invalid("A response schema needs response_mime_type application/json.");
  }
  if (responseSchema !== undefined) checkSchema(responseSchema, "generation_config.response_schema");
  const schema = responseSchema === undefined ? responseJsonSchema : toJsonSchema(responseSchema);
  return {
    isJson,
    schema: schema ?? (isJson ? { type: "object", properties: { simulated: { type: "boolean" } } } : null),
  };
}

const levels = ["MINIMAL", "LOW", "MEDIUM", "HIGH"];

function readThinking(given: unknown, model: string): Pick<Config, "reasons" | "showsThoughts"> {
  const { isNew, thinks, thinksByDefault } = generationOf(model);
  if (given === undefined) return { reasons: thinksByDefault, showsThoughts: false };
  if (!isFields(given)) throw invalid("Invalid value at 'generation_config.thinking_config'");
  const { thinkingBudget: budget, thinkingLevel: level, includeThoughts } = given;
  if (!thinks) throw invalid("Thinking is not enabled for this model");
  if (budget !== undefined && level !== undefined)
    throw invalid("You can only set one of thinking budget and thinking level.");
  if (level !== undefined && !isNew) throw invalid("Thinking level is not supported for this model.");
  if (level !== undefined && !(typeof level === "string" && levels.includes(level.toUpperCase()))) {
    throw invalid(`Invalid value at 'generation_config.thinking_config.thinking_level': "${String(level)}"`);
  }
  const canStop = !isNew && !model.includes("pro");
  if (budget === 0 && !canStop) throw invalid("Budget 0 is invalid. This model only works in thinking mode.");
  if (budget !== undefined && !(typeof budget === "number" && budget >= -1 && budget <= 32_768)) {
    throw invalid("The thinking budget is invalid. Please choose a value between 0 and 32768.");
  }
  return { reasons: budget !== 0, showsThoughts: includeThoughts === true };
}

function checkCombination({ tools, hosted }: Offer, { isJson }: Config, toolConfig: unknown, isNew: boolean): void {
  if (isJson && tools.length > 0 && !isNew) {
    throw invalid("Function calling with a response mime type: 'application/json' is unsupported");
  }
  if (!hosted || tools.length === 0) return;
  if (!isNew) throw invalid("Built-in tools and Function Calling cannot be combined in the same request.");
  if (!isFields(toolConfig) || toolConfig.includeServerSideToolInvocations !== true) {
    throw invalid(
      "Please enable tool_config.include_server_side_tool_invocations to use Built-in tools with Function calling.",
    );
  }
}

function checkSafety(settings: unknown): void {
  if (settings === undefined) return;
  if (!Array.isArray(settings)) throw invalid("Invalid value at 'safety_settings'");
  for (const [i, one] of settings.entries()) {
    if (!isFields(one) || !/^HARM_CATEGORY_/.test(String(one.category))) {
      throw invalid(`Invalid value at 'safety_settings[${i}].category'`, `safety_settings[${i}].category`);
    }
    if (!/^(?:BLOCK_|OFF$)/.test(String(one.threshold))) {
      throw invalid(`Invalid value at 'safety_settings[${i}].threshold'`, `safety_settings[${i}].threshold`);
    }
  }
}
