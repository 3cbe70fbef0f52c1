import { type Ask, type AskPart, answerSchema, citySchema, type Turn } from "../ask.ts";
import { countOf, each, eventsIn, type Foreign, textOf } from "../foreign.ts";
import { emptyChoice, type Seen, type SeenChoice, type SeenError, type SeenUsage } from "../seen.ts";
import { type Inbound, lossesIn, post, type Reply, retryAfterIn } from "./inbound.ts";

const none = "Responses has no such member";

/** OpenAI's Responses, each request with the whole conversation in it. */
export const responses: Inbound = {
  name: "OpenAI Responses",
  cannot: {
    audio: "Responses has no parts of sound",
    "n > 1": none,
    seed: none,
    stop: none,
    "stop, streamed": none,
    top_k: none,
    "frequency penalty": none,
    "reasoning budget": none,
    "failed tool": none,
    "thoughts shown": "Responses can ask for summaries of thoughts alone",
  },
  elsewhere: { "OpenAI chat": "OpenAI is asked by its Responses for those who speak them: the next column" },
  marksCache: false,
  ask: async (ask, gateway) => {
    const reply = await post(`${gateway}/v1/responses`, bodyOf(ask));
    if (reply.status >= 400) return { ...nothing(reply), error: errorOf(JSON.parse(reply.text).error, reply, false) };
    return ask.stream ? streamed(reply) : answerOf(JSON.parse(reply.text), nothing(reply), reply);
  },
};

function bodyOf(ask: Ask): Foreign {
  const { tools, toolChoice, effort, topLogprobs } = ask;
  const include = [
    ...(topLogprobs === null ? [] : ["message.output_text.logprobs"]),
    ...(ask.feature === "reasoning round trip" ? ["reasoning.encrypted_content"] : []),
  ];
  return {
    model: ask.model,
    input: ask.turns.flatMap(itemsOf),
    store: false,
    ...(ask.system !== null && { instructions: ask.system }),
    ...(ask.stream && { stream: true }),
    ...(tools.length + ask.bareTools.length > 0 && {
      tools: [
        ...tools.map((name) => ({ type: "function", name, parameters: citySchema, strict: false })),
        ...ask.bareTools.map((name) => ({ type: "function", name, parameters: null, strict: false })),
      ],
    }),
    ...(toolChoice !== null && {
      tool_choice: typeof toolChoice === "object" ? { type: "function", ...toolChoice } : toolChoice,
    }),
    ...(ask.oneCallAtATime && { parallel_tool_calls: false }),
    ...(ask.format === "json" && { text: { format: { type: "json_object" } } }),
    ...(ask.format === "schema" && {
      text: { format: { type: "json_schema", name: "answer", strict: true, schema: answerSchema } },
    }),
    ...((effort !== null || ask.showThoughts) && {
      reasoning: { ...(effort !== null && { effort }), ...(ask.showThoughts && { summary: "auto" }) },
    }),
    ...(include.length > 0 && { include }),
    ...(topLogprobs !== null && { top_logprobs: topLogprobs }),
    ...(ask.maxTokens !== null && { max_output_tokens: ask.maxTokens }),
    ...(ask.temperature !== null && { temperature: ask.temperature }),
    ...(ask.topP !== null && { top_p: ask.topP }),
    ...(ask.endUser !== null && { safety_identifier: ask.endUser }),
  };
}

function itemsOf(turn: Turn): readonly Foreign[] {
  switch (turn.kind) {
    case "user":
      return [{ type: "message", role: "user", content: turn.parts.map(partOf) }];
    case "echo":
      return each(turn.native);
    case "calls":
      return turn.calls.map(({ id, ...call }) => ({ type: "function_call", call_id: id, ...call }));
    case "result":
      return [{ type: "function_call_output", call_id: turn.callId, output: outputOf(turn.parts) }];
  }
}

function outputOf(parts: readonly AskPart[]): Foreign {
  const [only] = parts;
  return parts.length === 1 && only?.kind === "text" ? only.text : parts.map(partOf);
}

function partOf(part: AskPart): Foreign {
  switch (part.kind) {
    case "text":
      return { type: "input_text", text: part.text };
    case "image":
      return { type: "input_image", detail: "auto", image_url: `data:image/png;base64,${part.data}` };
    case "link":
      return { type: "input_image", detail: "auto", image_url: part.url };
    case "document":
      return { type: "input_file", file_data: `data:application/pdf;base64,${part.data}`, filename: "a.pdf" };
    case "audio":
      throw new Error(responses.cannot.audio);
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

/** A stream ends with the whole answer; what came before it is counted, and must agree with it. */
function streamed(reply: Reply): Seen {
  let seen = nothing(reply);
  let text = "";
  for (const event of eventsIn(reply.text)) {
    if (event.type === "error") return { ...seen, error: errorOf(event, reply, true) };
    if (event.type === "response.failed") return { ...seen, error: errorOf(event.response.error, reply, true) };
    if (event.type === "response.output_text.delta") {
      text += event.delta;
      seen = { ...seen, deltas: seen.deltas + 1 };
    }
    if (event.type === "response.completed" || event.type === "response.incomplete") {
      const answer = answerOf(event.response, seen, reply);
      const differs = (answer.choices[0]?.text ?? "") !== text;
      return differs ? { ...answer, error: errorOf({ type: "deltas_differ" }, reply, true) } : answer;
    }
  }
  return { ...seen, error: errorOf({ type: "no_end" }, reply, true) };
}

function answerOf(body: Foreign, seen: Seen, reply: Reply): Seen {
  if (body.status === "failed") return { ...seen, error: errorOf(body.error, reply, false) };
  return { ...seen, choices: [choiceOf(body)], usage: usageOf(body.usage), native: body.output };
}

function choiceOf({ output, status, incomplete_details: details }: Foreign): SeenChoice {
  const of = (type: string) => each(output).filter((item) => item.type === type);
  const parts = of("message").flatMap(({ content }) => each(content));
  const joined = (type: string, member: string) =>
    parts
      .filter((part) => part.type === type)
      .map((part) => textOf(part[member]))
      .join("");
  const thoughts = of("reasoning").flatMap((item) => [...each(item.summary), ...each(item.content)]);
  const logprobs = parts.flatMap((part) => each(part.logprobs));
  const calls = of("function_call").map(({ call_id: id, name, arguments: input }) => ({ id, name, arguments: input }));
  const refusal = joined("refusal", "refusal");
  return {
    ...emptyChoice,
    text: joined("output_text", "text"),
    reasoning: thoughts.map(({ text }) => textOf(text)).join(""),
    refusal,
    calls,
    finish: finishOf(status, details?.reason, calls.length > 0, refusal !== ""),
    logprobs: logprobs.length,
    alternatives: each(logprobs[0]?.top_logprobs).length,
  };
}

/** Responses has no word for why a complete answer ended: its items say it. */
function finishOf(status: unknown, reason: unknown, hasCalls: boolean, isRefused: boolean): SeenChoice["finish"] {
  if (status === "incomplete") return reason === "max_output_tokens" ? "length" : "refused";
  if (isRefused) return "refused";
  return hasCalls ? "calls" : "stop";
}

function usageOf(usage: Foreign): SeenUsage | null {
  if (!usage) return null;
  return {
    input: countOf(usage.input_tokens),
    output: countOf(usage.output_tokens),
    cached: countOf(usage.input_tokens_details?.cached_tokens),
    reasoning: countOf(usage.output_tokens_details?.reasoning_tokens),
  };
}
