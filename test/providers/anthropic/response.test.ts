import { describe, expect, it } from "vitest";
import { createFold } from "../../../src/domain/fold.ts";
import { anthropic } from "../../../src/providers/anthropic/adapter.ts";
import { callsOf, functionTool, plainMemory, textOf, translate } from "./fixtures.ts";

const message = (content: string, more = "") =>
  `{"id":"msg_1","type":"message","role":"assistant","model":"claude-opus-4-7","content":[${content}],"stop_reason":"end_turn",${more}"usage":{"input_tokens":1,"output_tokens":2}}`;

function read(body: string, memory = plainMemory) {
  const fold = createFold();
  const frames = anthropic.fromResponse({ status: 200, headers: { "request-id": "req_9" }, body }, memory);
  fold.push(frames);
  return { frames, fold, response: fold.response("r") };
}

describe("a whole answer", () => {
  it("keeps its bytes for a caller of the same dialect", () => {
    const body = message('{"type":"text","text":"Hi","citations":null}', '"new_member":1,');
    const { fold, response } = read(body);
    expect(fold.whole("anthropic-messages")).toBe(body);
    expect(textOf(response)).toBe("Hi");
    expect(response.servedBy?.upstreamRequestId).toBe("req_9");
  });

  it("loses its bytes where a tool's name was mapped", () => {
    const { memory } = translate({ tools: [functionTool("a.b")] });
    const { fold, response } = read(message('{"type":"tool_use","id":"t1","name":"a_b","input":{}}'), memory);
    expect(fold.whole("anthropic-messages")).toBeNull();
    expect(callsOf(response)).toEqual(["t1 a.b {}"]);
  });

  it("gives arguments as the provider wrote them, white space around the body or not", () => {
    const input = '{"2": 1.0, "1": 9007199254740993, "s": "}]\\""}';
    const { response } = read(
      ` \n${message(`{"type":"text","text":"x"},{"type":"tool_use","input":${input},"id":"t1","name":"f"}`)}\n`,
    );
    expect(callsOf(response)).toEqual([`t1 f ${input}`]);
  });

  it("replaces lone surrogates, which no caller could be sent", () => {
    expect(textOf(read(message('{"type":"text","text":"a\\ud83d"}')).response)).toBe("a\ufffd");
  });

  it("leaves empty text out", () => {
    const { response } = read(message('{"type":"text","text":""},{"type":"text","text":"Hi"}'));
    expect(response.choices[0]?.message?.parts).toHaveLength(1);
  });
});
