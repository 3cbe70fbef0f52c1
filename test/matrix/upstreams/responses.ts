import type { FeatureName } from "../features.ts";
import { each, type Foreign, orderOf, textOf, textsIn } from "../foreign.ts";
import type { Upstream } from "./upstream.ts";

const plain: readonly FeatureName[] = ["logprobs", "temperature", "top_p"];

/** OpenAI's Responses API: wire.md §3. */
export const responses: Upstream = {
  name: "OpenAI Responses",
  kind: "openai",
  basePath: "/openai/v1",
  isExact: true,
  needsCacheMark: false,
  models: [{ id: "gpt-4.1", api: "responses" }, { id: "gpt-5.1", api: "responses" }, { id: "gpt-5.4-pro" }],
  // Models that live there alone reason, and refuse sampling and log probabilities; others can be asked there too.
  model: (feature) => (plain.includes(feature) ? "gpt-4.1" : feature === "reasoning off" ? "gpt-5.1" : "gpt-5.4-pro"),
  read: (body) => {
    const items = typeof body.input === "string" ? [{ role: "user", content: body.input }] : each(body.input);
    const said = (...roles: string[]) => items.filter(({ role }) => roles.includes(role));
    const parts = said("user").flatMap(({ content }) => each(content));
    const of = (type: string) => items.filter((item) => item.type === type);
    const { tool_choice: choice } = body;
    const format = body.text?.format;
    return {
      stream: body.stream === true,
      system: [
        textOf(body.instructions),
        ...said("system", "developer").map(({ content }: Foreign) => textsIn(content)),
      ].join("\n"),
      text: said("user")
        .map(({ content }) => textsIn(content))
        .join("\n"),
      images: imagesIn(parts),
      documents: parts.flatMap((part) => textOf(part.file_data) || []),
      sounds: parts.flatMap((part) => textOf(part.input_audio?.data) || []),
      order: orderOf(parts.map(({ type }) => textOf(type).replace("input_", ""))),
      results: of("function_call_output").map(({ output }) => ({
        text: textsIn(output),
        images: imagesIn(each(output)),
        failed: false,
      })),
      calls: of("function_call").map((call) => `${call.name} ${call.arguments}`),
      tools: each(body.tools).map(({ name, parameters }) => ({ name, schema: parameters })),
      choice: textOf(choice?.name) || textOf(choice) || null,
      oneCallAtATime: body.parallel_tool_calls === false,
      schema: format?.schema,
      isJson: format?.type === "json_object",
      effort: textOf(body.reasoning?.effort) || null,
      budget: undefined,
      isOff: body.reasoning?.effort === "none",
      thoughts: of("reasoning").flatMap((item) => textOf(item.encrypted_content) || []),
      stop: [],
      maxTokens: body.max_output_tokens,
      choices: undefined,
      logprobs: each(body.include).includes("message.output_text.logprobs"),
      topLogprobs: body.top_logprobs,
      seed: undefined,
      temperature: body.temperature,
      topP: body.top_p,
      topK: undefined,
      frequencyPenalty: undefined,
      endUser: body.safety_identifier,
    };
  },
};

function imagesIn(parts: readonly Foreign[]): readonly string[] {
  return parts.flatMap((part) => textOf(part.image_url) || []);
}
