import { type Ask, type AskPart, answerSchema, citySchema, type Turn } from "../ask.ts";
import { countOf, each, eventsIn, type Foreign, textOf } from "../foreign.ts";
import { emptyChoice, type Seen, type SeenChoice, type SeenError, type SeenUsage } from "../seen.ts";
import { type Inbound, lossesIn, post, type Reply, retryAfterIn } from "./inbound.ts";

/** OpenAI's chat completions, with the members beyond OpenAI's that docs/rest.md names. */
export const chatCompletions: Inbound = {
  name: "OpenAI chat completions",
  cannot: {},
  marksCache: true,
  ask: async (ask, gateway) => {
    const reply = await post(`${gateway}/v1/chat/completions`, bodyOf(ask));
    if (reply.status >= 400) return { ...nothing(reply), error: errorOf(JSON.parse(reply.text).error, reply, false) };
    return ask.stream ? streamed(reply) : whole(reply);
  },
};

function bodyOf(ask: Ask): Foreign {
  const { system, cacheMark, tools, toolChoice, stop, topLogprobs } = ask;
  const mark = cacheMark ? { cache_control: { type: "ephemeral" } } : {};
  const content = cacheMark ? [{ type: "text", text: system, ...mark }] : system;
  return {
    model: ask.model,
    messages: [...(system === null ? [] : [{ role: "system", content }]), ...ask.turns.map(messageOf)],
    ...(ask.stream && { stream: true, stream_options: { include_usage: true } }),
    ...(tools.length + ask.bareTools.length > 0 && {
      tools: [
        ...tools.map((name) => ({ name, parameters: citySchema })),
        ...ask.bareTools.map((name) => ({ name })),
      ].map((one) => ({ type: "function", function: one })),
    }),
    ...(toolChoice !== null && {
      tool_choice: typeof toolChoice === "object" ? { type: "function", function: toolChoice } : toolChoice,
    }),
    ...(ask.oneCallAtATime && { parallel_tool_calls: false }),
    ...(ask.format === "json" && { response_format: { type: "json_object" } }),
    ...(ask.format === "schema" && {
      response_format: { type: "json_schema", json_schema: { name: "answer", strict: true, schema: answerSchema } },
    }),
    ...(ask.effort !== null && { reasoning_effort: ask.effort }),
    ...(ask.budget !== null && { reasoning: { max_tokens: ask.budget } }),
    ...(ask.showThoughts && { include_reasoning: true }),
    ...(stop.length > 0 && { stop }),
    ...(ask.maxTokens !== null && { max_completion_tokens: ask.maxTokens }),
    ...(ask.choices !== null && { n: ask.choices }),
    ...(topLogprobs !== null && { logprobs: true, ...(topLogprobs > 0 && { top_logprobs: topLogprobs }) }),
    ...(ask.seed !== null && { seed: ask.seed }),
    ...(ask.temperature !== null && { temperature: ask.temperature }),
    ...(ask.topP !== null && { top_p: ask.topP }),
    ...(ask.topK !== null && { top_k: ask.topK }),
    ...(ask.frequencyPenalty !== null && { frequency_penalty: ask.frequencyPenalty }),
    ...(ask.endUser !== null && { safety_identifier: ask.endUser }),
  };
}

function messageOf(turn: Turn): Foreign {
  switch (turn.kind) {
    case "user":
      return { role: "user", content: contentOf(turn.parts) };
    case "echo":
      return turn.native;
    case "calls": {
      const calls = turn.calls.map(({ id, ...call }) => ({ id, type: "function", function: call }));
      return { role: "assistant", content: null, tool_calls: calls };
    }
    case "result":
      return {
        ...{ role: "tool", tool_call_id: turn.callId, content: contentOf(turn.parts) },
        ...(turn.failed && { is_error: true }),
      };
  }
}

function contentOf(parts: readonly AskPart[]): Foreign {
  const [only] = parts;
  return parts.length === 1 && only?.kind === "text" ? only.text : parts.map(partOf);
}

function partOf(part: AskPart): Foreign {
  switch (part.kind) {
    case "text":
      return { type: "text", text: part.text };
    case "image":
      return { type: "image_url", image_url: { url: `data:image/png;base64,${part.data}` } };
    case "link":
      return { type: "image_url", image_url: { url: part.url } };
    case "document":
      return { type: "file", file: { file_data: `data:application/pdf;base64,${part.data}`, filename: "a.pdf" } };
    case "audio":
      return { type: "input_audio", input_audio: { data: part.data, format: "wav" } };
  }
}

function nothing({ status, headers }: Reply): Seen {
  const losses = lossesIn(headers.get("trunkline-loss"));
  return { status, error: null, choices: [], usage: null, deltas: 0, losses, native: null };
}

function errorOf(error: Foreign, { headers }: Reply, midway: boolean): SeenError {
  return {
    code: textOf(error.code) || textOf(error.type),
    param: textOf(error.param),
    message: textOf(error.message),
    retryAfterSeconds: retryAfterIn(headers),
    midway,
  };
}

function whole(reply: Reply): Seen {
  const body = JSON.parse(reply.text);
  const choices = each(body.choices).map((choice) => choiceOf(choice.message, choice.finish_reason, choice.logprobs));
  return { ...nothing(reply), choices, usage: usageOf(body.usage), native: body.choices?.[0]?.message };
}

function streamed(reply: Reply): Seen {
  const messages: Foreign[] = [];
  let seen = nothing(reply);
  for (const chunk of eventsIn(reply.text)) {
    if (chunk.error) return { ...seen, error: errorOf(chunk.error, reply, true) };
    if (chunk.usage) seen = { ...seen, usage: usageOf(chunk.usage) };
    for (const { index, delta, finish_reason: finish, logprobs } of each(chunk.choices)) {
      messages[index] ??= { content: "", refusal: "", reasoning_content: "", tool_calls: [], logprobs: [] };
      addDelta(messages[index], delta);
      messages[index].logprobs.push(...each(logprobs?.content));
      if (finish) messages[index].finish = finish;
      if (delta?.content) seen = { ...seen, deltas: seen.deltas + 1 };
    }
  }
  const choices = messages.map((one) => choiceOf(one, one.finish, { content: one.logprobs }));
  const error = reply.text.trimEnd().endsWith("data: [DONE]") ? null : errorOf({ code: "no_end" }, reply, true);
  return { ...seen, choices, error };
}

function addDelta(message: Foreign, delta: Foreign): void {
  for (const name of ["content", "refusal"]) message[name] += textOf(delta?.[name]);
  message.reasoning_content += textOf(delta?.reasoning_content) || textOf(delta?.reasoning);
  for (const call of each(delta?.tool_calls)) {
    message.tool_calls[call.index] ??= { id: call.id, function: { name: call.function.name, arguments: "" } };
    message.tool_calls[call.index].function.arguments += textOf(call.function?.arguments);
  }
}

const finishes: Readonly<Record<string, SeenChoice["finish"]>> = {
  stop: "stop",
  length: "length",
  tool_calls: "calls",
  content_filter: "refused",
};

function choiceOf(message: Foreign, finish: Foreign, logprobs: Foreign): SeenChoice {
  const tokens = each(logprobs?.content);
  return {
    ...emptyChoice,
    text: textOf(message.content),
    reasoning: textOf(message.reasoning_content) || textOf(message.reasoning),
    refusal: textOf(message.refusal),
    calls: each(message.tool_calls).map((call) => ({ id: call.id, ...call.function })),
    finish: finishes[finish] ?? "other",
    logprobs: tokens.length,
    alternatives: each(tokens[0]?.top_logprobs).length,
  };
}

function usageOf(usage: Foreign): SeenUsage | null {
  if (!usage) return null;
  return {
    input: countOf(usage.prompt_tokens),
    output: countOf(usage.completion_tokens),
    cached: countOf(usage.prompt_tokens_details?.cached_tokens),
    reasoning: countOf(usage.completion_tokens_details?.reasoning_tokens),
  };
}
