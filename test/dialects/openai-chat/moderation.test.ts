import { describe, expect, it } from "vitest";
import { decodeModeration } from "../../../src/dialects/openai-chat/decode-moderation.ts";
import { encodeModeration } from "../../../src/dialects/openai-chat/encode-moderation.ts";

const result = {
  type: "moderation_result",
  model: "mod-1",
  flagged: true,
  categories: { violence: true, hate: false },
  category_scores: { violence: 0.9, hate: 0.1 },
};
const side = { type: "moderation_results", model: "mod-1", results: [result, { ...result, flagged: false }] };

describe("inline moderation", () => {
  it("is the same after it was read and written", () => {
    const frames = decodeModeration({ input: side, output: side });
    const values = frames.flatMap((frame) => (frame.case === "moderation" ? [frame.value] : []));
    expect(values).toHaveLength(4);
    expect(encodeModeration(values)).toEqual({ input: side, output: side });
  });

  it("leaves out a side without results", () => {
    expect(encodeModeration([])).toEqual({});
    expect(decodeModeration({ input: null, output: { type: "moderation_results", results: [] } })).toEqual([]);
  });

  it("tells when a side could not be moderated, without the key that the words may hold", () => {
    const error = { type: "error", code: "bad_key", message: "Wrong key sk-proj-abcdefgh." };
    expect(decodeModeration({ output: error })).toMatchObject([
      {
        case: "notice",
        value: {
          code: "provider_warning",
          field: "moderation.output",
          message: "The provider could not moderate the output: Wrong key [secret]",
        },
      },
    ]);
  });
});
