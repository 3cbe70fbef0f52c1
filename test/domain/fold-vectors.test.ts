import { readFileSync } from "node:fs";
import { fromJson, type JsonValue, toJson } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { ChatResponseSchema, StreamChatResponseSchema } from "../../gen/trunkline/v1/chat_pb.ts";
import type { Frame } from "../../src/domain/chat.ts";
import { createFold } from "../../src/domain/fold.ts";

interface Vector {
  readonly name: string;
  readonly events: readonly JsonValue[];
  readonly response: JsonValue | null;
}

// The same file is read by the folds of other languages: docs/clients/.
const vectors: readonly Vector[] = JSON.parse(readFileSync("proto/testdata/fold.json", "utf8"));

function toFrame(json: JsonValue): Frame {
  const { choice, part, event, logprobs } = fromJson(StreamChatResponseSchema, json);
  // A frame is the oneof's case and value beside its place.
  return { ...event, choice, part, ...(logprobs.length > 0 ? { logprobs } : {}) } as Frame;
}

describe("the shared fold vectors", () => {
  it.each(vectors)("$name", ({ events, response }) => {
    const fold = createFold();
    fold.push(events.map(toFrame));
    if (response === null) {
      expect(() => fold.response("")).toThrow("before it was complete");
      return;
    }
    expect(toJson(ChatResponseSchema, fold.response(""))).toEqual(
      toJson(ChatResponseSchema, fromJson(ChatResponseSchema, response)),
    );
  });
});
