import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { UsageSchema } from "../../../gen/trunkline/v1/usage_pb.ts";
import { fromWireUsage, toWireUsage } from "../../../src/dialects/anthropic-messages/usage.ts";

const usage = (init: Parameters<typeof create<typeof UsageSchema>>[1]) => create(UsageSchema, init);

describe("usage", () => {
  it("edge case 63: on the way back cached and written tokens are split off again, never below zero", () => {
    expect(toWireUsage(usage({ inputTokens: 10_007, cacheReadTokens: 9000 })).input_tokens).toBe(1007);
    expect(toWireUsage(usage({ inputTokens: 10_007, cacheReadTokens: 9000, cacheWriteTokens: 1000 }))).toEqual({
      input_tokens: 7,
      output_tokens: 0,
      cache_read_input_tokens: 9000,
      cache_creation_input_tokens: 1000,
    });
    expect(toWireUsage(usage({ inputTokens: 10, cacheReadTokens: 9000 })).input_tokens).toBe(0);
  });

  it("comes back as it went", () => {
    const wire = {
      input_tokens: 7,
      output_tokens: 3,
      cache_read_input_tokens: 9000,
      cache_creation_input_tokens: 1000,
    };
    expect(toWireUsage(fromWireUsage(wire))).toEqual(wire);
  });

  it("keeps what was written for how long, and how often hosted tools ran", () => {
    const read = fromWireUsage({
      ephemeral_5m_input_tokens: 4,
      ephemeral_1h_input_tokens: 6,
      hosted: { web_search: 2 },
    });
    expect(read.cacheWriteByTtl).toMatchObject([
      { ttl: { seconds: 300n }, tokens: 4 },
      { ttl: { seconds: 3600n }, tokens: 6 },
    ]);
    expect(read.hostedToolUses).toMatchObject([{ type: "web_search", count: 2 }]);
  });
});
