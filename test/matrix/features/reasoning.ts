import { all, type Feature, fine, first, need } from "../feature.ts";
import { callOslo, withTool } from "./calling.ts";

export const reasoning = {
  "reasoning effort": {
    ask: () => ({ say: "/say so", effort: "medium" }),
    reached: ({ effort }) => need(effort === "medium", "the effort"),
    got: (seen) =>
      all(
        need(first(seen)?.text === "so", "text"),
        need(first(seen)?.reasoning !== "" || (seen.usage?.reasoning ?? 0) > 0, "reasoning, or its count"),
      ),
    field: /reasoning/,
  },
  "reasoning budget": {
    ask: () => ({ say: "/say so", budget: 4_096 }),
    reached: ({ budget }) => need(budget === 4_096, "the budget"),
    got: (seen) => need(first(seen)?.text === "so", "text"),
    field: /reasoning/,
  },
  "reasoning off": {
    ask: () => ({ say: "/say so", effort: "none" }),
    reached: ({ isOff }) => need(isOff, "that reasoning is off"),
    got: (seen) =>
      all(
        need(first(seen)?.text === "so", "text"),
        need(first(seen)?.reasoning === "" && (seen.usage?.reasoning ?? 0) === 0, "an answer without reasoning"),
      ),
    field: /reasoning/,
  },
  "thoughts shown": {
    ask: ({ thinksAnyway }) => ({ say: "/think 6", effort: thinksAnyway ? null : "high", showThoughts: true }),
    reached: fine,
    got: (seen) => need(first(seen)?.reasoning !== "", "the thoughts"),
    field: /reasoning/,
  },
  "reasoning round trip": {
    ask: ({ thinksAnyway }) => withTool(`/think 6\n${callOslo}`, { effort: thinksAnyway ? null : "high" }),
    next: (seen) => [
      { kind: "echo", native: seen.native },
      {
        kind: "result",
        callId: first(seen)?.calls[0]?.id ?? "",
        name: "weather",
        parts: [{ kind: "text", text: "sunny" }],
      },
    ],
    reached: ({ thoughts }) => need(thoughts.length > 0, "the earlier reasoning"),
    got: (seen) => need(first(seen)?.text.includes("sunny"), "an answer to the result"),
    field: /reasoning|messages\[\d+\]/,
    isTold: true,
  },
} satisfies Readonly<Record<string, Feature>>;
