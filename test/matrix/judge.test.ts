import { describe, expect, it } from "vitest";
import { features } from "./features.ts";
import { faultOf, judge } from "./judge.ts";
import { emptyChoice, type Seen, type SeenError } from "./seen.ts";
import { chatProviders } from "./upstreams/chat-providers.ts";

const { seed, refusal } = features;
const [openai] = chatProviders;
if (!openai) throw new Error("a provider was expected");
const reached = (body: object) => openai.read({ messages: [{ role: "user", content: "Hi" }], ...body }, "/v1");
const fine: Seen = {
  status: 200,
  error: null,
  choices: [{ ...emptyChoice, text: "fine", finish: "stop" }],
  usage: null,
  deltas: 0,
  losses: [],
  native: null,
};
const failure: SeenError = { code: "", param: "", message: "", retryAfterSeconds: null, midway: false };
const cannot = { why: "no such setting", source: "§0" };

describe("a feature that was asked for", () => {
  it.each([
    ["full when it reached the provider and came back", reached({ seed: 7 }), fine, "full"],
    ["lost when the provider did not get it and nobody said so", reached({}), fine, "lost"],
    ["lost when the provider got another value", reached({ seed: 8 }), fine, "lost"],
    ["lost when no request reached the provider", null, fine, "lost"],
    ["lost when the caller did not get what it leads to", reached({ seed: 7 }), { ...fine, choices: [] }, "lost"],
    ["lost when only another field was reported", reached({}), { ...fine, losses: ["top_p;dropped"] }, "lost"],
    ["approximate when its loss was reported", reached({}), { ...fine, losses: ["seed;dropped"] }, "approximate"],
    [
      "approximate when another field was lost beside it",
      reached({ seed: 7 }),
      { ...fine, losses: ["top_p;dropped"] },
      "approximate",
    ],
  ] as const)("is %s", (_, request, seen, verdict) => {
    expect(judge(seed, request, seen, null).verdict).toBe(verdict);
  });
});

describe("an error", () => {
  const refused = { ...failure, code: "unsupported_parameter", param: "seed" };

  it("that names the field is a refusal where the provider cannot do it", () => {
    expect(judge(seed, null, { ...fine, error: refused }, cannot).verdict).toBe("refused");
  });

  it.each([
    ["the provider could have done it", refused, null],
    ["it names another field", { ...refused, param: "top_p" }, cannot],
    ["it is no refusal", { ...refused, code: "internal" }, cannot],
  ])("is a fault when %s", (_, error, reason) => {
    const verdict = judge(seed, null, { ...fine, error }, reason);
    expect(faultOf(verdict, reason)).toContain("failed");
  });
});

it("what a provider has no word for, and nobody asked for, is not lost", () => {
  expect(judge(refusal, reached({}), fine, cannot).verdict).toBe("absent");
  expect(judge(refusal, reached({}), fine, null).verdict).toBe("lost");
});

it("what a provider is said not to do, and does, is a fault of the table", () => {
  expect(faultOf(judge(seed, reached({ seed: 7 }), fine, cannot), cannot)).toContain("is said not to");
});
