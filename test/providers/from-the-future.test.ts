import { describe, expect, it } from "vitest";
import { FinishReason } from "../../gen/trunkline/v1/stream_pb.ts";
import { createFold } from "../../src/domain/fold.ts";
import { providerOf } from "../../src/providers/catalog.ts";
import { randomFrom } from "../domain/random-messages.ts";
import { checkAnswer, readStreamed, readWhole } from "../fuzz/answers.ts";
import { tellCallers } from "../fuzz/edges.ts";
import type { FramingName } from "../fuzz/mutate-stream.ts";
import { adapterKinds } from "../fuzz/recordings.ts";

/** Answers as they are now, and where a newer version of the provider would say something of its own. */
interface Dialect {
  readonly kinds: readonly string[];
  /** The provider's further interface that speaks it. */
  readonly api?: "responses";
  readonly framing: FramingName;
  /** A whole answer with the text `hi`. */
  whole(novel: Novel): object;
  /** The same as the events of a stream. */
  events(novel: Novel): readonly object[];
}

/** What is new; each has the word that is known today where a case does not change it. */
interface Novel {
  readonly finish: string;
  readonly role: string;
  /** Members of usage, of the answer itself, and of its message. */
  readonly members: object;
  /** Parts, blocks or items of a new type beside the text, where the dialect has such; else none. */
  readonly parts: readonly object[];
  /** Events of a new type. */
  readonly events: readonly object[];
}

const nothing = { members: {}, parts: [], events: [] };
const news = {
  members: { from_the_future: { a: [1, null] }, fromTheFuture: "x" },
  parts: [{ type: "from_the_future", fromTheFuture: { a: 1 }, id: "n1" }],
  events: [{ type: "from_the_future", delta: { type: "novel" }, index: 7 }],
};

const usageOf = (input: string, output: string, novel: Novel) => ({ [input]: 3, [output]: 2, ...novel.members });
const chatUsage = (novel: Novel) => usageOf("prompt_tokens", "completion_tokens", novel);

const chat = {
  framing: "sse",
  whole: (novel) => ({
    ...{ id: "c", object: "chat.completion", created: 1, model: "m", usage: chatUsage(novel), ...novel.members },
    choices: [
      { index: 0, finish_reason: novel.finish, message: { role: novel.role, content: "hi", ...novel.members } },
    ],
  }),
  events(novel) {
    const head = { id: "c", object: "chat.completion.chunk", created: 1, model: "m", ...novel.members };
    const chunk = (delta: object, finish: string | null) => ({
      ...head,
      choices: [{ index: 0, delta: { ...delta, ...novel.members }, finish_reason: finish }],
    });
    const end = { ...head, choices: [], usage: chatUsage(novel) };
    return [chunk({ role: novel.role, content: "hi" }, null), ...novel.events, chunk({}, novel.finish), end];
  },
} as const satisfies Omit<Dialect, "kinds">;

const message = (novel: Novel, content: readonly object[]) => ({
  ...{ id: "m", type: "message", role: novel.role, model: "m", content, ...novel.members },
});

const outputMessage = (novel: Novel) => ({
  ...{ id: "i", type: "message", role: novel.role, status: "completed", ...novel.members },
  content: [{ type: "output_text", text: "hi", annotations: [], ...novel.members }],
});

const dialects: Readonly<Record<string, Dialect>> = {
  "chat completions": {
    kinds: ["azure", "deepseek", "groq", "mistral", "openai", "openrouter", "vllm", "xai"],
    ...chat,
  },
  Messages: {
    kinds: ["anthropic"],
    framing: "sse",
    whole: (novel) => ({
      ...message(novel, [{ type: "text", text: "hi", ...novel.members }, ...novel.parts]),
      ...{ stop_reason: novel.finish, usage: usageOf("input_tokens", "output_tokens", novel) },
    }),
    events: (novel) => [
      { type: "message_start", message: { ...message(novel, []), usage: { input_tokens: 3, output_tokens: 1 } } },
      { type: "content_block_start", index: 0, content_block: { type: "text", text: "", ...novel.members } },
      ...novel.events,
      { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "hi" } },
      { type: "content_block_stop", index: 0 },
      ...novel.parts.flatMap((part, i) => [
        { type: "content_block_start", index: i + 1, content_block: part },
        { type: "content_block_delta", index: i + 1, delta: { type: "novel_delta", more: 1 } },
        { type: "content_block_stop", index: i + 1 },
      ]),
      {
        ...{ type: "message_delta", delta: { stop_reason: novel.finish, ...novel.members } },
        usage: usageOf("input_tokens", "output_tokens", novel),
      },
      { type: "message_stop" },
    ],
  },
  Responses: {
    kinds: ["openai"],
    api: "responses",
    framing: "sse",
    whole: (novel) => ({
      ...{ id: "r", object: "response", created_at: 1, model: "m", ...novel.members },
      ...(novel.finish === "stop"
        ? { status: "completed" }
        : { status: "incomplete", incomplete_details: { reason: novel.finish } }),
      output: [outputMessage(novel), ...novel.parts],
      usage: usageOf("input_tokens", "output_tokens", novel),
    }),
    events(novel) {
      const response = { id: "r", object: "response", created_at: 1, model: "m", output: [] };
      const item = outputMessage(novel);
      const at = { item_id: "i", output_index: 0, content_index: 0 };
      const items = novel.parts.flatMap((part, i) => [
        { type: "response.output_item.added", output_index: i + 1, item: part },
        { type: "response.output_item.done", output_index: i + 1, item: part },
      ]);
      return [
        { type: "response.created", response: { ...response, status: "in_progress", ...novel.members } },
        { type: "response.output_item.added", output_index: 0, item: { ...item, content: [] } },
        { type: "response.content_part.added", ...at, part: { type: "output_text", text: "", annotations: [] } },
        ...novel.events,
        { type: "response.output_text.delta", ...at, delta: "hi" },
        { type: "response.output_text.done", ...at, text: "hi" },
        { type: "response.output_item.done", output_index: 0, item },
        ...items,
        { type: novel.finish === "stop" ? "response.completed" : "response.incomplete", response: this.whole(novel) },
      ];
    },
  },
  Gemini: {
    kinds: ["gemini", "vertex"],
    framing: "sse",
    whole: (novel) => ({
      candidates: [
        {
          ...{ index: 0, finishReason: novel.finish, ...novel.members },
          content: { role: novel.role, parts: [{ text: "hi", ...novel.members }, ...novel.parts] },
        },
      ],
      usageMetadata: usageOf("promptTokenCount", "candidatesTokenCount", novel),
      ...{ modelVersion: "m", responseId: "r", ...novel.members },
    }),
    events(novel) {
      return [...novel.events, this.whole(novel)];
    },
  },
  Ollama: {
    kinds: ["ollama"],
    framing: "ndjson",
    whole: (novel) => ({
      ...{ model: "m", created_at: "2026-01-01T00:00:00Z", done: true, done_reason: novel.finish, ...novel.members },
      ...{ message: { role: novel.role, content: "hi", ...novel.members }, prompt_eval_count: 3, eval_count: 2 },
    }),
    events(novel) {
      return [this.whole(novel)];
    },
  },
  Cohere: {
    kinds: ["cohere"],
    framing: "sse",
    whole: (novel) => ({
      ...{ id: "c", finish_reason: novel.finish, ...novel.members },
      message: { role: novel.role, content: [{ type: "text", text: "hi" }, ...novel.parts], ...novel.members },
      usage: { tokens: usageOf("input_tokens", "output_tokens", novel), ...novel.members },
    }),
    events: (novel) => [
      { type: "message-start", id: "c", delta: { message: { role: novel.role, ...novel.members } } },
      { type: "content-start", index: 0, delta: { message: { content: { type: "text", text: "" } } } },
      ...novel.events,
      { type: "content-delta", index: 0, delta: { message: { content: { text: "hi" } } } },
      { type: "content-end", index: 0 },
      ...novel.parts.flatMap((part, i) => [
        { type: "content-start", index: i + 1, delta: { message: { content: part } } },
        { type: "content-end", index: i + 1 },
      ]),
      {
        type: "message-end",
        delta: {
          ...{ finish_reason: novel.finish, ...novel.members },
          usage: { tokens: usageOf("input_tokens", "output_tokens", novel) },
        },
      },
    ],
  },
  // Its events are named beside their data.
  Converse: {
    kinds: ["bedrock"],
    framing: "sse",
    whole: (novel) => ({
      output: { message: { role: novel.role, content: [{ text: "hi", ...novel.members }, ...novel.parts] } },
      ...{ stopReason: novel.finish, usage: usageOf("inputTokens", "outputTokens", novel), ...novel.members },
    }),
    events: (novel) => [
      { type: "messageStart", role: novel.role, ...novel.members },
      ...novel.events,
      { type: "contentBlockDelta", contentBlockIndex: 0, delta: { text: "hi", ...novel.members } },
      { type: "contentBlockStop", contentBlockIndex: 0 },
      ...novel.parts.flatMap((start, i) => [
        { type: "contentBlockStart", contentBlockIndex: i + 1, start },
        { type: "contentBlockDelta", contentBlockIndex: i + 1, delta: { novel: 1 } },
        { type: "contentBlockStop", contentBlockIndex: i + 1 },
      ]),
      { type: "messageStop", stopReason: novel.finish, ...novel.members },
      { type: "metadata", usage: usageOf("inputTokens", "outputTokens", novel), ...novel.members },
    ],
  },
};

/** The words of today, by dialect. */
const known: Readonly<Record<string, { readonly finish: string; readonly role: string }>> = {
  "chat completions": { finish: "stop", role: "assistant" },
  Responses: { finish: "stop", role: "assistant" },
  Messages: { finish: "end_turn", role: "assistant" },
  Gemini: { finish: "STOP", role: "model" },
  Ollama: { finish: "stop", role: "assistant" },
  Cohere: { finish: "COMPLETE", role: "assistant" },
  Converse: { finish: "end_turn", role: "assistant" },
};

/** Both forms of an answer, as a caller gets them. */
function answers(kind: string, dialect: Dialect, novel: Novel) {
  const provider = providerOf(kind);
  const base = { name: `${kind}/m`, instance: kind, provider: kind, model: "m", wire: "repair" as const };
  const memory = { target: { ...base, facts: dialect.api ? { api: dialect.api } : {} }, stream: true };
  const lines = dialect.events(novel).map((event) => {
    if (dialect.framing === "ndjson") return `${JSON.stringify(event)}\n`;
    if (kind === "bedrock") {
      const { type: named, ...said } = { type: "", ...event };
      return `event: ${named}\ndata: ${JSON.stringify(said)}\n\n`;
    }
    const type = "type" in event && kind === "anthropic" ? `event: ${event.type}\n` : "";
    return `${type}data: ${JSON.stringify(event)}\n\n`;
  });
  const bytes = Buffer.from(lines.join(""));
  const read = [
    readWhole(provider, memory, JSON.stringify(dialect.whole(novel))),
    readStreamed(provider, memory, [bytes], dialect.framing),
  ];
  return read.map((answered) => {
    checkAnswer(answered, bytes.length);
    tellCallers(answered.frames, answered.failure, randomFrom(1));
    if (answered.failure) throw answered.failure;
    const fold = createFold();
    fold.push(answered.frames);
    const response = fold.response("r");
    const [choice] = response.choices;
    const parts = choice?.message?.parts ?? [];
    return {
      text: parts.flatMap(({ kind: said }) => (said.case === "text" ? [said.value] : [])).join(""),
      kinds: parts.map(({ kind: said }) => said.case),
      finish: choice?.finishReason,
      native: choice?.nativeFinishReason,
      usage: [response.usage?.inputTokens, response.usage?.outputTokens],
    };
  });
}

it("every kind of provider is in the table", () => {
  const kinds = Object.values(dialects).flatMap((dialect) => dialect.kinds);
  expect(adapterKinds.filter((kind) => !kinds.includes(kind))).toEqual([]);
});

const rows = Object.entries(dialects).flatMap(([name, dialect]) =>
  dialect.kinds.map((kind) => ({
    kind,
    name,
    dialect,
    today: { ...nothing, ...(known[name] ?? { finish: "", role: "" }) },
  })),
);

describe.each(rows)("a newer version of $kind ($name)", ({ kind, name, dialect, today }) => {
  const usual = { text: "hi", finish: FinishReason.STOP, usage: [3, 2] };

  it("that ends with a word of its own ends for no known reason, and the word is told", () => {
    for (const got of answers(kind, dialect, { ...today, finish: "from_the_future" })) {
      expect(got).toMatchObject({ ...usual, finish: FinishReason.UNSPECIFIED, native: "from_the_future" });
    }
  });

  it("that answers in a role of its own answers as the assistant", () => {
    for (const got of answers(kind, dialect, { ...today, role: "from_the_future" })) expect(got).toMatchObject(usual);
  });

  it("that counts and says more is understood in what is known", () => {
    for (const got of answers(kind, dialect, { ...today, members: news.members })) expect(got).toMatchObject(usual);
  });

  it("that sends parts of a new type keeps them apart from the text", () => {
    for (const got of answers(kind, dialect, { ...today, parts: news.parts })) {
      expect(got).toMatchObject(usual);
      // Where the provider would want them back they go through as they are; elsewhere they are passed over.
      const kept = ["Messages", "Gemini", "Responses"].includes(name);
      expect(got.kinds).toEqual(kept ? ["text", "opaque"] : ["text"]);
    }
  });

  it("that sends events of a new type loses nothing but these", () => {
    for (const got of answers(kind, dialect, { ...today, events: news.events })) expect(got).toMatchObject(usual);
  });
});
