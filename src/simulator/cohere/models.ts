import { invalid, unknownModel } from "./errors.ts";

interface Model {
  readonly name: string;
  readonly endpoints: readonly string[];
  readonly features: readonly string[] | null;
  readonly context_length: number;
}

const chat = ["tools", "json_mode", "json_schema", "logprobs"];
const models: readonly Model[] = [
  { name: "command-echo", endpoints: ["chat"], features: [...chat, "vision"], context_length: 128_000 },
  { name: "command-reasoner", endpoints: ["chat"], features: [...chat, "reasoning"], context_length: 256_000 },
  { name: "embed-echo", endpoints: ["embed"], features: null, context_length: 128_000 },
];

/** Names as Cohere gives them are known as well. @throws WireError 404 for others */
export function modelOf(name: string): Model {
  const named = models.find((model) => model.name === name);
  if (named) return named;
  const like = name.startsWith("embed-") ? 2 : name.startsWith("command-a-reasoning") ? 1 : 0;
  const model = /^(command|embed)-/.test(name) ? models[like] : undefined;
  if (!model) throw unknownModel(name);
  return model;
}

const usualPage = 20;
const maxPage = 1_000;

/** @param query `page_size` and `page_token` */
export function modelPage(query: URLSearchParams): object {
  const size = Number(query.get("page_size") ?? usualPage);
  if (!Number.isInteger(size) || size < 1 || size > maxPage) throw invalid(`page_size must be from 1 to ${maxPage}`);
  const begin = Number(query.get("page_token") ?? 0);
  const page = models.slice(begin, begin + size).map((model) => ({
    ...model,
    is_deprecated: false,
    finetuned: false,
    tokenizer_url: null,
    default_endpoints: [],
    sampling_defaults: null,
  }));
  const more = begin + size < models.length;
  return { models: page, ...(more && { next_page_token: String(begin + size) }) };
}
