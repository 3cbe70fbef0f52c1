import type { Answer } from "../compose.ts";
import { logprobsOf } from "./logprobs.ts";
import type { ResponseAsk } from "./responses-request.ts";
import { idOf, seal } from "./sealed.ts";

/** One item of the output: as it begins, what grows in it, and as it is in the end. */
export interface Item {
  readonly begun: Readonly<Record<string, unknown>> & { readonly id: string };
  readonly whole: Readonly<Record<string, unknown>> & { readonly id: string };
  readonly growth:
    | { readonly kind: "none" | "search" }
    | { readonly kind: "summary" | "arguments" | "input" | "refusal"; readonly pieces: readonly string[] }
    | {
        readonly kind: "text";
        readonly pieces: readonly string[];
        readonly logprobs: (position: number) => readonly unknown[];
        readonly annotations: readonly object[];
      };
}

/** The output of an answer, in order. @param seed makes ids that differ between answers */
export function itemsOf(ask: ResponseAsk, answer: Answer, seed: string): readonly Item[] {
  const items: Item[] = [];
  if (answer.reasoning.length > 0) items.push(reasoningItem(ask, answer, seed));
  if (ask.searches) items.push(searchItem(ask, seed));
  const cut = answer.finish === "length" ? "incomplete" : "completed";
  if (answer.refusal.length > 0) items.push(refusalItem(answer.refusal, seed, cut));
  else if (answer.text.length > 0) items.push(textItem(ask, answer, seed, cut));
  for (const [index, call] of answer.calls.entries()) items.push(callItem(call, `${seed} ${index}`));
  return items;
}

function reasoningItem(ask: ResponseAsk, { reasoning }: Answer, seed: string): Item {
  const id = idOf("rs", seed);
  const text = reasoning.join("");
  const sealed = ask.sealed ? { encrypted_content: seal(text) } : {};
  const summary = ask.summary ? [{ type: "summary_text", text }] : [];
  return {
    begun: { id, type: "reasoning", summary: [], ...sealed },
    whole: { id, type: "reasoning", summary, ...sealed },
    growth: ask.summary ? { kind: "summary", pieces: reasoning } : { kind: "none" },
  };
}

const source = "https://simulated.example/";

function searchItem({ prompt }: ResponseAsk, seed: string): Item {
  const id = idOf("ws", seed);
  const action = { type: "search", query: prompt.text, queries: [prompt.text] };
  return {
    begun: { id, type: "web_search_call", status: "in_progress", action },
    whole: { id, type: "web_search_call", status: "completed", action },
    growth: { kind: "search" },
  };
}

function refusalItem(pieces: readonly string[], seed: string, status: string): Item {
  const head = { id: idOf("msg", seed), type: "message", role: "assistant" };
  const content = [{ type: "refusal", refusal: pieces.join("") }];
  return {
    begun: { ...head, status: "in_progress", content: [] },
    whole: { ...head, status, content },
    growth: { kind: "refusal", pieces },
  };
}

function textItem(ask: ResponseAsk, answer: Answer, seed: string, status: string): Item {
  const head = { id: idOf("msg", seed), type: "message", role: "assistant" };
  const text = answer.text.join("");
  const annotations = ask.searches
    ? [{ type: "url_citation", start_index: 0, end_index: text.length, url: source, title: "Simulated" }]
    : [];
  const logprobs = (position?: number) =>
    ask.topLogprobs === null ? [] : tokensOf(logprobsOf(answer, ask.topLogprobs, position));
  const content = [{ type: "output_text", text, annotations, logprobs: logprobs() }];
  return {
    begun: { ...head, status: "in_progress", content: [] },
    whole: { ...head, status, content },
    growth: { kind: "text", pieces: answer.text, logprobs, annotations },
  };
}

function tokensOf(logprobs: object): readonly unknown[] {
  return "content" in logprobs && Array.isArray(logprobs.content) ? logprobs.content : [];
}

function callItem({ name, json, input }: Answer["calls"][number], seed: string): Item {
  const kind = json ? "arguments" : "input";
  const head = {
    id: idOf(json ? "fc" : "ctc", seed),
    type: json ? "function_call" : "custom_tool_call",
    call_id: `call_${idOf("call", seed).slice(-24)}`,
    name,
  };
  return {
    begun: { ...head, status: "in_progress", [kind]: "" },
    whole: { ...head, status: "completed", [kind]: input.join("") },
    growth: { kind, pieces: input },
  };
}
