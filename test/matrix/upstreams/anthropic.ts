import { each, type Foreign, orderOf, textOf, textsIn } from "../foreign.ts";
import type { Upstream } from "./upstream.ts";

/** Messages: wire.md §4. */
export const anthropic: Upstream = {
  name: "Anthropic",
  kind: "anthropic",
  basePath: "/anthropic",
  isExact: true,
  needsCacheMark: true,
  model: (feature) => (feature === "reasoning effort" ? "claude-opus-4-8" : "claude-sonnet-4-5"),
  read: (body) => {
    const blocks = (role: string) =>
      each(body.messages)
        .filter((message) => message.role === role)
        .flatMap(({ content }) => (typeof content === "string" ? [{ type: "text", text: content }] : each(content)));
    const of = (role: string, type: string) => blocks(role).filter((block) => block.type === type);
    const { tool_choice: choice, output_config: output, thinking } = body;
    return {
      stream: body.stream === true,
      system: textsIn(body.system),
      text: textsIn(blocks("user")),
      images: of("user", "image").map(sourceOf),
      documents: of("user", "document").map(sourceOf),
      sounds: [],
      order: orderOf(blocks("user").map(({ type }) => type)),
      results: of("user", "tool_result").map(({ content, is_error: failed = false }) => ({
        text: textsIn(content),
        failed,
        images: each(content)
          .filter(({ type }) => type === "image")
          .map(sourceOf),
      })),
      calls: of("assistant", "tool_use").map(({ name, input }) => `${name} ${JSON.stringify(input)}`),
      tools: each(body.tools).map(({ name, input_schema: schema }) => ({ name, schema })),
      choice: textOf(choice?.name) || choices[choice?.type] || null,
      oneCallAtATime: choice?.disable_parallel_tool_use === true,
      schema: output?.format?.schema,
      isJson: false,
      effort: textOf(output?.effort) || null,
      budget: thinking?.budget_tokens,
      isOff: thinking?.type === "disabled",
      thoughts: of("assistant", "thinking").flatMap(({ signature }) => textOf(signature) || []),
      stop: each(body.stop_sequences),
      maxTokens: body.max_tokens,
      choices: undefined,
      logprobs: false,
      topLogprobs: undefined,
      seed: undefined,
      temperature: body.temperature,
      topP: body.top_p,
      topK: body.top_k,
      frequencyPenalty: undefined,
      endUser: body.metadata?.user_id,
    };
  },
};

const choices: Readonly<Record<string, string>> = { any: "required", none: "none" };

function sourceOf({ source }: Foreign): string {
  return textOf(source?.data) || textOf(source?.url);
}
