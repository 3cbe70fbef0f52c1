import { countOf, type Fields, fieldsOf, textOf } from "../../dialects/openai-chat/wire.ts";
import type { ModelFacts, ModelPrices } from "../../domain/model-facts.ts";
import { wordsIn } from "../chat-completions/model-page.ts";

/** What OpenRouter's list tells of a model. */
export function factsIn(entry: Fields): ModelFacts {
  const architecture = fieldsOf(entry, "architecture");
  const contextWindow = countOf(entry, "context_length");
  const maxOutputTokens = countOf(fieldsOf(entry, "top_provider"), "max_completion_tokens");
  const [input, output] = [wordsIn(architecture, "input_modalities"), wordsIn(architecture, "output_modalities")];
  const parameters = wordsIn(entry, "supported_parameters");
  const name = textOf(entry, "name");
  const prices = pricesIn(fieldsOf(entry, "pricing"));
  return {
    ...(contextWindow !== undefined && { contextWindow }),
    ...(maxOutputTokens !== undefined && { maxOutputTokens }),
    // Theirs are called files; documents are what the contract has.
    ...(input && { inputModalities: input.map((one) => (one === "file" ? "document" : one)) }),
    ...(output && { outputModalities: output }),
    ...(parameters && { capabilities: capabilitiesOf(parameters) }),
    ...(name !== "" && { displayName: name }),
    ...(prices && { prices }),
  };
}

const capabilities: readonly (readonly [parameter: string, capability: string])[] = [
  ["tools", "tools"],
  ["structured_outputs", "json_schema"],
  ["reasoning", "reasoning"],
  ["logprobs", "logprobs"],
];

function capabilitiesOf(parameters: readonly string[]): readonly string[] {
  const found = capabilities.flatMap(([parameter, capability]) => (parameters.includes(parameter) ? [capability] : []));
  return [...found, "streaming"];
}

/** USD for one token, as text; below zero where a router chooses the model and with it the price. */
function pricesIn(pricing: Fields): ModelPrices | undefined {
  const [input, output] = [
    Number.parseFloat(textOf(pricing, "prompt")),
    Number.parseFloat(textOf(pricing, "completion")),
  ];
  if (!(input >= 0 && output >= 0)) return undefined;
  return {
    inputNanoUsd: Math.round(input * 1e15),
    outputNanoUsd: Math.round(output * 1e15),
    version: "openrouter list",
  };
}
