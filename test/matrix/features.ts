import { type Ask, type AskPart, answerSchema, pdf, pictureUrl, png, type Turn, wav } from "./ask.ts";
import type { Seen, SeenChoice } from "./seen.ts";
import type { Reached, Upstream } from "./upstreams/upstream.ts";

export const featureNames = [
  "text",
  "stream",
  "tools",
  "parallel tools",
  "stream + tools",
  "forced tool",
  "tool required",
  "tools forbidden",
  "tool without parameters",
  "one call at a time",
  "tool results",
  "several tool results",
  "failed tool",
  "tool results with images",
  "images",
  "image by address",
  "order of parts",
  "PDF",
  "audio",
  "JSON schema",
  "JSON schema, streamed",
  "JSON mode",
  "reasoning effort",
  "reasoning budget",
  "reasoning off",
  "thoughts shown",
  "thoughts, streamed",
  "reasoning round trip",
  "cache usage",
  "cache usage, streamed",
  "stop",
  "stop, streamed",
  "length stop",
  "length stop, streamed",
  "refusal",
  "refusal, streamed",
  "n > 1",
  "n > 1, streamed",
  "logprobs",
  "logprobs, streamed",
  "seed",
  "temperature",
  "top_p",
  "top_k",
  "frequency penalty",
  "end user",
  "rate limit",
  "overload",
  "error in a stream",
  "cut stream",
] as const;

export type FeatureName = (typeof featureNames)[number];

/** What of a question a feature sets; the rest is left unsaid. */
type Asked = Partial<Omit<Ask, "feature" | "model" | "turns">> & {
  /** Directives to the simulator, and other parts of the user's turn. */
  readonly say: string;
  readonly parts?: readonly AskPart[];
  readonly history?: readonly Turn[];
  /** A fault of the simulator, added to the model's name. */
  readonly fault?: string;
};

/** A feature: how it is asked, and what must be seen on both sides when all of it arrives. */
export interface Feature {
  ask(upstream: Upstream, tag: string): Asked;
  /** Turns behind the first answer, where it takes a second question to see; empty repeats the first. */
  readonly next?: (first: Seen) => readonly Turn[];
  /** What is missing in the provider's request; null when nothing is. */
  reached(reached: Reached): string | null;
  /** What is missing in what the caller got. */
  got(seen: Seen): string | null;
  /** How a loss report or an error names the feature's field. */
  readonly field: RegExp;
  /** Whether it is only told and never asked for: where a provider has no such thing, there is nothing to lose. */
  readonly isTold?: boolean;
}

const oslo = '{"city":"Oslo"}';
const bergen = '{"city":"Bergen"}';
const callOslo = `/call weather ${oslo}`;
const callBoth = `${callOslo}\n/call clock ${bergen}`;
const fine = () => null;
const never = /^$/;
const picture: AskPart = { kind: "image", data: png };

const first = ({ choices }: Seen): SeenChoice | undefined => choices[0];

/** Says what is missing unless the condition holds. */
const need = (holds: boolean | undefined, missing: string): string | null => (holds === true ? null : missing);

/** The first thing that is missing. */
const all = (...checks: readonly (string | null)[]): string | null => checks.find((check) => check !== null) ?? null;

const isAsked = ({ tools }: Reached): string | null => {
  const [weather, clock] = tools;
  const named = weather?.name === "weather" && (tools.length === 1 || clock?.name === "clock");
  return all(need(named, "tools"), need(JSON.stringify(weather?.schema)?.includes('"city"'), "the tool's schema"));
};

const called = (seen: Seen, ...wanted: readonly string[]): string | null => {
  const calls = first(seen)?.calls ?? [];
  const told = calls.map((call) => `${call.name} ${JSON.stringify(JSON.parse(call.arguments))}`);
  return all(
    need(told.join() === wanted.join(), `calls ${wanted.join()}`),
    need(first(seen)?.finish === "calls", "finish reason of calls"),
    need(
      new Set(calls.map(({ id }) => id)).size === calls.length && calls.every(({ id }) => id !== ""),
      "ids of calls",
    ),
  );
};

const counted = ({ usage }: Seen): string | null => need((usage?.input ?? 0) > 0 && (usage?.output ?? 0) > 0, "usage");

const withTool = (say: string, more: Partial<Asked> = {}): Asked => ({ say, tools: ["weather"], ...more });

const history = (parts: readonly AskPart[], failed = false): readonly Turn[] => [
  { kind: "user", parts: [{ kind: "text", text: "How is the weather in Oslo?" }] },
  { kind: "calls", calls: [{ id: "call_0123456789", name: "weather", arguments: oslo }] },
  { kind: "result", callId: "call_0123456789", name: "weather", failed, parts },
];

const twoResults: readonly Turn[] = [
  { kind: "user", parts: [{ kind: "text", text: "Weather in Oslo, time in Bergen?" }] },
  {
    kind: "calls",
    calls: [
      { id: "call_0123456789", name: "weather", arguments: oslo },
      { id: "call_9876543210", name: "clock", arguments: bergen },
    ],
  },
  { kind: "result", callId: "call_0123456789", name: "weather", parts: [{ kind: "text", text: "sunny" }] },
  { kind: "result", callId: "call_9876543210", name: "clock", parts: [{ kind: "text", text: "noon" }] },
];

const attached = (part: AskPart, list: "images" | "documents" | "sounds", data: string, field: RegExp): Feature => ({
  ask: () => ({ say: "What is this?", parts: [part] }),
  reached: (reached) =>
    need(
      reached[list].some((one) => one.includes(data)),
      `the ${part.kind}`,
    ),
  got: (seen) => need(first(seen)?.text.includes("You attached 1"), "an answer to the attachment"),
  field,
});

type Setting = "seed" | "temperature" | "topP" | "topK" | "frequencyPenalty" | "endUser";

const setting = (name: Setting, value: number | string, field: RegExp): Feature => ({
  ask: () => ({ say: "/say fine", [name]: value }),
  reached: (reached) => need(reached[name] === value, name),
  got: (seen) => need(first(seen)?.text === "fine", "text"),
  field,
});

/** The same as a stream. */
const streamed = (feature: Feature): Feature => ({
  ...feature,
  ask: (upstream, tag) => ({ ...feature.ask(upstream, tag), stream: true }),
  reached: (reached) => all(feature.reached(reached), need(reached.stream, "the wish for a stream")),
});

const probable: Feature = {
  ask: () => ({ say: "/say one two three", topLogprobs: 2 }),
  reached: ({ logprobs, topLogprobs }) => all(need(logprobs, "logprobs"), need(topLogprobs === 2, "top_logprobs")),
  got: (seen) =>
    all(
      need((first(seen)?.logprobs ?? 0) >= 3, "log probabilities"),
      need(first(seen)?.alternatives === 2, "alternatives"),
    ),
  field: /logprobs/,
};

const failing = (fault: string, stream: boolean, got: Feature["got"]): Feature => ({
  ask: () => ({ say: "/words 20", stream, fault }),
  reached: fine,
  got,
  field: never,
});

const whole = {
  text: {
    ask: () => ({ say: "/say Hello, world.", system: "Be brief.", maxTokens: 500 }),
    reached: ({ system, text, maxTokens }) =>
      all(
        need(system.includes("Be brief."), "the system's text"),
        need(text.includes("Hello, world."), "the user's text"),
        need(maxTokens === 500, "the bound of tokens"),
      ),
    got: (seen) =>
      all(
        need(first(seen)?.text === "Hello, world.", "text"),
        need(first(seen)?.finish === "stop", "finish reason"),
        counted(seen),
      ),
    field: /system|max/,
  },
  stream: {
    ask: () => ({ say: "/say one two three four", stream: true }),
    reached: ({ stream }) => need(stream, "the wish for a stream"),
    got: (seen) =>
      all(
        need(first(seen)?.text === "one two three four", "text"),
        need(seen.deltas >= 2, "more than one piece"),
        need(first(seen)?.finish === "stop", "finish reason"),
        counted(seen),
      ),
    field: /stream/,
  },
  tools: {
    ask: () => withTool(callOslo),
    reached: isAsked,
    got: (seen) => called(seen, `weather ${oslo}`),
    field: /tools/,
  },
  "parallel tools": {
    ask: () => ({ say: callBoth, tools: ["weather", "clock"] }),
    reached: isAsked,
    got: (seen) => called(seen, `weather ${oslo}`, `clock ${bergen}`),
    field: /tools/,
  },
  "stream + tools": {
    ask: () => ({ say: callBoth, tools: ["weather", "clock"], stream: true }),
    reached: (reached) => all(isAsked(reached), need(reached.stream, "the wish for a stream")),
    got: (seen) => all(called(seen, `weather ${oslo}`, `clock ${bergen}`), counted(seen)),
    field: /tools/,
  },
  "forced tool": {
    ask: () => ({ say: "/say no", tools: ["weather", "clock"], toolChoice: { name: "clock" } }),
    reached: ({ choice, tools }) =>
      // Where a provider knows no names, the one tool alone and the duty to call amount to the same.
      need(
        choice === "clock" || (choice === "required" && tools.map(({ name }) => name).join() === "clock"),
        "the choice",
      ),
    got: (seen) =>
      need(
        first(seen)
          ?.calls.map(({ name }) => name)
          .join() === "clock",
        "the call",
      ),
    field: /tool_choice/,
  },
  "tool required": {
    ask: () => ({ say: "/say no", tools: ["weather"], toolChoice: "required" }),
    reached: ({ choice }) => need(choice === "required", "the choice"),
    got: (seen) =>
      need(
        first(seen)
          ?.calls.map(({ name }) => name)
          .join() === "weather",
        "the call",
      ),
    field: /tool_choice/,
  },
  "tools forbidden": {
    ask: () => withTool(callOslo, { toolChoice: "none" }),
    reached: ({ choice, tools }) => need(choice === "none" || tools.length === 0, "the choice"),
    got: (seen) => need(first(seen)?.calls.length === 0 && first(seen)?.finish === "stop", "an answer without calls"),
    field: /tool_choice/,
  },
  "tool without parameters": {
    ask: () => ({ say: "/call now {}", bareTools: ["now"] }),
    reached: ({ tools }) => need(tools.map(({ name }) => name).join() === "now", "the tool"),
    got: (seen) => called(seen, "now {}"),
    field: /tools/,
  },
  "one call at a time": {
    ask: () => ({ say: callBoth, tools: ["weather", "clock"], oneCallAtATime: true }),
    reached: ({ oneCallAtATime }) => need(oneCallAtATime, "the wish for one call"),
    got: (seen) => called(seen, `weather ${oslo}`),
    field: /parallel_tool_calls|tool_choice/,
  },
  "tool results": {
    ask: () => withTool("", { history: history([{ kind: "text", text: "sunny" }]) }),
    reached: ({ results, calls }) =>
      all(
        need(results.at(0)?.text.includes("sunny"), "the result"),
        need(calls.at(0) === `weather ${oslo}`, "the call"),
      ),
    got: (seen) => need(first(seen)?.text.includes("sunny"), "an answer to the result"),
    field: /tool_result/,
  },
  "several tool results": {
    ask: () => ({ say: "", tools: ["weather", "clock"], history: twoResults }),
    reached: ({ results, calls }) =>
      all(
        need(calls.join() === `weather ${oslo},clock ${bergen}`, "the calls"),
        need(results.length === 2 && results[0]?.text.includes("sunny"), "the first result"),
        need(results[1]?.text.includes("noon"), "the second result"),
      ),
    got: (seen) =>
      need(first(seen)?.text.includes("sunny") && first(seen)?.text.includes("noon"), "an answer to the results"),
    field: /tool_result/,
  },
  "failed tool": {
    ask: () => withTool("", { history: history([{ kind: "text", text: "no network" }], true) }),
    reached: ({ results }) =>
      all(need(results[0]?.text.includes("no network"), "the result"), need(results[0]?.failed, "that it failed")),
    got: (seen) => need(first(seen)?.text.includes("no network"), "an answer to the result"),
    field: /is_error/,
  },
  "tool results with images": {
    ask: () => withTool("", { history: history([{ kind: "text", text: "sunny" }, picture]) }),
    reached: ({ results }) =>
      all(
        need(results.at(0)?.text.includes("sunny"), "the result"),
        need(
          results.at(0)?.images.some((one) => one.includes(png)),
          "the image in the result",
        ),
      ),
    got: (seen) => need(first(seen)?.text.includes("sunny"), "an answer to the result"),
    field: /tool_result|messages\[\d+\]/,
  },
  images: attached(picture, "images", png, /image|messages\[\d+\]/),
  "image by address": attached({ kind: "link", url: pictureUrl }, "images", pictureUrl, /image|messages\[\d+\]/),
  "order of parts": {
    ask: () => ({
      say: "Which is older?",
      parts: [{ kind: "text", text: "One:" }, picture, { kind: "text", text: "Two:" }, picture],
    }),
    reached: ({ order }) => need(order === "text image text image text", "the order"),
    got: (seen) => need(first(seen)?.text.includes("You attached 2"), "an answer to the attachments"),
    field: /image|messages\[\d+\]/,
  },
  PDF: attached({ kind: "document", data: pdf }, "documents", pdf, /file|document|messages\[\d+\]/),
  audio: attached({ kind: "audio", data: wav }, "sounds", wav, /audio|messages\[\d+\]/),
  "JSON schema": {
    ask: () => ({ say: "The weather in Oslo, please.", format: "schema" }),
    reached: ({ schema }) =>
      need(JSON.stringify(schema)?.includes(JSON.stringify(answerSchema.required)), "the schema"),
    got: (seen) => need(isObject(first(seen)?.text, "city", "warm"), "an object of the schema"),
    field: /response_format|output_config/,
  },
  "JSON mode": {
    ask: () => ({ say: "The weather in Oslo as JSON, please.", format: "json" }),
    reached: ({ isJson }) => need(isJson, "the wish for JSON"),
    got: (seen) => need(isObject(first(seen)?.text), "an object"),
    field: /response_format/,
  },
  "reasoning effort": {
    ask: () => ({ say: "/say so", effort: "medium" }),
    reached: ({ effort }) => need(effort === "medium", "the effort"),
    got: (seen) =>
      all(
        need(first(seen)?.text === "so", "text"),
        need(first(seen)?.reasoning !== "" || (seen.usage?.reasoning ?? 0) > 0, "reasoning, or its count"),
      ),
    field: /reasoning/,
  },
  "reasoning budget": {
    ask: () => ({ say: "/say so", budget: 4_096 }),
    reached: ({ budget }) => need(budget === 4_096, "the budget"),
    got: (seen) => need(first(seen)?.text === "so", "text"),
    field: /reasoning/,
  },
  "reasoning off": {
    ask: () => ({ say: "/say so", effort: "none" }),
    reached: ({ isOff }) => need(isOff, "that reasoning is off"),
    got: (seen) =>
      all(
        need(first(seen)?.text === "so", "text"),
        need(first(seen)?.reasoning === "" && (seen.usage?.reasoning ?? 0) === 0, "an answer without reasoning"),
      ),
    field: /reasoning/,
  },
  "thoughts shown": {
    ask: ({ thinksAnyway }) => ({ say: "/think 6", effort: thinksAnyway ? null : "high", showThoughts: true }),
    reached: fine,
    got: (seen) => need(first(seen)?.reasoning !== "", "the thoughts"),
    field: /reasoning/,
  },
  "reasoning round trip": {
    ask: ({ thinksAnyway }) => withTool(`/think 6\n${callOslo}`, { effort: thinksAnyway ? null : "high" }),
    next: (seen) => [
      { kind: "echo", native: seen.native },
      {
        kind: "result",
        callId: first(seen)?.calls[0]?.id ?? "",
        name: "weather",
        parts: [{ kind: "text", text: "sunny" }],
      },
    ],
    reached: ({ thoughts }) => need(thoughts.length > 0, "the earlier reasoning"),
    got: (seen) => need(first(seen)?.text.includes("sunny"), "an answer to the result"),
    field: /reasoning|messages\[\d+\]/,
    isTold: true,
  },
  "cache usage": {
    ask: ({ needsCacheMark }, tag) => ({ say: "/say yes", system: `${tag} ${longText}`, cacheMark: needsCacheMark }),
    next: () => [],
    reached: fine,
    got: ({ usage }) => need((usage?.cached ?? 0) > 0, "the count of cached tokens"),
    field: /cache/,
    isTold: true,
  },
  stop: {
    ask: () => ({ say: "/say one two END three", stop: ["END"] }),
    reached: ({ stop }) => need(stop.join() === "END", "the stop sequence"),
    got: (seen) =>
      all(
        need(first(seen)?.text.trimEnd() === "one two", "the end"),
        need(first(seen)?.finish === "stop", "finish reason"),
      ),
    field: /^stop/,
  },
  "length stop": {
    ask: () => ({ say: "/words 60", maxTokens: 20 }),
    reached: ({ maxTokens }) => need(maxTokens === 20, "the bound of tokens"),
    got: (seen) => need(first(seen)?.finish === "length", "finish reason"),
    field: /max/,
  },
  refusal: {
    ask: () => ({ say: "/refuse I will not." }),
    reached: fine,
    got: (seen) => need(first(seen)?.finish === "refused" || first(seen)?.refusal !== "", "the refusal"),
    field: /refusal/,
    isTold: true,
  },
  "n > 1": {
    ask: () => ({ say: "/say twice", choices: 2 }),
    reached: ({ choices }) => need(choices === 2, "the number of choices"),
    got: ({ choices }) => need(choices.map(({ text }) => text).join() === "twice,twice", "two choices"),
    field: /\bn\b|choice_count/,
  },
  logprobs: probable,
  seed: setting("seed", 7, /^seed$/),
  temperature: setting("temperature", 0.5, /^temperature$/),
  top_p: setting("topP", 0.75, /^top_p$/),
  top_k: setting("topK", 20, /^top_k$/),
  "frequency penalty": setting("frequencyPenalty", 0.5, /^frequency_penalty$/),
  "end user": setting("endUser", "user-1", /^(?:end_user_id|user|safety_identifier)$/),
  "rate limit": failing("429,seconds=7", false, ({ error }) =>
    all(
      need(/rate_limit/.test(error?.code ?? ""), "its code"),
      need(error?.retryAfterSeconds === 7, "when to ask again"),
    ),
  ),
  overload: failing("503", false, ({ error }) => need(/overloaded|unavailable/.test(error?.code ?? ""), "its code")),
  "error in a stream": failing("error-event,after=3", true, ({ error }) =>
    all(
      need(error !== null, "an error"),
      need(error?.midway, "output before it"),
      need(error?.code !== "no_end", "its code"),
    ),
  ),
  "cut stream": failing("cut,after=3", true, ({ error }) =>
    all(
      need(error !== null, "an error"),
      need(error?.midway, "output before it"),
      need(error?.code !== "no_end", "its code"),
    ),
  ),
} satisfies Partial<Record<FeatureName, Feature>>;

/** Every feature by its name. */
export const features: Readonly<Record<FeatureName, Feature>> = {
  ...whole,
  "JSON schema, streamed": streamed(whole["JSON schema"]),
  "thoughts, streamed": streamed(whole["thoughts shown"]),
  "cache usage, streamed": streamed(whole["cache usage"]),
  "stop, streamed": streamed(whole.stop),
  "length stop, streamed": streamed(whole["length stop"]),
  "refusal, streamed": streamed(whole.refusal),
  "n > 1, streamed": streamed(whole["n > 1"]),
  "logprobs, streamed": streamed(whole.logprobs),
};

/** What is asked as a stream by a feature such as `stop, streamed`; else the feature itself. */
export function wholeOf(feature: FeatureName): FeatureName {
  if (feature === "thoughts, streamed") return "thoughts shown";
  const name = feature.replace(", streamed", "");
  return featureNames.find((one) => one === name) ?? feature;
}

/** Long enough for every provider to cache it: some 1,500 tokens. */
const longText = "weather ".repeat(1_500);

function isObject(text: string | undefined, ...members: readonly string[]): boolean {
  try {
    const value: unknown = JSON.parse(text ?? "");
    return typeof value === "object" && value !== null && members.every((name) => name in value);
  } catch {
    return false;
  }
}
