import { type AskPart, png, type Turn } from "../ask.ts";
import { all, type Feature, first, need } from "../feature.ts";
import type { Reached } from "../upstreams/upstream.ts";
import { bergen, callBoth, called, callOslo, oslo, withTool } from "./calling.ts";
import { counted } from "./counted.ts";

const isAsked = ({ tools }: Reached): string | null => {
  const [weather, clock] = tools;
  const named = weather?.name === "weather" && (tools.length === 1 || clock?.name === "clock");
  return all(need(named, "tools"), need(JSON.stringify(weather?.schema)?.includes('"city"'), "the tool's schema"));
};

const history = (parts: readonly AskPart[], failed = false): readonly Turn[] => [
  { kind: "user", parts: [{ kind: "text", text: "How is the weather in Oslo?" }] },
  { kind: "calls", calls: [{ id: "call_0123456789", name: "weather", arguments: oslo }] },
  { kind: "result", callId: "call_0123456789", name: "weather", failed, parts },
];

const twoResults: readonly Turn[] = [
  { kind: "user", parts: [{ kind: "text", text: "Weather in Oslo, time in Bergen?" }] },
  {
    kind: "calls",
    calls: [
      { id: "call_0123456789", name: "weather", arguments: oslo },
      { id: "call_9876543210", name: "clock", arguments: bergen },
    ],
  },
  { kind: "result", callId: "call_0123456789", name: "weather", parts: [{ kind: "text", text: "sunny" }] },
  { kind: "result", callId: "call_9876543210", name: "clock", parts: [{ kind: "text", text: "noon" }] },
];

export const tools = {
  tools: {
    ask: () => withTool(callOslo),
    reached: isAsked,
    got: (seen) => called(seen, `weather ${oslo}`),
    field: /tools/,
  },
  "parallel tools": {
    ask: () => ({ say: callBoth, tools: ["weather", "clock"] }),
    reached: isAsked,
    got: (seen) => called(seen, `weather ${oslo}`, `clock ${bergen}`),
    field: /tools/,
  },
  "stream + tools": {
    ask: () => ({ say: callBoth, tools: ["weather", "clock"], stream: true }),
    reached: (reached) => all(isAsked(reached), need(reached.stream, "the wish for a stream")),
    got: (seen) => all(called(seen, `weather ${oslo}`, `clock ${bergen}`), counted(seen)),
    field: /tools/,
  },
  "forced tool": {
    ask: () => ({ say: "/say no", tools: ["weather", "clock"], toolChoice: { name: "clock" } }),
    reached: ({ choice, tools }) =>
      // Where a provider knows no names, the one tool alone and the duty to call amount to the same.
      need(
        choice === "clock" || (choice === "required" && tools.map(({ name }) => name).join() === "clock"),
        "the choice",
      ),
    got: (seen) =>
      need(
        first(seen)
          ?.calls.map(({ name }) => name)
          .join() === "clock",
        "the call",
      ),
    field: /tool_choice/,
  },
  "tool required": {
    ask: () => ({ say: "/say no", tools: ["weather"], toolChoice: "required" }),
    reached: ({ choice }) => need(choice === "required", "the choice"),
    got: (seen) =>
      need(
        first(seen)
          ?.calls.map(({ name }) => name)
          .join() === "weather",
        "the call",
      ),
    field: /tool_choice/,
  },
  "tools forbidden": {
    ask: () => withTool(callOslo, { toolChoice: "none" }),
    reached: ({ choice, tools }) => need(choice === "none" || tools.length === 0, "the choice"),
    got: (seen) => need(first(seen)?.calls.length === 0 && first(seen)?.finish === "stop", "an answer without calls"),
    field: /tool_choice/,
  },
  "tool without parameters": {
    ask: () => ({ say: "/call now {}", bareTools: ["now"] }),
    reached: ({ tools }) => need(tools.map(({ name }) => name).join() === "now", "the tool"),
    got: (seen) => called(seen, "now {}"),
    field: /tools/,
  },
  "one call at a time": {
    ask: () => ({ say: callBoth, tools: ["weather", "clock"], oneCallAtATime: true }),
    reached: ({ oneCallAtATime }) => need(oneCallAtATime, "the wish for one call"),
    got: (seen) => called(seen, `weather ${oslo}`),
    field: /parallel_tool_calls|tool_choice/,
  },
  "tool results": {
    ask: () => withTool("", { history: history([{ kind: "text", text: "sunny" }]) }),
    reached: ({ results, calls }) =>
      all(
        need(results.at(0)?.text.includes("sunny"), "the result"),
        need(calls.at(0) === `weather ${oslo}`, "the call"),
      ),
    got: (seen) => need(first(seen)?.text.includes("sunny"), "an answer to the result"),
    field: /tool_result/,
  },
  "several tool results": {
    ask: () => ({ say: "", tools: ["weather", "clock"], history: twoResults }),
    reached: ({ results, calls }) =>
      all(
        need(calls.join() === `weather ${oslo},clock ${bergen}`, "the calls"),
        need(results.length === 2 && results[0]?.text.includes("sunny"), "the first result"),
        need(results[1]?.text.includes("noon"), "the second result"),
      ),
    got: (seen) =>
      need(first(seen)?.text.includes("sunny") && first(seen)?.text.includes("noon"), "an answer to the results"),
    field: /tool_result/,
  },
  "failed tool": {
    ask: () => withTool("", { history: history([{ kind: "text", text: "no network" }], true) }),
    reached: ({ results }) =>
      all(need(results[0]?.text.includes("no network"), "the result"), need(results[0]?.failed, "that it failed")),
    got: (seen) => need(first(seen)?.text.includes("no network"), "an answer to the result"),
    field: /is_error/,
  },
  "tool results with images": {
    ask: () =>
      withTool("", {
        history: history([
          { kind: "text", text: "sunny" },
          { kind: "image", data: png },
        ]),
      }),
    reached: ({ results }) =>
      all(
        need(results.at(0)?.text.includes("sunny"), "the result"),
        need(
          results.at(0)?.images.some((one) => one.includes(png)),
          "the image in the result",
        ),
      ),
    got: (seen) => need(first(seen)?.text.includes("sunny"), "an answer to the result"),
    field: /tool_result|messages\[\d+\]|input\[\d+\]/,
  },
} satisfies Readonly<Record<string, Feature>>;
