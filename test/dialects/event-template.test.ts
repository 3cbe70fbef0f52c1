import { describe, expect, it } from "vitest";
import { EventTemplate } from "../../src/dialects/event-template.ts";
import { AnswerDecoder } from "../../src/dialects/openai-chat/decode-answer.ts";
import { GatewayError } from "../../src/domain/errors.ts";
import { createRandom } from "../tooling/random.ts";

function learned(json: string): EventTemplate {
  const template = new EventTemplate("content", "obfuscation");
  template.learn(json);
  return template;
}

const event = (content: string, rest = "") => `{"id":"a","choices":[{"delta":{"content":"${content}"}}]${rest}}`;

describe("an event template", () => {
  it("reads the text of events that differ in nothing else", () => {
    const template = learned(event("one"));
    expect(template.match(event("two, and more"))).toBe("two, and more");
    expect(template.match(event(""))).toBe("");
    expect(template.match(event("€🌍"))).toBe("€🌍");
  });

  it("reads escapes as JSON does", () => {
    expect(learned(event("x")).match(event('a\\n\\"b\\"\\\\\\u20ac'))).toBe('a\n"b"\\€');
  });

  it("passes over noise, before and behind the text", () => {
    const behind = learned(event("x", ',"obfuscation":"abc"'));
    expect(behind.match(event("y", ',"obfuscation":"defghi"'))).toBe("y");
    const before = learned('{"obfuscation":"q","content":"x"}');
    expect(before.match('{"obfuscation":"","content":"y"}')).toBe("y");
    expect(before.match('{"obfuscation":"\\n","content":"y"}')).toBe("y");
  });

  it.each([
    ["another id", event("x").replace('"a"', '"b"')],
    ["a further member", event("x", ',"usage":{}')],
    ["a member less", '{"id":"a"}'],
    ["the same with a space", event("x").replace(":", ": ")],
    ["more behind it", `${event("x")} `],
    ["null for the text", event("x").replace('"x"', "null")],
    ["a text that ends the string", event('x","role":"y')],
    ["a text that ends the event and begins another", event('x"}}]} {"id":"a","choices":[{"delta":{"content":"y')],
    ["a bad escape", event("\\q")],
    ["an escape that is cut", event("\\u12")],
    ["a raw line end", event("a\nb")],
    ["half a character", event("\\ud83c")],
    ["a quote that is never closed", '{"id":"a","choices":[{"delta":{"content":"x'],
    ["nothing", ""],
  ])("does not match %s", (_, json) => {
    expect(learned(event("x")).match(json)).toBeNull();
  });

  it.each([
    ["no text", '{"id":"a"}'],
    ["a text that is no string", '{"content":5}'],
    ["two members of that name", '{"content":"x","more":{"content":"y"}}'],
    ["two members of noise", '{"content":"x","obfuscation":"a","b":{"obfuscation":"c"}}'],
  ])("learns nothing from an event with %s", (_, json) => {
    const template = learned(json);
    expect(template.match(json)).toBeNull();
  });

  it("takes quoted names for what they are: text", () => {
    const json = event('the \\"content\\": \\"x\\" of it');
    expect(learned(json).match(json)).toBe('the "content": "x" of it');
  });
});

describe("a stream read with templates", () => {
  const texts = ["a", " word", '"quoted"', "\\", "\n", "", "€", "🌍", '","x":"', "}]}", '"content":"x"', "\u2028"];

  it("says what it says when each event is parsed", () => {
    const random = createRandom(7);
    const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
    for (let stream = 0; stream < 300; stream++) {
      const chunks = Array.from({ length: 12 }, () => chunkOf(random, pick(texts), stream % 3));
      // White space at the end, never the same, is the same JSON and matches no template.
      const parsed = decoded(chunks.map((chunk, at) => chunk + " ".repeat(at + 1)));
      expect(decoded(chunks)).toEqual(parsed);
    }
  });

  function chunkOf(random: () => number, content: string, style: number): string {
    const delta = random() < 0.1 ? { reasoning_content: content } : random() < 0.1 ? { refusal: content } : { content };
    const logprobs = random() < 0.1 ? { content: [{ token: "a", logprob: -1, bytes: [97] }] } : null;
    const finish = random() < 0.02 ? "stop" : null;
    const index = random() < 0.1 ? 1 : 0;
    const choice = { index, delta, ...(style > 0 && { logprobs }), finish_reason: finish };
    const chunk = { id: "a", object: "chat.completion.chunk", created: 1, model: "m", choices: [choice] };
    const usage = random() < 0.05 ? { usage: { prompt_tokens: 1, completion_tokens: 2 } } : {};
    const noise = style === 2 ? { obfuscation: "x".repeat(Math.floor(random() * 5)) } : {};
    return JSON.stringify({ ...chunk, ...usage, ...noise });
  }

  function decoded(chunks: readonly string[]): unknown {
    const decoder = new AnswerDecoder({ failure: () => new GatewayError("upstream_error", "failed") });
    const frames = chunks.flatMap((chunk) => decoder.pushChunk(chunk));
    return frames.map(({ wire, ...frame }) => ({ ...frame, text: wire?.text.trimEnd().replace(/ +$/, "") }));
  }
});
