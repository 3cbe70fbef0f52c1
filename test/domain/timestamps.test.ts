import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { expect, it } from "vitest";
import { toTimestamp } from "../../src/domain/timestamps.ts";

it("gives times of the years 1 to 9999 as protobuf has them", () => {
  for (const ms of [0, 1_700_000_000_123, -1, -1_500, Date.UTC(9999, 11, 31, 23, 59, 59, 999)]) {
    expect(toTimestamp(ms)).toEqual(timestampFromMs(ms));
  }
});

it("gives nothing for what is no time, or none that protobuf can tell", () => {
  for (const ms of [Number.NaN, Number.POSITIVE_INFINITY, 1e300, Date.UTC(10_000, 0, 1), -62_135_596_800_001]) {
    expect(toTimestamp(ms)).toBeUndefined();
  }
});
