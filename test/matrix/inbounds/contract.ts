import { fromJson, type JsonObject, type JsonValue } from "@bufbuild/protobuf";
import { ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { ErrorInfoSchema, RetryInfoSchema } from "../../../gen/google/rpc/error_details_pb.ts";
import {
  ChatRequestSchema,
  type ChatResponse,
  ChatService,
  type Choice,
  type StreamChatResponse,
} from "../../../gen/trunkline/v1/chat_pb.ts";
import type { ChatMessage, Part } from "../../../gen/trunkline/v1/message_pb.ts";
import { FinishReason } from "../../../gen/trunkline/v1/stream_pb.ts";
import type { Usage } from "../../../gen/trunkline/v1/usage_pb.ts";
import { type Ask, type AskPart, answerSchema, citySchema, type Turn } from "../ask.ts";
import { emptyChoice, type Seen, type SeenChoice, type SeenError, type SeenUsage } from "../seen.ts";
import { type Inbound, lossesIn } from "./inbound.ts";

/** The contract, as JSON over Connect. */
export const contract: Inbound = {
  name: "The contract (RPC)",
  cannot: {},
  marksCache: true,
  ask: async (ask, gateway) => {
    const transport = createConnectTransport({ baseUrl: gateway, httpVersion: "1.1", useBinaryFormat: false });
    const client = createClient(ChatService, transport);
    const request = fromJson(ChatRequestSchema, bodyOf(ask));
    const echo = ask.turns.find((turn) => turn.kind === "echo");
    // As the caller has it: the message itself, not what its JSON would say.
    if (echo) request.messages[ask.turns.indexOf(echo) + (ask.system === null ? 0 : 1)] = echo.native as ChatMessage;
    const losses = new Set<string>();
    const noteLosses = (headers: Headers) => {
      for (const loss of lossesIn(headers.get("trunkline-loss"))) losses.add(loss);
    };
    const options = { onHeader: noteLosses, onTrailer: noteLosses };
    const events: StreamChatResponse[] = [];
    try {
      if (!ask.stream) return { ...whole(await client.chat(request, options)), losses: [...losses] };
      for await (const event of client.streamChat({ request }, options)) events.push(event);
      return { ...streamed(events), losses: [...losses] };
    } catch (error) {
      if (!(error instanceof ConnectError)) throw error;
      return { ...nothing, status: 500, losses: [...losses], error: errorOf(error, events.some(isContent)) };
    }
  },
};

const nothing: Seen = { status: 200, error: null, choices: [], usage: null, deltas: 0, losses: [], native: null };

function bodyOf(ask: Ask): JsonObject {
  const { system, tools, toolChoice } = ask;
  const systemPart = { text: system, ...(ask.cacheMark && { cache: {} }) };
  return {
    model: ask.model,
    messages: [
      ...(system === null ? [] : [{ role: "ROLE_SYSTEM", parts: [systemPart] }]),
      ...ask.turns.map(messageOf),
    ] as JsonValue,
    tools: [
      ...tools.map((name) => ({ function: { name, parametersSchema: JSON.stringify(citySchema) } })),
      ...ask.bareTools.map((name) => ({ function: { name } })),
    ],
    ...(toolChoice !== null && {
      toolChoice:
        typeof toolChoice === "object"
          ? { toolName: toolChoice.name }
          : { mode: `TOOL_CHOICE_MODE_${toolChoice.toUpperCase()}` },
    }),
    ...(ask.oneCallAtATime && { parallelToolCalls: false }),
    ...(ask.format === "json" && { responseFormat: { jsonObject: {} } }),
    ...(ask.format === "schema" && {
      responseFormat: { jsonSchema: { name: "answer", strict: true, schema: JSON.stringify(answerSchema) } },
    }),
    ...(ask.effort !== null || ask.budget !== null || ask.showThoughts
      ? {
          reasoning: {
            ...(ask.effort !== null && { effort: ask.effort }),
            ...(ask.budget !== null && { budgetTokens: ask.budget }),
            ...(ask.showThoughts && { includeText: true }),
          },
        }
      : {}),
    stop: [...ask.stop],
    ...(ask.maxTokens !== null && { maxOutputTokens: ask.maxTokens }),
    ...(ask.choices !== null && { choiceCount: ask.choices }),
    ...(ask.topLogprobs !== null && { logprobs: true, ...(ask.topLogprobs > 0 && { topLogprobs: ask.topLogprobs }) }),
    ...(ask.seed !== null && { seed: ask.seed }),
    ...(ask.temperature !== null && { temperature: ask.temperature }),
    ...(ask.topP !== null && { topP: ask.topP }),
    ...(ask.topK !== null && { topK: ask.topK }),
    ...(ask.frequencyPenalty !== null && { frequencyPenalty: ask.frequencyPenalty }),
    ...(ask.endUser !== null && { endUserId: ask.endUser }),
  };
}

function messageOf(turn: Turn): JsonObject {
  switch (turn.kind) {
    case "user":
      return { role: "ROLE_USER", parts: turn.parts.map(partOf) };
    case "echo":
      return { role: "ROLE_ASSISTANT" };
    case "calls":
      return { role: "ROLE_ASSISTANT", parts: turn.calls.map((call) => ({ toolCall: { ...call } })) };
    case "result":
      return {
        role: "ROLE_TOOL",
        parts: [{ toolResult: { callId: turn.callId, isError: turn.failed === true, parts: turn.parts.map(partOf) } }],
      };
  }
}

function partOf(part: AskPart): JsonObject {
  switch (part.kind) {
    case "text":
      return { text: part.text };
    case "image":
      return { image: { media: { data: part.data, mediaType: "image/png" } } };
    case "link":
      return { image: { media: { uri: part.url } } };
    case "document":
      return { file: { media: { data: part.data, mediaType: "application/pdf", name: "a.pdf" } } };
    case "audio":
      return { audio: { media: { data: part.data, mediaType: "audio/wav" } } };
  }
}

function errorOf(error: ConnectError, midway: boolean): SeenError {
  const [info] = error.findDetails(ErrorInfoSchema);
  const [retry] = error.findDetails(RetryInfoSchema);
  return {
    code: info?.reason.toLowerCase() ?? "",
    param: info?.metadata.field ?? "",
    message: error.rawMessage,
    retryAfterSeconds: retry?.retryDelay ? Number(retry.retryDelay.seconds) : null,
    midway,
  };
}

function isContent({ event }: StreamChatResponse): boolean {
  return event.case === "textDelta" || event.case === "reasoningDelta";
}

function whole(answer: ChatResponse): Seen {
  const native = answer.choices[0]?.message ?? null;
  return { ...nothing, choices: answer.choices.map(choiceOf), usage: usageOf(answer.usage), native };
}

function choiceOf({ message, finishReason, finishMessage, logprobs }: Choice): SeenChoice {
  const parts = message?.parts ?? [];
  const texts = (pick: (kind: Part["kind"]) => string) => parts.map(({ kind }) => pick(kind)).join("");
  return {
    text: texts((kind) => (kind.case === "text" ? kind.value : "")),
    reasoning: texts((kind) => (kind.case === "reasoning" ? kind.value.text || kind.value.summary.join("") : "")),
    refusal: texts((kind) => (kind.case === "refusal" ? kind.value.text : "")) || finishMessage,
    calls: parts.flatMap(({ kind }) => (kind.case === "toolCall" ? [kind.value] : [])),
    finish: finishes[finishReason] ?? "other",
    logprobs: logprobs.length,
    alternatives: logprobs[0]?.top.length ?? 0,
  };
}

const finishes: Partial<Record<FinishReason, SeenChoice["finish"]>> = {
  [FinishReason.STOP]: "stop",
  [FinishReason.LENGTH]: "length",
  [FinishReason.TOOL_CALLS]: "calls",
  [FinishReason.CONTENT_FILTER]: "refused",
  [FinishReason.REFUSAL]: "refused",
};

function streamed(events: readonly StreamChatResponse[]): Seen {
  const choices: SeenChoice[] = [];
  let usage: SeenUsage | null = null;
  let ended = false;
  for (const one of events) {
    const { event } = one;
    if (event.case === "usage") usage = usageOf(event.value);
    if (event.case === "completed") {
      ended = true;
      usage = usageOf(event.value.usage) ?? usage;
    }
    choices[one.choice] = grown(choices[one.choice] ?? emptyChoice, one);
  }
  const error = ended ? null : { code: "no_end", param: "", message: "", retryAfterSeconds: null, midway: true };
  return { ...nothing, choices, usage, error, deltas: events.filter(({ event }) => event.case === "textDelta").length };
}

function grown(choice: SeenChoice, { event, logprobs }: StreamChatResponse): SeenChoice {
  const alternatives = choice.alternatives || (logprobs[0]?.top.length ?? 0);
  const more = { ...choice, logprobs: choice.logprobs + logprobs.length, alternatives };
  switch (event.case) {
    case "textDelta":
      return { ...more, text: choice.text + event.value };
    case "reasoningDelta":
      return { ...more, reasoning: choice.reasoning + event.value };
    case "refusalDelta":
      return { ...more, refusal: choice.refusal + event.value };
    case "partStarted": {
      const kind = event.value.part?.kind;
      return kind?.case === "toolCall" ? { ...more, calls: [...choice.calls, kind.value] } : more;
    }
    case "argumentsDelta": {
      const call = choice.calls.at(-1);
      if (!call) return more;
      const { id, name } = call;
      return { ...more, calls: choice.calls.with(-1, { id, name, arguments: call.arguments + event.value }) };
    }
    case "finished":
      return {
        ...more,
        finish: finishes[event.value.reason] ?? "other",
        refusal: choice.refusal || event.value.message,
      };
    default:
      return more;
  }
}

function usageOf(usage: Usage | undefined): SeenUsage | null {
  if (!usage) return null;
  const { inputTokens, outputTokens, cacheReadTokens, reasoningTokens } = usage;
  return {
    input: inputTokens ?? null,
    output: outputTokens ?? null,
    cached: cacheReadTokens ?? null,
    reasoning: reasoningTokens ?? null,
  };
}
