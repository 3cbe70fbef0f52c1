import { each, type Foreign, orderOf, textOf, textsIn } from "../foreign.ts";
import type { Upstream } from "./upstream.ts";

/** Converse: wire.md §14. */
export const bedrock: Upstream = {
  name: "Bedrock",
  kind: "bedrock",
  basePath: "/bedrock",
  isExact: false,
  needsCacheMark: true,
  model: (feature) =>
    feature === "reasoning effort" ? "us.anthropic.claude-opus-4-8-v1:0" : "us.anthropic.claude-sonnet-4-5-v1:0",
  read: (body, path) => {
    const blocks = (role: string) =>
      each(body.messages)
        .filter((message) => message.role === role)
        .flatMap(({ content }) => each(content));
    const of = (role: string, kind: string) => blocks(role).flatMap((block) => (block[kind] ? [block[kind]] : []));
    const { inferenceConfig: config = {}, additionalModelRequestFields: own = {}, toolConfig } = body;
    const structure = body.outputConfig?.textFormat?.structure?.jsonSchema?.schema;
    return {
      stream: path.includes("/converse-stream"),
      system: textsIn(body.system),
      text: textsIn(blocks("user")),
      images: of("user", "image").map(sourceOf),
      documents: of("user", "document").map(sourceOf),
      sounds: of("user", "audio").map(sourceOf),
      order: orderOf(blocks("user").map((block) => Object.keys(block)[0] ?? "")),
      results: of("user", "toolResult").map(({ content, status }) => ({
        text: textsIn(content),
        failed: status === "error",
        images: each(content).flatMap(({ image }) => (image ? [sourceOf(image)] : [])),
      })),
      calls: of("assistant", "toolUse").map(({ name, input }) => `${name} ${JSON.stringify(input)}`),
      tools: each(toolConfig?.tools).flatMap(({ toolSpec: spec }) =>
        spec ? [{ name: spec.name, schema: spec.inputSchema.json }] : [],
      ),
      choice: textOf(toolConfig?.toolChoice?.tool?.name) || (toolConfig?.toolChoice?.any ? "required" : null),
      oneCallAtATime: false,
      schema: structure === undefined ? undefined : JSON.parse(structure),
      isJson: false,
      effort: textOf(own.output_config?.effort) || null,
      budget: own.thinking?.budget_tokens,
      isOff: own.thinking?.type === "disabled",
      thoughts: of("assistant", "reasoningContent").flatMap(
        ({ reasoningText: thought }) => textOf(thought?.signature) || [],
      ),
      stop: each(config.stopSequences),
      maxTokens: config.maxTokens,
      choices: undefined,
      logprobs: false,
      topLogprobs: undefined,
      seed: undefined,
      temperature: config.temperature,
      topP: config.topP,
      topK: own.top_k,
      frequencyPenalty: undefined,
      endUser: undefined,
    };
  },
};

function sourceOf({ source }: Foreign): string {
  return textOf(source?.bytes) || textOf(source?.s3Location?.uri);
}
