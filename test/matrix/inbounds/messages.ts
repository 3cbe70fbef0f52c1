import { type Ask, type AskPart, answerSchema, citySchema, type Turn } from "../ask.ts";
import { countOf, each, eventsIn, type Foreign, textOf } from "../foreign.ts";
import { emptyChoice, type Seen, type SeenChoice, type SeenError, type SeenUsage } from "../seen.ts";
import { type Inbound, lossesIn, post, type Reply, retryAfterIn } from "./inbound.ts";

const none = "Messages has no such member";

/** Anthropic's Messages, as its SDKs of today send them. */
export const messages: Inbound = {
  name: "Anthropic Messages",
  cannot: {
    "JSON mode": none,
    audio: "Messages has no blocks of sound",
    "n > 1": none,
    logprobs: none,
    seed: none,
    "frequency penalty": none,
  },
  marksCache: true,
  ask: async (ask, gateway) => {
    const reply = await post(`${gateway}/v1/messages`, bodyOf(ask), { "anthropic-version": "2023-06-01" });
    if (reply.status >= 400) return { ...nothing(reply), error: errorOf(JSON.parse(reply.text).error, reply, false) };
    return ask.stream ? streamed(reply) : whole(reply);
  },
};

const usualMaxTokens = 8_000;

function bodyOf(ask: Ask): Foreign {
  const { system, cacheMark, tools, stop, effort } = ask;
  const output = {
    ...(effort !== null && effort !== "none" && { effort }),
    ...(ask.format === "schema" && { format: { type: "json_schema", schema: answerSchema } }),
  };
  return {
    model: ask.model,
    max_tokens: ask.maxTokens ?? usualMaxTokens,
    ...(system !== null && {
      system: cacheMark ? [{ type: "text", text: system, cache_control: { type: "ephemeral" } }] : system,
    }),
    messages: messagesOf(ask.turns),
    ...(ask.stream && { stream: true }),
    ...(tools.length + ask.bareTools.length > 0 && {
      tools: [
        ...tools.map((name) => ({ name, input_schema: citySchema })),
        ...ask.bareTools.map((name) => ({ name, input_schema: { type: "object" } })),
      ],
    }),
    ...choiceIn(ask),
    ...thinkingIn(ask),
    ...(Object.keys(output).length > 0 && { output_config: output }),
    ...(stop.length > 0 && { stop_sequences: stop }),
    ...(ask.temperature !== null && { temperature: ask.temperature }),
    ...(ask.topP !== null && { top_p: ask.topP }),
    ...(ask.topK !== null && { top_k: ask.topK }),
    ...(ask.endUser !== null && { metadata: { user_id: ask.endUser } }),
  };
}

function thinkingIn({ effort, budget, showThoughts }: Ask): Foreign {
  if (effort === "none") return { thinking: { type: "disabled" } };
  if (budget !== null) return { thinking: { type: "enabled", budget_tokens: budget } };
  if (effort === null && !showThoughts) return {};
  // Whether thoughts are shown unasked depends on the model.
  return { thinking: { type: "adaptive", ...(showThoughts && { display: "summarized" }) } };
}

function choiceIn({ toolChoice, oneCallAtATime }: Ask): Foreign {
  const single = oneCallAtATime ? { disable_parallel_tool_use: true } : {};
  if (toolChoice === null) return oneCallAtATime ? { tool_choice: { type: "auto", ...single } } : {};
  if (typeof toolChoice === "object") return { tool_choice: { type: "tool", ...toolChoice, ...single } };
  return { tool_choice: { type: toolChoice === "required" ? "any" : "none", ...single } };
}

/** Results of one turn stand in one message. */
function messagesOf(turns: readonly Turn[]): readonly Foreign[] {
  const messages: Foreign[] = [];
  for (const [i, turn] of turns.entries()) {
    const message = messageOf(turn);
    if (turn.kind === "result" && turns[i - 1]?.kind === "result") messages.at(-1).content.push(...message.content);
    else messages.push(message);
  }
  return messages;
}

function messageOf(turn: Turn): Foreign {
  switch (turn.kind) {
    case "user":
      return { role: "user", content: turn.parts.map(blockOf) };
    case "echo":
      return { role: "assistant", content: turn.native };
    case "calls": {
      const blocks = turn.calls.map(({ id, name, arguments: input }) => {
        return { type: "tool_use", id, name, input: JSON.parse(input) };
      });
      return { role: "assistant", content: blocks };
    }
    case "result": {
      const result = { type: "tool_result", tool_use_id: turn.callId, content: turn.parts.map(blockOf) };
      return { role: "user", content: [{ ...result, ...(turn.failed && { is_error: true }) }] };
    }
  }
}

function blockOf(part: AskPart): Foreign {
  switch (part.kind) {
    case "text":
      return { type: "text", text: part.text };
    case "image":
      return { type: "image", source: { type: "base64", media_type: "image/png", data: part.data } };
    case "link":
      return { type: "image", source: { type: "url", url: part.url } };
    case "document":
      return { type: "document", source: { type: "base64", media_type: "application/pdf", data: part.data } };
    case "audio":
      throw new Error(messages.cannot.audio);
  }
}

function nothing({ status, headers }: Reply): Seen {
  const losses = lossesIn(headers.get("trunkline-loss"));
  return { status, error: null, choices: [], usage: null, deltas: 0, losses, native: null };
}

function errorOf(error: Foreign, { headers }: Reply, midway: boolean): SeenError {
  return {
    code: textOf(error.details?.error_code) || textOf(error.type),
    param: textOf(error.details?.param),
    message: textOf(error.message),
    retryAfterSeconds: retryAfterIn(headers),
    midway,
  };
}

function whole(reply: Reply): Seen {
  const body = JSON.parse(reply.text);
  return { ...nothing(reply), choices: [choiceOf(body)], usage: usageOf(body.usage), native: body.content };
}

function streamed(reply: Reply): Seen {
  const blocks: Foreign[] = [];
  let message: Foreign = {};
  let seen = nothing(reply);
  let ended = false;
  for (const event of eventsIn(reply.text)) {
    if (event.type === "error") return { ...seen, error: errorOf(event.error, reply, true) };
    if (event.type === "message_start") message = event.message;
    if (event.type === "content_block_start") blocks[event.index] = { ...event.content_block, json: "" };
    if (event.type === "content_block_delta") addDelta(blocks[event.index], event.delta);
    if (event.delta?.type === "text_delta") seen = { ...seen, deltas: seen.deltas + 1 };
    if (event.type === "message_delta") {
      message = { ...message, ...event.delta, usage: { ...message.usage, ...event.usage } };
    }
    if (event.type === "message_stop") ended = true;
  }
  const content = blocks.map(({ json, ...block }) =>
    block.type === "tool_use" ? { ...block, input: JSON.parse(json || "{}") } : block,
  );
  const error = ended ? null : errorOf({ type: "no_end" }, reply, true);
  return { ...seen, choices: [choiceOf({ ...message, content })], usage: usageOf(message.usage), error };
}

function addDelta(block: Foreign, delta: Foreign): void {
  block.json += textOf(delta.partial_json);
  if (delta.text) block.text += delta.text;
  if (delta.thinking) block.thinking += delta.thinking;
}

const finishes: Readonly<Record<string, SeenChoice["finish"]>> = {
  end_turn: "stop",
  stop_sequence: "stop",
  max_tokens: "length",
  tool_use: "calls",
  refusal: "refused",
};

function choiceOf({ content, stop_reason: reason, stop_details: details }: Foreign): SeenChoice {
  const of = (type: string) => each(content).filter((block) => block.type === type);
  return {
    ...emptyChoice,
    text: of("text")
      .map((block) => block.text)
      .join(""),
    reasoning: of("thinking")
      .map((block) => block.thinking)
      .join(""),
    refusal: textOf(details?.explanation),
    calls: of("tool_use").map(({ id, name, input }) => ({ id, name, arguments: JSON.stringify(input) })),
    finish: finishes[reason] ?? "other",
  };
}

function usageOf(usage: Foreign): SeenUsage | null {
  if (!usage) return null;
  return {
    input: countOf(usage.input_tokens),
    output: countOf(usage.output_tokens),
    cached: countOf(usage.cache_read_input_tokens),
    reasoning: countOf(usage.output_tokens_details?.thinking_tokens),
  };
}
