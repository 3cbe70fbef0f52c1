import { describe, expect, it } from "vitest";
import { AnswerText } from "../../../src/dialects/gemini/answer-text.ts";
import { GeminiAnswer } from "../../../src/dialects/gemini/decode-answer.ts";
import type { Frame } from "../../../src/domain/chat.ts";
import { GatewayError } from "../../../src/domain/errors.ts";
import { createFold } from "../../../src/domain/fold.ts";

const failure = () => new GatewayError("overloaded", "said so");
const answer = (more: object = {}) => new GeminiAnswer({ failure, issuer: "gemini", model: "m", ...more });
const event = (parts: readonly object[], more: object = {}) =>
  JSON.stringify({ candidates: [{ content: { parts, role: "model" }, ...more }], responseId: "r" });
const stop = { finishReason: "STOP" };

describe("an answer of Gemini's", () => {
  it("keeps the bytes of each event, and of a whole answer", () => {
    const data = event([{ text: "a" }]);
    const frames = answer().pushEvent(data);
    expect(frames.map(({ wire }) => wire)).toEqual(
      frames.map(() => ({ dialect: "gemini", text: `data: ${data}\n\n`, frames: 2, whole: false })),
    );
    const fold = createFold();
    const whole = event([{ text: "a" }], stop);
    fold.push(answer().pushWhole(whole));
    expect(fold.whole("gemini")).toBe(whole);
  });

  it("loses its bytes where a name was mapped back or a text was repaired", () => {
    const call = event([{ functionCall: { name: "_7up", args: {} } }], stop);
    const mapped = answer({ toolNames: new Map([["_7up", "7up"]]) }).pushEvent(call);
    expect(mapped.some(({ wire }) => wire)).toBe(false);
    expect(mapped.find((frame) => frame.case === "partStarted")?.value.part?.kind.value).toMatchObject({ name: "7up" });
    const broken = answer().pushEvent(event([{ text: "a\ud800" }]).replace("\\ud800", "\\ud800"));
    expect(broken.some(({ wire }) => wire)).toBe(false);
    expect(broken.at(-1)).toMatchObject({ case: "textDelta", value: "a\ufffd" });
  });

  it("gives a custom tool's input as free text", () => {
    const decoder = answer({ customTools: new Set(["shell"]) });
    const frames = decoder.pushEvent(event([{ functionCall: { name: "shell", args: { input: "ls" } } }], stop));
    expect(frames.find((frame) => frame.case === "argumentsDelta")?.value).toBe("ls");
  });

  it("keeps signed texts apart, each with its own signature", () => {
    const decoder = answer();
    const frames: Frame[] = [];
    for (const parts of [[{ text: "a" }], [{ text: "b", thoughtSignature: "s1" }], [{ text: "c" }], [{ text: "d" }]]) {
      frames.push(...decoder.pushEvent(event(parts)));
    }
    frames.push(...decoder.pushEvent(event([], stop)), ...decoder.end());
    const fold = createFold();
    fold.push(frames);
    const parts = fold.response("r").choices[0]?.message?.parts ?? [];
    expect(parts.map(({ kind, proof }) => [kind.value, proof && Buffer.from(proof.data).toString()])).toEqual([
      ["a", undefined],
      ["b", "s1"],
      ["cd", undefined],
    ]);
  });

  it("tells a source once that several events repeat, and where it belongs", () => {
    const chunks = ["a", "b"].map((name) => ({ web: { uri: `https://${name}.example`, title: name } }));
    const supports = [{ segment: { endIndex: 2, text: "Hi" }, groundingChunkIndices: [0] }];
    const decoder = answer();
    const frames = [
      ...decoder.pushEvent(event([{ text: "Hi" }], { groundingMetadata: { groundingChunks: chunks } })),
      ...decoder.pushEvent(event([], { groundingMetadata: { groundingChunks: chunks, groundingSupports: supports } })),
      ...decoder.pushEvent(
        event([], { ...stop, groundingMetadata: { groundingChunks: chunks, groundingSupports: supports } }),
      ),
    ];
    const told = frames.flatMap((frame) => (frame.case === "annotation" ? [[frame.value.uri, frame.value.end]] : []));
    expect(told).toEqual([
      ["https://a.example", 2],
      ["https://b.example", undefined],
    ]);
  });

  it("reads a list of events where a stream was asked for and none came", () => {
    const body = `[${event([{ text: "a" }])},\n${event([{ text: "b" }], stop)}]`;
    const said = answer()
      .pushWhole(body)
      .flatMap((frame) => (frame.case === "textDelta" ? [frame.value] : []));
    expect(said).toEqual(["a", "b"]);
  });

  it("fails with the provider's error, in a list too, and for what is no answer", () => {
    expect(() => answer().pushEvent('{"error":{"code":503}}')).toThrow("said so");
    expect(() => answer().pushWhole('[{"error":{"code":503}}]')).toThrow("said so");
    for (const body of ["", "{", "5", "{}", "[]"]) expect(() => answer().pushWhole(body)).toThrow(GatewayError);
    expect(() => answer().pushEvent(event([{ functionCall: { args: {} } }]))).toThrow(/without a name/);
  });

  it("is cut when one of its candidates did not end", () => {
    const decoder = answer();
    const candidates = [
      { index: 0, ...stop, content: { parts: [{ text: "a" }] } },
      { index: 1, content: { parts: [{ text: "b" }] } },
    ];
    decoder.pushEvent(JSON.stringify({ candidates }));
    expect(() => decoder.end()).toThrow(expect.objectContaining({ code: "upstream_cut" }));
  });

  it("sends media in pieces that an event of the contract holds", () => {
    const data = Buffer.alloc(600 * 1024).toString("base64");
    const frames = answer().pushEvent(event([{ inlineData: { mimeType: "image/png", data } }], stop));
    const sizes = frames.flatMap((frame) => (frame.case === "mediaDelta" ? [frame.value.length] : []));
    expect(sizes).toEqual([262_144, 262_144, 90_112]);
  });
});

describe("a stretch of an answer", () => {
  const text = new AnswerText();
  text.add(0, "👋 Köln", 0);
  text.add(2, "Röm", 2);

  it.each([
    [
      { partIndex: 0, startByte: 5, endByte: 10, text: "Köln" },
      { part: 0, start: 2, end: 6 },
    ],
    [
      { partIndex: 2, startByte: 0, endByte: 4, text: "Röm" },
      { part: 2, start: 0, end: 3 },
    ],
    // Counted otherwise than documented: the words decide.
    [
      { partIndex: 0, startByte: 1, endByte: 3, text: "Röm" },
      { part: 2, start: 0, end: 3 },
    ],
    [
      { partIndex: 0, startByte: 8, endByte: 40, text: "" },
      { part: 0, start: 4, end: 6 },
    ],
    [{ partIndex: 0, startByte: 0, endByte: 3, text: "gone" }, undefined],
  ])("is found by its bytes: %o", (segment, stretch) => {
    expect(text.locate(segment)).toEqual(stretch);
  });
});
