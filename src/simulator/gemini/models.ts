import { GoogleError } from "./errors.ts";

const generating = ["generateContent", "countTokens", "createCachedContent", "batchGenerateContent"];

const models = [
  { id: "gemini-echo", methods: generating, thinking: false },
  { id: "gemini-reasoner", methods: generating, thinking: true },
  { id: "gemini-embedding-echo", methods: ["embedContent", "countTextTokens"], thinking: undefined },
].map(({ id, methods, thinking }) => ({
  name: `models/${id}`,
  version: "001",
  displayName: `${id} (simulated)`,
  description: "Simulated: no model is asked.",
  inputTokenLimit: 1_048_576,
  outputTokenLimit: 65_536,
  supportedGenerationMethods: methods,
  temperature: 1,
  topP: 0.95,
  topK: 64,
  maxTemperature: 2,
  ...(thinking === undefined ? {} : { thinking }),
}));

const usualPage = 50;
const maxPage = 1_000;

/** @param query `pageSize` and `pageToken` */
export function modelPage(query: URLSearchParams): object {
  const size = Number(query.get("pageSize") ?? usualPage);
  const begin = Number(query.get("pageToken") ?? 0);
  if (!Number.isInteger(size) || size < 0) throw new GoogleError(400, "page_size must not be negative.");
  if (!Number.isInteger(begin) || begin < 0) throw new GoogleError(400, "page token is invalid.");
  const end = begin + Math.min(size === 0 ? usualPage : size, maxPage);
  return { models: models.slice(begin, end), ...(end < models.length && { nextPageToken: String(end) }) };
}

/** @param name `models/x` */
export function modelAt(name: string): object {
  const model = models.find((one) => one.name === name);
  if (!model) throw new GoogleError(404, `Model is not found: ${name} for api version v1beta`);
  return model;
}

/** What differs between generations of models. */
export interface Generation {
  /** 3 and later: levels, ids of calls, signatures that have to come back. */
  readonly isNew: boolean;
  readonly thinksByDefault: boolean;
  readonly thinks: boolean;
}

export function generationOf(model: string): Generation {
  const major = Number(/gemini-(\d+)/.exec(model)?.[1] ?? 3);
  const thinksByDefault = model === "gemini-reasoner" || /gemini-(?:2\.5-pro|3)/.test(model);
  return { isNew: major >= 3, thinksByDefault, thinks: major >= 3 || model.startsWith("gemini-2.5") };
}

export function isEmbedding(model: string): boolean {
  return /^gemini-embedding-|^text-embedding-/.test(model);
}

export function isGenerating(model: string): boolean {
  return /^(?:gemini|gemma)-/.test(model) && !isEmbedding(model);
}
