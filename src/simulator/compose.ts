import { parseDirectives } from "./directives.ts";
import { sampleOf } from "./sample-schema.ts";
import { tokenize, wordsOf } from "./tokens.ts";

/** What a request asks, in no provider's words. */
export interface Prompt {
  /** Text of the last user message. */
  readonly text: string;
  /** Images, files and recordings in the last user message. */
  readonly attachments: number;
  /** Results of tools since the last answer. */
  readonly toolResults: readonly string[];
  readonly tools: readonly PromptTool[];
  readonly toolChoice: "auto" | "none" | "required" | { readonly name: string };
  readonly parallelCalls: boolean;
  /** The answer's JSON Schema; null asks for text. */
  readonly schema: unknown;
  readonly stop: readonly string[];
  /** Tokens of the answer, reasoning included; null is no bound. */
  readonly maxTokens: number | null;
  readonly reasons: boolean;
}

export interface PromptTool {
  readonly name: string;
  /** JSON Schema of the arguments; null takes free text. */
  readonly schema: unknown;
}

/** What is answered, in no provider's words. */
export interface Answer {
  /** Tokens that joined give the text; likewise below. */
  readonly reasoning: readonly string[];
  readonly text: readonly string[];
  readonly refusal: readonly string[];
  readonly calls: readonly AnswerCall[];
  readonly finish: "stop" | "stop_sequence" | "length" | "tool_calls" | "refusal";
  /** The stop sequence that ended it. */
  readonly stoppedBy: string | null;
}

export interface AnswerCall {
  readonly name: string;
  /** Whether `input` is JSON; a tool without a schema takes any text. */
  readonly json: boolean;
  readonly input: readonly string[];
}

const usualThought = "This reasoning is simulated: the question is read, and an answer is prepared.";

/** The answer to a prompt: the same one every time. */
export function compose(prompt: Prompt): Answer {
  const directives = parseDirectives(prompt.text);
  const thinks = directives.think !== null || prompt.reasons;
  const thought = directives.think === null ? usualThought : wordsOf(directives.think);
  const left = { tokens: prompt.maxTokens ?? Number.POSITIVE_INFINITY };
  const reasoning = take(thinks ? tokenize(thought) : [], left);
  const answer = { reasoning, text: [], refusal: [], calls: [], stoppedBy: null };

  if (directives.refuse !== null) {
    const refusal = take(tokenize(directives.refuse), left);
    return { ...answer, refusal, finish: left.tokens < 0 ? "length" : "refusal" };
  }
  // Results are there to be answered, not to be asked for again.
  const calls = prompt.toolResults.length > 0 ? [] : chooseCalls(prompt, directives.calls, directives.say !== null);
  const text = calls.length > 0 ? "" : textOf(prompt, directives.say, directives.words);
  const { kept, stoppedBy } = untilStop(text, prompt.stop);
  const taken = take(tokenize(kept), left);
  if (left.tokens < 0) return { ...answer, text: taken, finish: "length" };
  if (stoppedBy !== null) return { ...answer, text: taken, stoppedBy, finish: "stop_sequence" };
  return { ...answer, text: taken, calls, finish: calls.length > 0 ? "tool_calls" : "stop" };
}

/** Takes what the limit leaves; below zero says that something was left out. */
function take(tokens: readonly string[], left: { tokens: number }): readonly string[] {
  const taken = tokens.slice(0, Math.max(left.tokens, 0));
  left.tokens -= tokens.length;
  return taken;
}

function chooseCalls(
  { tools, toolChoice, parallelCalls, text, schema }: Prompt,
  directed: readonly { readonly name: string; readonly input: string | null }[],
  told: boolean,
): readonly AnswerCall[] {
  if (toolChoice === "none" || tools.length === 0) return [];
  const byName = new Map(tools.map((tool) => [tool.name, tool]));
  const asked = directed.flatMap(({ name, input }) => {
    const tool = byName.get(name);
    return tool ? [callOf(tool, input)] : [];
  });
  const wanted =
    asked.length > 0
      ? asked
      : usualTools(tools, toolChoice, text, told || schema !== null).map((tool) => callOf(tool, null));
  return parallelCalls ? wanted : wanted.slice(0, 1);
}

/** The tools that the text names, else the first: a model that gets one tool and one question mostly uses it. */
function usualTools(
  tools: readonly PromptTool[],
  choice: Prompt["toolChoice"],
  text: string,
  answersItself: boolean,
): readonly PromptTool[] {
  if (typeof choice === "object") return tools.filter(({ name }) => name === choice.name);
  if (choice === "auto" && answersItself) return [];
  const named = tools.filter(({ name }) => text.includes(name));
  return named.length > 0 ? named : tools.slice(0, 1);
}

function callOf({ name, schema }: PromptTool, input: string | null): AnswerCall {
  const made = schema === null ? "simulated" : JSON.stringify(sampleOf(schema));
  return { name, json: schema !== null, input: tokenize(input ?? made) };
}

function textOf(prompt: Prompt, say: string | null, words: number | null): string {
  if (say !== null) return say;
  if (words !== null) return wordsOf(words);
  if (prompt.schema !== null) return JSON.stringify(sampleOf(prompt.schema));
  if (prompt.toolResults.length > 0)
    return `This answer is simulated. The tools said: ${prompt.toolResults.join("; ")}`;
  const sent = prompt.attachments === 0 ? "" : ` You attached ${prompt.attachments}.`;
  return `This answer is simulated. You said: ${prompt.text}${sent}`;
}

function untilStop(text: string, stop: readonly string[]): { kept: string; stoppedBy: string | null } {
  let first = { at: text.length, sequence: null as string | null };
  for (const sequence of stop) {
    const at = text.indexOf(sequence);
    if (at >= 0 && at < first.at) first = { at, sequence };
  }
  return { kept: text.slice(0, first.at), stoppedBy: first.sequence };
}
