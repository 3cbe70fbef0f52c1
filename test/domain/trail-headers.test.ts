import { describe, expect, it } from "vitest";
import { Trail, type TrailEntry } from "../../src/domain/context.ts";
import type { Loss } from "../../src/domain/loss.ts";
import { trailHeaders } from "../../src/domain/trail-headers.ts";
import { targetNamed } from "../routing/parts.ts";

const [a, b] = [targetNamed("a/m"), targetNamed("b/m")];
const answered = (target: typeof a): TrailEntry => {
  return { kind: "answered", target, atMs: 0, model: "m", simulated: false };
};
const dropped = (field: string): readonly Loss[] => [{ field, action: "dropped", message: "" }];

function lossOf(...entries: readonly TrailEntry[]): string | undefined {
  const trail = new Trail();
  for (const entry of entries) trail.note(entry);
  return trailHeaders(trail)["trunkline-loss"];
}

describe("the header of losses", () => {
  const ofA: TrailEntry = { kind: "loss", target: a, losses: dropped("seed") };
  const ofB: TrailEntry = { kind: "loss", target: b, losses: dropped("top_k") };

  it("leaves out those of a target that failed before its first content", () => {
    expect(lossOf(answered(a), ofA, answered(b), ofB)).toBe("top_k;dropped");
    expect(lossOf(answered(a), ofA, answered(b))).toBeUndefined();
  });

  it("holds those of every target that a part of the answer came from, and those of the edge", () => {
    const edge: TrailEntry = { kind: "loss", losses: dropped("user") };
    expect(lossOf(edge, answered(a), ofA, { kind: "first_token", atMs: 1 }, answered(b), ofB)).toBe(
      "user;dropped, seed;dropped, top_k;dropped",
    );
  });
});
