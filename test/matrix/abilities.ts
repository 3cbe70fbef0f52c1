import type { FeatureName } from "./features.ts";

/** Why a provider cannot do something. */
export interface Reason {
  readonly why: string;
  /** Where that is read: a section of the reference of wire formats, wire.md. */
  readonly source: string;
}

type Inabilities = Partial<Readonly<Record<FeatureName, Reason>>>;

const because = (why: string, source: string): Reason => ({ why, source });

const textResults = because("results of tools hold text alone", "§2.2");
const noRefusals = (source: string) => because("a refusal is text like any other", source);
const noSeed = because("no such setting", "§17.1");
const oneAnswer = because("one answer to a question", "§17.1");
const noLogprobs = because("gives no log probabilities", "§17.1");
const noSound = because("reads no sound", "§17.1");
const noPdf = because("reads no PDF", "§17.1");
const noSingle = because("no setting for one call at a time", "§17.1");
const bothLogprobs = (reason: Reason): Inabilities => ({ logprobs: reason, "logprobs, streamed": reason });

const openaiChat: Inabilities = {
  "tool results with images": textResults,
  "thoughts shown": because("shows no thoughts", "§17.2"),
  "reasoning round trip": because("shows no thoughts, and takes none back", "§17.2"),
};

/**
 * What a provider cannot do by its own documentation, whoever asks. All else it can: there a cell that is refused is a
 * fault of the gateway.
 */
export const cannot: Readonly<Record<string, Inabilities>> = {
  "OpenAI chat": openaiChat,
  "Azure OpenAI": openaiChat,
  "OpenAI Responses": {
    audio: because("reads no sound", "§3.1"),
    stop: because("no such setting", "§3.1"),
    seed: because("no such setting", "§3.1"),
    "n > 1": because("one answer to a question", "§3.1"),
    "thoughts shown": because("shows a summary of its thoughts, not the thoughts", "§17.2"),
  },
  Anthropic: {
    audio: noSound,
    "JSON mode": because("JSON by a schema only", "§4.1"),
    "n > 1": oneAnswer,
    seed: noSeed,
    ...bothLogprobs(noLogprobs),
  },
  Gemini: { "one call at a time": noSingle },
  Groq: {
    PDF: noPdf,
    audio: noSound,
    "n > 1": oneAnswer,
    ...bothLogprobs(noLogprobs),
    refusal: noRefusals("§6"),
  },
  xAI: { "tool results with images": textResults, PDF: noPdf, audio: noSound, refusal: noRefusals("§7") },
  DeepSeek: {
    "tool results with images": textResults,
    PDF: noPdf,
    audio: noSound,
    "JSON schema": because("JSON without a schema only", "§9"),
    "one call at a time": noSingle,
    "n > 1": oneAnswer,
    seed: noSeed,
    refusal: noRefusals("§9"),
  },
  OpenRouter: {
    "tool results with images": textResults,
    "n > 1": because("no such setting", "§10"),
    refusal: noRefusals("§10"),
  },
  Mistral: {
    ...bothLogprobs(noLogprobs),
    "cache usage": because("tells no count of cached tokens", "§12"),
    refusal: noRefusals("§12"),
  },
  vLLM: {
    "tool results with images": textResults,
    PDF: because("reads no PDF", "§16"),
    "cache usage": because("tells no count of cached tokens unless it was started to", "§16"),
    refusal: noRefusals("§16"),
  },
  Ollama: {
    "forced tool": because("cannot force a call", "§8.1"),
    "one call at a time": noSingle,
    "image by address": because("fetches nothing", "§8.1"),
    PDF: noPdf,
    audio: noSound,
    "n > 1": oneAnswer,
    "cache usage": because("leaves cached tokens out of its count", "§8.1"),
    refusal: noRefusals("§8.1"),
  },
  Cohere: {
    "forced tool": because("knows the duty to call, not a tool's name", "§13"),
    "one call at a time": noSingle,
    "tool results with images": because("results of tools hold text and documents", "§13"),
    PDF: noPdf,
    audio: noSound,
    "reasoning effort": because("knows budgets of tokens, no efforts", "§13"),
    "n > 1": oneAnswer,
    ...bothLogprobs(because("tells of chosen tokens, not of alternatives", "§17.1")),
    refusal: noRefusals("§13"),
  },
};
