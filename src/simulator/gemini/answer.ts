import { type Answer, compose } from "../compose.ts";
import type { Exchange, Reply, StreamEvent } from "../exchange.ts";
import { countTokens } from "../tokens.ts";
import { signatureOf } from "./contents.ts";
import { generationOf } from "./models.ts";
import type { GenerateAsk } from "./request.ts";

const tokensAMessage = 2;

/** Tokens of everything that is sent to the model. */
export function countInput({ texts }: GenerateAsk): number {
  return texts.reduce((sum, text) => sum + tokensAMessage + countTokens(text), 0);
}

/** How the answer is wanted. */
export type Form = "whole" | "sse" | "array";

/** Answers a generateContent request, whole or as a stream. */
export function answerGenerate(ask: GenerateAsk, form: Form, exchange: Exchange): Reply {
  const answer = compose(ask.prompt);
  const known = { modelVersion: ask.model, responseId: `simulated-${exchange.sequence}` };
  const usage = usageOf(ask, answer, exchange);
  const pieces = piecesOf(answer, ask, exchange.sequence);
  const headers = headersOf(ask);
  if (form === "whole") {
    const parts = joined(pieces);
    const candidates = everyIndex(ask).map((index) => ({
      // Where nothing was said there is no content either.
      ...(parts.length > 0 && { content: { parts, role: "model" } }),
      ...endingOf(answer),
      index,
      ...(ask.logprobs !== null && { logprobsResult: logprobsOf(answer.text, ask.logprobs), avgLogprobs: -0.125 }),
    }));
    return { status: 200, headers, body: { candidates, usageMetadata: usage(null), ...known } };
  }
  const events = [...chunks(ask, answer, pieces, usage)].map((event) => ({
    ...event,
    body: { ...event.body, ...known },
  }));
  if (form === "array") return { status: 200, headers, body: events.map(({ body }) => body) };
  return { headers, events: events.map(({ body, token }): StreamEvent => ({ text: sse(body), token })), errorEvent };
}

const errorEvent = sse({ error: { code: 500, message: "This failure is simulated.", status: "INTERNAL" } });

function headersOf({ tier }: GenerateAsk): Record<string, string> {
  return { "server-timing": "gfet4t7; dur=1", "x-gemini-service-tier": tier };
}

/** A part of the answer, or a token of one. */
interface Piece {
  readonly part: Readonly<Record<string, unknown>>;
  readonly token: boolean;
}

function piecesOf(
  answer: Answer,
  { model, modalities, showsThoughts }: GenerateAsk,
  sequence: number,
): readonly Piece[] {
  const { isNew } = generationOf(model);
  const thought = answer.reasoning.length > 0;
  const writes = modalities.includes("TEXT");
  const texts = writes ? answer.text.map((text) => ({ part: { text }, token: true })) : [];
  const calls = answer.calls.map(({ name, input }, i) => {
    const args: unknown = parsed(input.join(""));
    const id = isNew ? { id: `call_simulated_${sequence}_${i}` } : {};
    // Of parallel calls the first is signed.
    const signature = (thought || isNew) && i === 0 ? { thoughtSignature: signatureOf(name, args) } : {};
    return { part: { functionCall: { name, args, ...id }, ...signature }, token: true };
  });
  const media = modalities
    .flatMap((modality) => outputs[modality] ?? [])
    .map((inlineData) => ({ part: { inlineData }, token: true }));
  const thoughts = showsThoughts
    ? answer.reasoning.map((text) => ({ part: { text, thought: true }, token: true }))
    : [];
  return [...thoughts, ...texts, ...calls, ...media];
}

/** A picture of one pixel, and a tenth of a second of silence. */
const outputs: Readonly<Record<string, { readonly mimeType: string; readonly data: string }>> = {
  IMAGE: {
    mimeType: "image/png",
    data: "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/VscvDQAAAABJRU5ErkJggg==",
  },
  AUDIO: { mimeType: "audio/L16;codec=pcm;rate=24000", data: Buffer.alloc(4_800).toString("base64") },
};

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return { input: json };
  }
}

/** Tokens of one kind, joined to the part that they are when nothing is streamed. */
function joined(pieces: readonly Piece[]): readonly object[] {
  const parts: Record<string, unknown>[] = [];
  for (const { part } of pieces) {
    const last = parts.at(-1);
    const goesOn = typeof part.text === "string" && typeof last?.text === "string" && last.thought === part.thought;
    if (goesOn && last) last.text = `${String(last.text)}${String(part.text)}`;
    else parts.push({ ...part });
  }
  return parts;
}

const reasons: Readonly<Record<Answer["finish"], string>> = {
  stop: "STOP",
  stop_sequence: "STOP",
  length: "MAX_TOKENS",
  tool_calls: "STOP",
  refusal: "SAFETY",
};

function endingOf({ finish, refusal }: Answer): object {
  if (finish !== "refusal") return { finishReason: reasons[finish] };
  const rating = { category: "HARM_CATEGORY_DANGEROUS_CONTENT", probability: "HIGH", blocked: true };
  return { finishReason: reasons[finish], finishMessage: refusal.join(""), safetyRatings: [rating] };
}

function everyIndex({ candidates }: GenerateAsk): readonly number[] {
  return Array.from({ length: candidates }, (_, index) => index);
}

/** Counts after so many tokens of the answer; null is all of them. */
type UsageAt = (written: number | null) => object;

function usageOf(ask: GenerateAsk, answer: Answer, { cache }: Exchange): UsageAt {
  const prompt = countInput(ask);
  const thoughts = answer.reasoning.length;
  const all = [answer.text, ...answer.calls.map(({ input }) => input)].reduce((sum, tokens) => sum + tokens.length, 0);
  // Only long prefixes are cached, and only when they were seen before.
  const cached = ask.prefix.length > minCachedChars && cache.visit(ask.prefix) ? Math.floor(prompt / 2) : 0;
  return (written) => {
    const answered = (written ?? all) * ask.candidates;
    return {
      promptTokenCount: prompt,
      ...(answered > 0 && { candidatesTokenCount: answered }),
      totalTokenCount: prompt + answered + thoughts,
      ...(cached > 0 && {
        cachedContentTokenCount: cached,
        cacheTokensDetails: [{ modality: "TEXT", tokenCount: cached }],
      }),
      promptTokensDetails: [{ modality: "TEXT", tokenCount: prompt }],
      ...(thoughts > 0 && { thoughtsTokenCount: thoughts }),
    };
  };
}

const minCachedChars = 4_096;

interface Chunk {
  readonly body: object;
  readonly token: boolean;
}

function* chunks(ask: GenerateAsk, answer: Answer, pieces: readonly Piece[], usage: UsageAt): Generator<Chunk> {
  let written = 0;
  for (const { part, token } of pieces) {
    if (part.thought !== true) written++;
    const logprobs =
      ask.logprobs !== null && typeof part.text === "string"
        ? { logprobsResult: logprobsOf([part.text], ask.logprobs) }
        : {};
    const candidates = everyIndex(ask).map((index) => ({
      content: { parts: [part], role: "model" },
      index,
      ...logprobs,
    }));
    yield { body: { candidates, usageMetadata: usage(written) }, token };
  }
  const candidates = everyIndex(ask).map((index) => ({
    content: { parts: [{ text: "" }], role: "model" },
    ...endingOf(answer),
    index,
  }));
  yield { body: { candidates, usageMetadata: usage(null) }, token: false };
}

/** Log probabilities fall with the rank of an alternative. */
function logprobsOf(tokens: readonly string[], alternatives: number): object {
  const at = (token: string, rank: number) => ({
    token: rank === 0 ? token : `${token}${rank}`,
    tokenId: 100 + rank,
    logProbability: -0.125 * 2 ** rank,
  });
  return {
    chosenCandidates: tokens.map((token) => at(token, 0)),
    topCandidates: tokens.map((token) => ({
      candidates: Array.from({ length: alternatives }, (_, rank) => at(token, rank)),
    })),
  };
}

/** Google ends its lines as mail does. */
function sse(body: object): string {
  return `data: ${JSON.stringify(body)}\r\n\r\n`;
}
