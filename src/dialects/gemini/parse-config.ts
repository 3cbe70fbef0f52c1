import { create } from "@bufbuild/protobuf";
import {
  AudioOutputSchema,
  type ChatRequest,
  ImageOutputSchema,
  JsonSchemaFormatSchema,
  type OutputOptions,
  OutputOptionsSchema,
  ReasoningSchema,
  ResponseFormatSchema,
} from "../../../gen/trunkline/v1/chat_pb.ts";
import { invalid, toObject, toWord } from "../json-read.ts";
import type { Parsing } from "./gemini-parsing.ts";
import { toJsonSchema } from "./parse-schema.ts";
import { enumWord, type ProtoObject } from "./proto-object.ts";

const maxInt32 = 2_147_483_647;
const anyCount = [0, maxInt32] as const;

/** Reads `generationConfig`; what only Google knows of it is kept for Google. */
export function parseGenerationConfig(root: ProtoObject, parsing: Parsing): void {
  const config = root.object("generationConfig", "");
  if (config === undefined) return;
  const { request, native } = parsing;
  parseSampling(config, request);
  parseFormat(config, request);
  parseThinking(config, parsing);
  parseOutput(config, parsing);
  const resolution = config.get("mediaResolution");
  if (resolution !== undefined) {
    const word = enumWord(resolution, config.at("mediaResolution", "media_resolution"), "MEDIA_RESOLUTION_");
    if (word !== "") request.mediaResolution = word;
  }
  config.noteRest(parsing, native.generationConfig);
}

const maxStops = 16;

function parseSampling(config: ProtoObject, request: ChatRequest): void {
  const numbers = [
    ["temperature", "temperature", config.number("temperature", "temperature", [0, 2])],
    ["topP", "top_p", config.number("topP", "top_p", [0, 1])],
    ["frequencyPenalty", "frequency_penalty", config.number("frequencyPenalty", "frequency_penalty", [-2, 2])],
    ["presencePenalty", "presence_penalty", config.number("presencePenalty", "presence_penalty", [-2, 2])],
    ["topK", "top_k", config.integer("topK", "top_k", anyCount)],
    ["maxOutputTokens", "max_output_tokens", config.integer("maxOutputTokens", "max_output_tokens", anyCount)],
    ["choiceCount", "choice_count", config.integer("candidateCount", "choice_count", [1, 128])],
    ["topLogprobs", "top_logprobs", config.integer("logprobs", "top_logprobs", [0, 20])],
  ] as const;
  for (const [name, , value] of numbers) if (value !== undefined) request[name] = value;
  const seed = config.integer("seed", "seed", [-maxInt32 - 1, maxInt32]);
  if (seed !== undefined) request.seed = BigInt(seed);
  const logprobs = config.flag("responseLogprobs", "logprobs");
  if (logprobs !== undefined) request.logprobs = logprobs;
  const stops = config.list("stopSequences", "stop", maxStops);
  if (stops) request.stop = stops.map(({ value, place }) => toWord(value, place, 256));
}

const maxSchemaBytes = 1_048_576;

/** `responseMimeType` with a schema, in Google's subset of OpenAPI or as JSON Schema. */
function parseFormat(config: ProtoObject, request: ChatRequest): void {
  const type = config.word("responseMimeType", "response_format", 128, 0) ?? "";
  // The second name is an older one of the same.
  const [name] = ["responseJsonSchema", "_responseJsonSchema", "responseSchema"].filter((one) => config.has(one));
  if (name === undefined) {
    if (type === "application/json") {
      const value = { $typeName: "trunkline.v1.JsonObjectFormat" } as const;
      request.responseFormat = create(ResponseFormatSchema, { kind: { case: "jsonObject", value } });
    } else if (type !== "" && type !== "text/plain" && type !== "text/x.enum") {
      throw invalid(
        config.at("responseMimeType", "response_format"),
        "must be 'text/plain', 'application/json' or 'text/x.enum'.",
      );
    }
    return;
  }
  const at = config.at(name, "response_format.json_schema.schema");
  const schema = toObject(config.get(name), at);
  const text = name === "responseSchema" ? JSON.stringify(toJsonSchema(schema)) : (config.slice(name)?.text ?? "{}");
  if (Buffer.byteLength(text) > maxSchemaBytes) throw invalid(at, `must have at most ${maxSchemaBytes} bytes.`);
  const value = create(JsonSchemaFormatSchema, { schema: text });
  request.responseFormat = create(ResponseFormatSchema, { kind: { case: "jsonSchema", value } });
}

/** A level or a budget; a budget of 0 is no reasoning at all. */
function parseThinking(config: ProtoObject, parsing: Parsing): void {
  const thinking = config.object("thinkingConfig", "reasoning");
  if (thinking === undefined) return;
  const reasoning = create(ReasoningSchema);
  const shows = thinking.flag("includeThoughts", "include_text");
  if (shows !== undefined) reasoning.includeText = shows;
  const given = thinking.get("thinkingLevel");
  const level = given === undefined ? "" : enumWord(given, thinking.at("thinkingLevel", "effort"), "THINKING_LEVEL_");
  const budget = thinking.integer("thinkingBudget", "budget_tokens", [-1, maxInt32]);
  if (level !== "" && budget !== undefined) {
    throw invalid(
      thinking.at("thinkingBudget", "budget_tokens"),
      "cannot stand beside thinkingLevel: set one of them.",
    );
  }
  if (level !== "") reasoning.effort = level;
  else if (budget === 0) reasoning.effort = "none";
  else if (budget !== undefined) reasoning.budgetTokens = budget;
  thinking.noteRest(parsing, parsing.native.thinkingConfig);
  parsing.request.reasoning = reasoning;
}

/** What the answer is made of: text, pictures, speech. */
function parseOutput(config: ProtoObject, parsing: Parsing): void {
  const modalities = config.list("responseModalities", "output.modalities", 8);
  const output: OutputOptions = create(OutputOptionsSchema);
  if (modalities) {
    output.modalities = modalities
      .map(({ value, place }) => enumWord(value, place, "MODALITY_"))
      .filter((word) => word !== "");
  }
  const voice = parseVoice(config, parsing);
  if (voice !== undefined) output.audio = create(AudioOutputSchema, { voice });
  const image = config.object("imageConfig", "output.image");
  if (image) {
    const aspectRatio = image.word("aspectRatio", "aspect_ratio", 64) ?? "";
    const size = image.word("imageSize", "size", 64) ?? "";
    image.noteRest(parsing, parsing.native.imageConfig);
    if (aspectRatio !== "" || size !== "") output.image = create(ImageOutputSchema, { aspectRatio, size });
  }
  if (output.modalities.length > 0 || output.audio || output.image) parsing.request.output = output;
}

function parseVoice(config: ProtoObject, parsing: Parsing): string | undefined {
  const speech = config.object("speechConfig", "output.audio");
  if (speech === undefined) return undefined;
  const prebuilt = speech.object("voiceConfig", "voice")?.object("prebuiltVoiceConfig", "");
  const voice = prebuilt?.word("voiceName", "", 256, 0);
  speech.noteRest(parsing, parsing.native.speechConfig);
  return voice || undefined;
}
