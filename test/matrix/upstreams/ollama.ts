import type { FeatureName } from "../features.ts";
import { each, textOf } from "../foreign.ts";
import type { Upstream } from "./upstream.ts";

const thinking: readonly FeatureName[] = [
  "reasoning effort",
  "reasoning budget",
  "thoughts shown",
  "reasoning round trip",
];

/** Ollama's own `/api/chat`: wire.md §8.1. */
export const ollama: Upstream = {
  name: "Ollama",
  kind: "ollama",
  basePath: "/ollama",
  isExact: false,
  needsCacheMark: false,
  model: (feature) => (thinking.includes(feature) ? "gpt-oss:20b" : feature === "reasoning off" ? "qwen3" : "llama4"),
  read: (body) => {
    const of = (role: string) => each(body.messages).filter((message) => message.role === role);
    const texts = (role: string) =>
      of(role)
        .map(({ content }) => textOf(content))
        .join("\n");
    const options = body.options ?? {};
    return {
      stream: body.stream !== false,
      system: texts("system"),
      text: texts("user"),
      images: of("user").flatMap(({ images }) => each(images)),
      documents: [],
      sounds: [],
      order: "",
      results: of("tool").map(({ content, images }) => ({
        text: textOf(content),
        images: each(images),
        failed: false,
      })),
      calls: of("assistant").flatMap(({ tool_calls: calls }) =>
        each(calls).map((call) => `${call.function.name} ${JSON.stringify(call.function.arguments)}`),
      ),
      tools: each(body.tools).map((tool) => ({ name: tool.function?.name, schema: tool.function?.parameters })),
      choice: null,
      oneCallAtATime: false,
      schema: typeof body.format === "object" ? body.format : undefined,
      isJson: body.format === "json",
      effort: textOf(body.think) || null,
      budget: undefined,
      isOff: body.think === false,
      thoughts: of("assistant").flatMap((message) => textOf(message.thinking) || []),
      stop: each(options.stop),
      maxTokens: options.num_predict,
      choices: undefined,
      logprobs: body.logprobs === true,
      topLogprobs: body.top_logprobs,
      seed: options.seed,
      temperature: options.temperature,
      topP: options.top_p,
      topK: options.top_k,
      frequencyPenalty: options.frequency_penalty,
      endUser: undefined,
    };
  },
};
