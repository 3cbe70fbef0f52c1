import { type Answer, compose } from "../compose.ts";
import type { Exchange, Reply, StreamEvent } from "../exchange.ts";
import { countTokens } from "../tokens.ts";
import type { ChatAsk } from "./chat-request.ts";

/** Tokens that the provider puts before every prompt; they are counted and not billed. */
const preambleTokens = 60;

/** Answers a `/v2/chat` request, whole or as a stream. */
export function answerChat(ask: ChatAsk, exchange: Exchange): Reply {
  const answer = compose(ask.prompt);
  const id = `chat-simulated-${exchange.sequence}`;
  const headers = headersOf(exchange);
  const ending = { finish_reason: reasons[answer.finish], usage: usageOf(ask, answer, exchange) };
  if (ask.stream) {
    const errorEvent = `data: ${JSON.stringify({ message: "This failure is simulated." })}\n\n`;
    return { headers, events: events(ask, answer, id, ending), errorEvent };
  }
  const { finish_reason, usage } = ending;
  const logprobs = ask.logprobs ? { logprobs: answer.text.map(logprob) } : {};
  const message = messageOf(ask, answer, id);
  return { status: 200, headers, body: { id, finish_reason, message, usage, ...logprobs } };
}

/** @returns headers of every answer, with limits that are never reached */
export function headersOf({ requestId }: Exchange): Record<string, string> {
  return {
    "x-debug-trace-id": requestId,
    "x-trial-endpoint-call-limit": "20",
    "x-trial-endpoint-call-remaining": "19",
    "x-endpoint-monthly-call-limit": "1000",
  };
}

const reasons: Readonly<Record<Answer["finish"], string>> = {
  stop: "COMPLETE",
  stop_sequence: "STOP_SEQUENCE",
  length: "MAX_TOKENS",
  tool_calls: "TOOL_CALL",
  refusal: "COMPLETE",
};

function usageOf(ask: ChatAsk, answer: Answer, { cache }: Exchange): object {
  const input = ask.texts.reduce((sum, text) => sum + countTokens(text), 0);
  const parts = [answer.reasoning, answer.text, answer.refusal, ...answer.calls.map((call) => call.input)];
  const output = parts.reduce((sum, tokens) => sum + tokens.length, 0);
  return {
    billed_units: { input_tokens: input, output_tokens: output },
    tokens: { input_tokens: input + preambleTokens, output_tokens: output },
    cached_tokens: cache.visit(`cohere\n${ask.texts.join("\n")}`) ? input : 0,
  };
}

/** Models that reason think before their calls, the others tell a plan. */
function planOf({ prompt }: ChatAsk, { calls }: Answer): string {
  return calls.length > 0 && !prompt.reasons ? `I will use ${calls.map(({ name }) => name).join(", ")}.` : "";
}

function spoken({ text, refusal }: Answer): readonly string[] {
  return [...text, ...refusal];
}

function messageOf(ask: ChatAsk, answer: Answer, id: string): object {
  const [plan, thinking, text] = [planOf(ask, answer), answer.reasoning.join(""), spoken(answer).join("")];
  const content = [
    ...(thinking === "" ? [] : [{ type: "thinking", thinking }]),
    ...(text === "" ? [] : [{ type: "text", text }]),
  ];
  const calls = answer.calls.map(({ name, input }, index) => callOf(id, index, name, input.join("")));
  const citations = citationsOf(ask, text);
  return {
    role: "assistant",
    ...(content.length > 0 && { content }),
    ...(plan !== "" && { tool_plan: plan }),
    ...(calls.length > 0 && { tool_calls: calls }),
    ...(citations.length > 0 && { citations }),
  };
}

function callOf(id: string, index: number, name: string, args: string): object {
  return { id: `${name}_${id.slice("chat-".length)}_${index}`, type: "function", function: { name, arguments: args } };
}

/** The beginning of the answer is said to be from the first document. */
function citationsOf({ documents }: ChatAsk, text: string): readonly object[] {
  const [first] = documents;
  if (first === undefined || text === "") return [];
  const cited = text.split(" ", 2).join(" ");
  const document = { id: first.id, ...(first.data as object) };
  const sources = [{ type: "document", id: first.id, document }];
  return [{ start: 0, end: [...cited].length, text: cited, sources, type: "TEXT_CONTENT" }];
}

/** Token ids are made up: the position in the answer. */
function logprob(text: string, position: number): object {
  return { text, token_ids: [position], logprobs: [-0.125] };
}

function* events(ask: ChatAsk, answer: Answer, id: string, ending: object): Generator<StreamEvent> {
  const event = (type: string, data: object, token = false): StreamEvent => {
    return { text: `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`, token };
  };
  const says = (message: object) => ({ delta: { message } });
  yield event("message-start", {
    id,
    ...says({ role: "assistant", content: [], tool_plan: "", tool_calls: [], citations: [] }),
  });
  let index = 0;
  if (answer.reasoning.length > 0) yield* block("thinking", answer.reasoning);
  const plan = planOf(ask, answer);
  if (plan !== "") yield event("tool-plan-delta", says({ tool_plan: plan }), true);
  for (const [number, { name, input }] of answer.calls.entries()) {
    yield event("tool-call-start", { index: number, ...says({ tool_calls: callOf(id, number, name, "") }) });
    for (const piece of input) {
      const more = { tool_calls: { function: { arguments: piece } } };
      yield event("tool-call-delta", { index: number, ...says(more) }, true);
    }
    yield event("tool-call-end", { index: number });
  }
  if (spoken(answer).length > 0) yield* block("text", spoken(answer));
  for (const [number, citations] of citationsOf(ask, spoken(answer).join("")).entries()) {
    yield event("citation-start", { index: number, ...says({ citations }) });
    yield event("citation-end", { index: number });
  }
  yield event("message-end", { id, delta: ending });

  function* block(type: "text" | "thinking", tokens: readonly string[]): Generator<StreamEvent> {
    const at = index++;
    yield event("content-start", { index: at, ...says({ content: { type, [type]: "" } }) });
    for (const [position, token] of tokens.entries()) {
      const told = ask.logprobs && type === "text" ? { logprobs: logprob(token, position) } : {};
      yield event("content-delta", { index: at, ...says({ content: { [type]: token } }), ...told }, true);
    }
    yield event("content-end", { index: at });
  }
}
