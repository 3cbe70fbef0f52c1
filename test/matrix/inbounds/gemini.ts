import { type Ask, type AskPart, answerSchema, citySchema, type Turn } from "../ask.ts";
import { countOf, each, eventsIn, type Foreign, textOf } from "../foreign.ts";
import { emptyChoice, type Seen, type SeenChoice, type SeenError, type SeenUsage } from "../seen.ts";
import { type Inbound, lossesIn, post, type Reply, retryAfterIn } from "./inbound.ts";

/** Google's generateContent, as its SDKs send it. */
export const gemini: Inbound = {
  name: "Gemini",
  cannot: {
    "one call at a time": "generateContent has no such member",
    "end user": "generateContent has no such member",
  },
  marksCache: false,
  ask: async (ask, gateway) => {
    const verb = ask.stream ? "streamGenerateContent?alt=sse" : "generateContent";
    const reply = await post(`${gateway}/v1beta/models/${ask.model}:${verb}`, bodyOf(ask));
    if (reply.status >= 400) return { ...nothing(reply), error: errorOf(JSON.parse(reply.text).error, reply, false) };
    return ask.stream ? streamed(reply) : whole(reply);
  },
};

function bodyOf(ask: Ask): Foreign {
  const { system, tools, toolChoice } = ask;
  const names = typeof toolChoice === "object" && toolChoice ? { allowedFunctionNames: [toolChoice.name] } : {};
  const mode = toolChoice === "none" ? "NONE" : "ANY";
  return {
    ...(system !== null && { systemInstruction: { parts: [{ text: system }] } }),
    contents: contentsOf(ask.turns),
    ...(tools.length + ask.bareTools.length > 0 && {
      tools: [
        {
          functionDeclarations: [
            ...tools.map((name) => ({ name, parametersJsonSchema: citySchema })),
            ...ask.bareTools.map((name) => ({ name })),
          ],
        },
      ],
    }),
    ...(toolChoice !== null && { toolConfig: { functionCallingConfig: { mode, ...names } } }),
    generationConfig: configOf(ask),
  };
}

function configOf(ask: Ask): Foreign {
  const { effort, budget, showThoughts, topLogprobs } = ask;
  return {
    ...(ask.format !== null && { responseMimeType: "application/json" }),
    ...(ask.format === "schema" && { responseJsonSchema: answerSchema }),
    ...((effort !== null || budget !== null || showThoughts) && {
      thinkingConfig: {
        ...(effort !== null && effort !== "none" && { thinkingLevel: effort.toUpperCase() }),
        ...(effort === "none" && { thinkingBudget: 0 }),
        ...(budget !== null && { thinkingBudget: budget }),
        ...(showThoughts && { includeThoughts: true }),
      },
    }),
    ...(ask.stop.length > 0 && { stopSequences: ask.stop }),
    ...(ask.maxTokens !== null && { maxOutputTokens: ask.maxTokens }),
    ...(ask.choices !== null && { candidateCount: ask.choices }),
    ...(topLogprobs !== null && { responseLogprobs: true, ...(topLogprobs > 0 && { logprobs: topLogprobs }) }),
    ...(ask.seed !== null && { seed: ask.seed }),
    ...(ask.temperature !== null && { temperature: ask.temperature }),
    ...(ask.topP !== null && { topP: ask.topP }),
    ...(ask.topK !== null && { topK: ask.topK }),
    ...(ask.frequencyPenalty !== null && { frequencyPenalty: ask.frequencyPenalty }),
  };
}

/** Results of one turn stand in one content. */
function contentsOf(turns: readonly Turn[]): readonly Foreign[] {
  const contents: Foreign[] = [];
  for (const [i, turn] of turns.entries()) {
    const content = contentOf(turn);
    if (turn.kind === "result" && turns[i - 1]?.kind === "result") contents.at(-1).parts.push(...content.parts);
    else contents.push(content);
  }
  return contents;
}

function contentOf(turn: Turn): Foreign {
  switch (turn.kind) {
    case "user":
      return { role: "user", parts: turn.parts.map(partOf) };
    case "echo":
      return turn.native;
    case "calls": {
      // What Google tells callers to write whose history has no signatures.
      const thoughtSignature = "skip_thought_signature_validator";
      const parts = turn.calls.map(({ id, name, arguments: args }) => {
        return { functionCall: { id, name, args: JSON.parse(args) }, thoughtSignature };
      });
      return { role: "model", parts };
    }
    case "result": {
      const { callId: id, name, parts } = turn;
      const output = parts.flatMap((part) => (part.kind === "text" ? [part.text] : [])).join("\n");
      const media = parts.filter(({ kind }) => kind !== "text").map(partOf);
      const response = {
        id,
        name,
        response: turn.failed ? { error: output } : { output },
        ...(media.length > 0 && { parts: media }),
      };
      return { role: "user", parts: [{ functionResponse: response }] };
    }
  }
}

const mediaTypes = { image: "image/png", document: "application/pdf", audio: "audio/wav" } as const;

function partOf(part: AskPart): Foreign {
  switch (part.kind) {
    case "text":
      return { text: part.text };
    case "link":
      return { fileData: { fileUri: part.url, mimeType: "image/png" } };
    default:
      return { inlineData: { mimeType: mediaTypes[part.kind], data: part.data } };
  }
}

function nothing({ status, headers }: Reply): Seen {
  const losses = lossesIn(headers.get("trunkline-loss"));
  return { status, error: null, choices: [], usage: null, deltas: 0, losses, native: null };
}

function errorOf(error: Foreign, { headers }: Reply, midway: boolean): SeenError {
  const detail = (type: string) => each(error.details).find((one) => textOf(one["@type"]).endsWith(type));
  const [violation] = each(detail("BadRequest")?.fieldViolations);
  const delay = /^([\d.]+)s$/.exec(textOf(detail("RetryInfo")?.retryDelay))?.[1];
  return {
    code: textOf(detail("ErrorInfo")?.reason).toLowerCase() || textOf(error.status),
    param: textOf(violation?.field),
    message: textOf(error.message),
    retryAfterSeconds: delay === undefined ? retryAfterIn(headers) : Number(delay),
    midway,
  };
}

function whole(reply: Reply): Seen {
  const body = JSON.parse(reply.text);
  const choices = each(body.candidates).map((candidate) => choiceOf(candidate));
  return { ...nothing(reply), choices, usage: usageOf(body.usageMetadata), native: body.candidates?.[0]?.content };
}

function streamed(reply: Reply): Seen {
  const candidates: Foreign[] = [];
  let seen = nothing(reply);
  for (const event of eventsIn(reply.text)) {
    if (event.error) return { ...seen, error: errorOf(event.error, reply, candidates.length > 0) };
    if (event.usageMetadata) seen = { ...seen, usage: usageOf(event.usageMetadata) };
    for (const { index = 0, content, ...more } of each(event.candidates)) {
      candidates[index] ??= { content: { parts: [] }, tokens: [] };
      const parts = each(content?.parts);
      candidates[index].content.parts.push(...parts);
      candidates[index].tokens.push(more.logprobsResult);
      if (more.finishReason) Object.assign(candidates[index], more);
      if (parts.some((part) => part.text && !part.thought)) seen = { ...seen, deltas: seen.deltas + 1 };
    }
  }
  // There is no end mark: a good stream has a finish reason for every candidate.
  const ended = candidates.length > 0 && candidates.every(({ finishReason }) => finishReason);
  const error = ended ? null : errorOf({ status: "no_end" }, reply, true);
  return { ...seen, choices: candidates.map((one) => choiceOf(one, one.tokens)), error };
}

const finishes: Readonly<Record<string, SeenChoice["finish"]>> = {
  STOP: "stop",
  MAX_TOKENS: "length",
  SAFETY: "refused",
  PROHIBITED_CONTENT: "refused",
};

function choiceOf({ content, finishReason, finishMessage, logprobsResult }: Foreign, told?: Foreign): SeenChoice {
  const parts = each(content?.parts);
  const join = (thought: boolean) =>
    parts
      .filter((part) => (part.thought === true) === thought)
      .map((part) => textOf(part.text))
      .join("");
  const calls = parts.flatMap(({ functionCall: call }) => (call ? [call] : []));
  const results = each(told ?? [logprobsResult]).filter((one) => one);
  return {
    ...emptyChoice,
    text: join(false),
    reasoning: join(true),
    refusal: finishReason === "STOP" ? "" : textOf(finishMessage),
    calls: calls.map(({ id, name, args }, i) => ({ id: id ?? String(i), name, arguments: JSON.stringify(args ?? {}) })),
    // Google ends a turn with calls as any other.
    finish: finishReason === "STOP" && calls.length > 0 ? "calls" : (finishes[finishReason] ?? "other"),
    logprobs: results.flatMap(({ chosenCandidates }) => each(chosenCandidates)).length,
    alternatives: each(results[0]?.topCandidates?.[0]?.candidates).length,
  };
}

function usageOf(usage: Foreign): SeenUsage | null {
  if (!usage) return null;
  return {
    input: countOf(usage.promptTokenCount),
    output: countOf(usage.candidatesTokenCount) ?? countOf(usage.thoughtsTokenCount),
    cached: countOf(usage.cachedContentTokenCount),
    reasoning: countOf(usage.thoughtsTokenCount),
  };
}
