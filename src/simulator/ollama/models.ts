import { unknownModel } from "./errors.ts";

interface Model {
  readonly pattern: RegExp;
  readonly family: string;
  /** In the server's own words. */
  readonly capabilities: readonly string[];
}

const known: readonly Model[] = [
  { pattern: /^embed$|^nomic-embed/, family: "nomic-bert", capabilities: ["embedding"] },
  {
    pattern: /^reasoner$|^(qwen|gpt-oss|deepseek)/,
    family: "qwen3",
    capabilities: ["completion", "tools", "thinking"],
  },
  { pattern: /^echo$|^(llama|mistral)/, family: "llama", capabilities: ["completion", "tools", "vision"] },
  { pattern: /^gemma:/, family: "gemma", capabilities: ["completion"] },
];

const pulled = ["echo", "reasoner", "embed"];
const pulledAt = "2026-01-01T00:00:00.000000001Z";
/** Tokens of prompt and answer together. */
export const contextLength = 32_768;

/** @param name with or without a tag. @throws WireError 404 when nobody has pulled it */
export function modelOf(name: string): Model {
  const model = known.find(({ pattern }) => pattern.test(name.replace(/:latest$/, "")));
  if (!model) throw unknownModel(name);
  return model;
}

export function tags(): object {
  const models = pulled.map((name) => ({
    name: `${name}:latest`,
    model: `${name}:latest`,
    modified_at: pulledAt,
    size: 1_000,
    digest: "0".repeat(64),
    details: detailsOf(modelOf(name)),
  }));
  return { models };
}

export function show(name: string): object {
  const model = modelOf(name);
  return {
    license: "",
    modelfile: `FROM ${name}`,
    parameters: "",
    template: "{{ .Prompt }}",
    details: detailsOf(model),
    model_info: { "general.architecture": model.family, [`${model.family}.context_length`]: contextLength },
    capabilities: model.capabilities,
    modified_at: pulledAt,
  };
}

function detailsOf({ family }: Model): object {
  return {
    parent_model: "",
    format: "gguf",
    family,
    families: [family],
    parameter_size: "1B",
    quantization_level: "Q4_0",
  };
}
