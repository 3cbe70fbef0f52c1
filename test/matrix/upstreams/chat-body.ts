import { each, type Foreign, orderOf, textOf, textsIn } from "../foreign.ts";
import type { Reached } from "./upstream.ts";

/** Where a provider of chat completions has a name of its own for something. */
export interface ChatWords {
  /** Names that it takes for the bound of tokens. */
  readonly maxTokens: readonly string[];
  readonly seed?: string;
  /** The member of an assistant's message that gives its reasoning back. */
  readonly thoughts?: (message: Foreign) => readonly string[];
  readonly effort?: (body: Foreign) => unknown;
  readonly budget?: (body: Foreign) => unknown;
  /** Whether the body turns reasoning off; else the effort `none` does. */
  readonly isOff?: (body: Foreign) => boolean;
  readonly endUser?: string;
}

/** Reads a chat completions request (wire.md §2; what differs by provider is in `words`). */
export function readChatBody(body: Foreign, words: ChatWords): Reached {
  const messages = each(body.messages);
  const of = (...roles: string[]) => messages.filter(({ role }) => roles.includes(role));
  const parts = of("user").flatMap(({ content }) => each(content));
  const effort = words.effort ? words.effort(body) : body.reasoning_effort;
  const { tool_choice: choice, response_format: format } = body;
  return {
    stream: body.stream === true,
    system: of("system", "developer")
      .map(({ content }) => textsIn(content))
      .join("\n"),
    text: of("user")
      .map(({ content }) => textsIn(content))
      .join("\n"),
    images: imagesIn(parts),
    documents: parts.flatMap((part) => textOf(part.file?.file_data) || textOf(part.document_url) || []),
    sounds: parts.flatMap((part) => textOf(part.input_audio?.data) || textOf(part.input_audio) || []),
    order: orderOf(parts.map((part) => kinds[part.type] ?? part.type)),
    results: of("tool").map(({ content }) => ({
      text: textsIn(content),
      images: imagesIn(each(content)),
      failed: false,
    })),
    calls: of("assistant").flatMap(({ tool_calls: calls }) =>
      each(calls).map((call) => `${call.function.name} ${call.function.arguments}`),
    ),
    tools: each(body.tools).map((tool) => ({ name: tool.function?.name, schema: tool.function?.parameters })),
    choice: textOf(choice?.function?.name) || (choice === "any" ? "required" : textOf(choice)) || null,
    oneCallAtATime: body.parallel_tool_calls === false,
    schema: format?.json_schema?.schema,
    isJson: format?.type === "json_object",
    effort: effort === undefined || effort === null ? null : String(effort),
    budget: words.budget?.(body),
    isOff: words.isOff?.(body) ?? effort === "none",
    thoughts: of("assistant").flatMap((message) => words.thoughts?.(message) ?? []),
    stop: typeof body.stop === "string" ? [body.stop] : each(body.stop),
    maxTokens: words.maxTokens.map((name) => body[name]).find((value) => value !== undefined),
    choices: body.n,
    logprobs: body.logprobs === true,
    topLogprobs: body.top_logprobs,
    seed: body[words.seed ?? "seed"],
    temperature: body.temperature,
    topP: body.top_p,
    topK: body.top_k,
    frequencyPenalty: body.frequency_penalty,
    endUser: body[words.endUser ?? "user"],
  };
}

const kinds: Readonly<Record<string, string>> = { image_url: "image" };

function imagesIn(parts: readonly Foreign[]): readonly string[] {
  return parts.flatMap((part) => textOf(part.image_url?.url) || textOf(part.image_url) || []);
}
