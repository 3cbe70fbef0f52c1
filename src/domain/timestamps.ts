import type { Timestamp } from "@bufbuild/protobuf/wkt";

/** 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z: what a protobuf Timestamp may hold. Seconds since 1970. */
const first = -62_135_596_800;
const last = 253_402_300_799;

/**
 * A time that somebody else gave.
 * @param ms milliseconds since 1970; any number
 * @returns undefined for what is no time, or one outside of the years 1 to 9999
 */
export function toTimestamp(ms: number): Timestamp | undefined {
  const seconds = Math.floor(ms / 1000);
  if (!(seconds >= first && seconds <= last)) return undefined;
  const nanos = Math.trunc(ms - seconds * 1000) * 1_000_000;
  return { $typeName: "google.protobuf.Timestamp", seconds: BigInt(seconds), nanos };
}
