import { type FeatureName, wholeOf } from "./features.ts";

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
const noFlag = because("results of tools have no flag for failures", "§17.1");
const noBudgets = because("knows efforts, no budgets of tokens", "§17.3");
const noTopK = because("no such setting", "§17.1");
const noEndUser = (source: string) => because("no such setting", source);

const openaiChat: Inabilities = {
  "failed tool": noFlag,
  "reasoning budget": noBudgets,
  top_k: noTopK,
  "tool results with images": textResults,
  "thoughts shown": because("shows no thoughts", "§17.2"),
  "reasoning round trip": because("shows no thoughts, and takes none back", "§17.2"),
};

/**
 * What a provider cannot do by its own documentation, whoever asks. All else it can: there a cell that is refused is a
 * fault of the gateway.
 */
const inabilities: Readonly<Record<string, Inabilities>> = {
  "OpenAI chat": openaiChat,
  "Azure OpenAI": openaiChat,
  "OpenAI Responses": {
    "failed tool": noFlag,
    "reasoning budget": noBudgets,
    top_k: because("no such setting", "§3.1"),
    "frequency penalty": because("no such setting", "§3.1"),
    audio: because("reads no sound", "§3.1"),
    stop: because("no such setting", "§3.1"),
    seed: because("no such setting", "§3.1"),
    "n > 1": because("one answer to a question", "§3.1"),
    "thoughts shown": because("shows a summary of its thoughts, not the thoughts", "§17.2"),
  },
  Anthropic: {
    "frequency penalty": because("no such setting", "§4.1"),
    audio: noSound,
    "JSON mode": because("JSON by a schema only", "§4.1"),
    "n > 1": oneAnswer,
    seed: noSeed,
    logprobs: noLogprobs,
  },
  Bedrock: {
    "one call at a time": noSingle,
    "image by address": because("reads the content itself, and S3", "§14"),
    "JSON mode": because("JSON by a schema only", "§14"),
    "n > 1": oneAnswer,
    seed: noSeed,
    logprobs: noLogprobs,
    "frequency penalty": because("no such setting", "§14"),
    "end user": noEndUser("§14"),
  },
  Gemini: { "one call at a time": noSingle, "end user": noEndUser("§5.1") },
  Vertex: { "one call at a time": noSingle, "end user": noEndUser("§5.1") },
  Groq: {
    "failed tool": noFlag,
    "reasoning budget": noBudgets,
    top_k: noTopK,
    PDF: noPdf,
    audio: noSound,
    "n > 1": oneAnswer,
    logprobs: noLogprobs,
    refusal: noRefusals("§6"),
  },
  xAI: {
    "failed tool": noFlag,
    "reasoning budget": noBudgets,
    top_k: noTopK,
    "tool results with images": textResults,
    PDF: noPdf,
    audio: noSound,
    refusal: noRefusals("§7"),
  },
  DeepSeek: {
    "failed tool": noFlag,
    "reasoning budget": noBudgets,
    top_k: noTopK,
    "end user": noEndUser("§9"),
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
    "failed tool": noFlag,
    "tool results with images": textResults,
    "n > 1": because("no such setting", "§10"),
    refusal: noRefusals("§10"),
  },
  Mistral: {
    "failed tool": noFlag,
    "reasoning budget": noBudgets,
    top_k: noTopK,
    "end user": noEndUser("§12"),
    logprobs: noLogprobs,
    "cache usage": because("tells no count of cached tokens", "§12"),
    refusal: noRefusals("§12"),
  },
  vLLM: {
    "failed tool": noFlag,
    "reasoning budget": noBudgets,
    "tool results with images": textResults,
    PDF: because("reads no PDF", "§16"),
    "cache usage": because("tells no count of cached tokens unless it was started to", "§16"),
    refusal: noRefusals("§16"),
  },
  Ollama: {
    "tool required": because("cannot force a call", "§8.1"),
    "tools forbidden": because("knows no choice of tools: it is offered none", "§8.1"),
    "failed tool": noFlag,
    "order of parts": because("pictures stand beside the text, not in it", "§8.1"),
    "reasoning budget": noBudgets,
    "end user": noEndUser("§8.1"),
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
    "failed tool": noFlag,
    "end user": noEndUser("§13"),
    "forced tool": because("knows the duty to call, not a tool's name", "§13"),
    "one call at a time": noSingle,
    "tool results with images": because("results of tools hold text and documents", "§13"),
    PDF: noPdf,
    audio: noSound,
    "reasoning effort": because("knows budgets of tokens, no efforts", "§13"),
    "n > 1": oneAnswer,
    logprobs: because("tells of chosen tokens, not of alternatives", "§17.1"),
    refusal: noRefusals("§13"),
  },
};

/** Names of the providers that the table tells of. */
export const toldOf: readonly string[] = Object.keys(inabilities);

/** Why a provider cannot do something; null where it can. A stream can what a whole answer can. */
export function reasonOf(provider: string, feature: FeatureName): Reason | null {
  const told = inabilities[provider] ?? {};
  return told[feature] ?? told[wholeOf(feature)] ?? null;
}
