import { create, equals, fromJson } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { type ChatResponse, ChatResponseSchema } from "../../gen/trunkline/v1/chat_pb.ts";
import { PartSchema, ToolCallKind } from "../../gen/trunkline/v1/message_pb.ts";
import { FinishReason, PartStartedSchema } from "../../gen/trunkline/v1/stream_pb.ts";
import { type Frame, withWire } from "../../src/domain/chat.ts";
import { GatewayError } from "../../src/domain/errors.ts";
import { createFold, unfold } from "../../src/domain/fold.ts";

const place = { choice: 0, part: 0 };
const started: Frame = {
  case: "started",
  value: { $typeName: "trunkline.v1.Started", id: "a1", model: "m" },
  ...place,
};
const completed: Frame = {
  case: "completed",
  value: { $typeName: "trunkline.v1.Completed", serviceTier: "", moderation: [], providerData: {} },
  ...place,
};
const text = (value: string, part = 0, choice = 0): Frame => ({ case: "textDelta", value, choice, part });

function folded(frames: readonly Frame[]): ChatResponse {
  const fold = createFold();
  fold.push(frames);
  return fold.response("r1");
}

const fullAnswer = fromJson(ChatResponseSchema, {
  id: "msg_1",
  created: "2026-11-01T10:00:00Z",
  model: "claude",
  servedBy: { provider: "anthropic", instance: "anthropic", model: "claude" },
  requestId: "r1",
  serviceTier: "standard",
  notices: [{ code: "dropped_field", field: "seed", message: "no seed" }],
  usage: { inputTokens: 10, outputTokens: 20, reasoningTokens: 5 },
  choices: [
    {
      index: 0,
      finishReason: "FINISH_REASON_TOOL_CALLS",
      nativeFinishReason: "tool_use",
      message: {
        role: "ROLE_ASSISTANT",
        parts: [
          { reasoning: { text: "let me see" }, proof: { issuer: "anthropic", format: "signature", data: "c2ln" } },
          { text: "I will look.", annotations: [{ type: "url_citation", uri: "https://a.test", start: 0, end: 1 }] },
          { toolCall: { id: "t1", name: "f", kind: "TOOL_CALL_KIND_FUNCTION", arguments: '{"a":9007199254740993}' } },
          { refusal: { text: "not that" } },
          { opaque: { provider: "anthropic", type: "new_block", json: '{"type":"new_block"}' } },
        ],
      },
    },
    {
      index: 1,
      finishReason: "FINISH_REASON_STOP",
      stopSequence: "END",
      message: { role: "ROLE_ASSISTANT", parts: [{ text: "other" }] },
      logprobs: [{ token: "other", logprob: -0.5 }],
    },
  ],
});

describe("fold", () => {
  it("joins the deltas of each part and keeps choices apart", () => {
    const answer = folded([started, text("a"), text("x", 0, 1), text("b"), text("y", 0, 1), completed]);
    expect(answer.choices.map((choice) => choice.message?.parts[0]?.kind.value)).toEqual(["ab", "xy"]);
  });

  it("orders choices by index when the second speaks first", () => {
    const answer = folded([started, text("x", 0, 1), text("a", 0, 0), completed]);
    expect(answer.choices.map((choice) => choice.index)).toEqual([0, 1]);
  });

  it("appends arguments to the call that its part opened", () => {
    const answer = folded([
      started,
      {
        case: "partStarted",
        value: {
          $typeName: "trunkline.v1.PartStarted",
          part: create(ChatResponseSchema, {
            choices: [{ message: { parts: [{ kind: { case: "toolCall", value: { id: "1", name: "f" } } }] } }],
          }).choices[0]?.message?.parts[0],
        },
        ...place,
      } as Frame,
      { case: "argumentsDelta", value: '{"a"', ...place },
      { case: "argumentsDelta", value: ":1}", ...place },
      completed,
    ]);
    const kind = answer.choices[0]?.message?.parts[0]?.kind;
    expect(kind?.case === "toolCall" && kind.value.arguments).toBe('{"a":1}');
    expect(kind?.case === "toolCall" && kind.value.kind).toBe(ToolCallKind.UNSPECIFIED);
  });

  it("takes the last usage, and the one of completed as final", () => {
    const usage = (outputTokens: number): Frame => ({
      case: "usage",
      value: create(ChatResponseSchema, { usage: { outputTokens } }).usage as NonNullable<ChatResponse["usage"]>,
      ...place,
    });
    expect(folded([started, usage(1), usage(7), completed]).usage?.outputTokens).toBe(7);
  });

  it("refuses to give an answer that was not completed", () => {
    expect(() => folded([started, text("half")])).toThrow(GatewayError);
  });

  it("gives back every answer that was unfolded", () => {
    const again = folded(unfold(fullAnswer));
    expect(again).toEqual(fullAnswer);
    expect(equals(ChatResponseSchema, again, fullAnswer)).toBe(true);
    expect(again.choices[0]?.finishReason).toBe(FinishReason.TOOL_CALLS);
  });

  it("does not change the frames that it folds", () => {
    const frames = unfold(fullAnswer);
    const before = structuredClone(frames);
    folded([...frames, ...[]]);
    expect(frames).toEqual(before);
  });
});

describe("the provider's whole body", () => {
  const frames = withWire([started, text("hi"), completed], "openai-chat", '{"id":"a1"}', true);

  it("is given to a caller of the same dialect when no stage changed a frame", () => {
    const fold = createFold();
    fold.push(frames);
    expect(fold.whole("openai-chat")).toBe('{"id":"a1"}');
    expect(fold.whole("anthropic-messages")).toBeNull();
  });

  it("is withheld when a stage replaced a frame", () => {
    const fold = createFold();
    fold.push(frames.map((frame) => (frame.case === "textDelta" ? text("masked") : frame)));
    expect(fold.whole("openai-chat")).toBeNull();
  });

  it("is withheld when a stage removed a frame", () => {
    const fold = createFold();
    fold.push(frames.filter((frame) => frame.case !== "textDelta"));
    expect(fold.whole("openai-chat")).toBeNull();
  });

  it("is given beside a notice about the request", () => {
    const fold = createFold();
    fold.push([
      {
        case: "notice",
        value: { $typeName: "trunkline.v1.Notice", code: "failover", field: "", message: "", detail: {} },
        ...place,
      },
      ...frames,
    ]);
    expect(fold.whole("openai-chat")).toBe('{"id":"a1"}');
  });
});

describe("media in pieces", () => {
  const opened = create(PartSchema, { kind: { case: "image", value: { media: { mediaType: "image/png" } } } });
  const bytesOf = (answer: ChatResponse, part: number): Uint8Array | null => {
    const kind = answer.choices[0]?.message?.parts[part]?.kind;
    return kind?.case === "image" && kind.value.media?.source.case === "data" ? kind.value.media.source.value : null;
  };

  it("is joined in order, each part's by itself, however often the answer is asked for", () => {
    const started = [0, 1].map(
      (part): Frame => ({
        ...{ case: "partStarted", choice: 0, part },
        value: create(PartStartedSchema, { part: opened }),
      }),
    );
    const pieces = [1, 2, 3, 4, 5, 6].map(
      (byte): Frame => ({
        ...{ case: "mediaDelta", value: Uint8Array.of(byte), choice: 0, part: byte % 2 },
      }),
    );
    const fold = createFold();
    fold.push([...started, ...pieces, completed]);
    for (const answer of [fold.response("r"), fold.response("r")]) {
      expect([bytesOf(answer, 0), bytesOf(answer, 1)]).toEqual([Uint8Array.of(2, 4, 6), Uint8Array.of(1, 3, 5)]);
    }
  });

  // 20 megabytes; joined anew for each piece they would be 200 gigabytes, and the test's time would be over.
  it("of a kilobyte takes linear time", () => {
    const value = new Uint8Array(1_024);
    const piece: Frame = { case: "mediaDelta", value, choice: 0, part: 0 };
    const fold = createFold();
    fold.push([{ case: "partStarted", value: create(PartStartedSchema, { part: opened }), choice: 0, part: 0 }]);
    fold.push(Array.from({ length: 20_000 }, () => piece));
    fold.push([completed]);
    expect(bytesOf(fold.response("r"), 0)?.length).toBe(20_000 * 1_024);
  });
});
