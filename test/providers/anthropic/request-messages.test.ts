import { describe, expect, it } from "vitest";
import { LossPolicy } from "../../../gen/trunkline/v1/chat_pb.ts";
import { ToolCallKind } from "../../../gen/trunkline/v1/message_pb.ts";
import {
  assistant,
  call,
  newer,
  newest,
  older,
  refusal,
  result,
  system,
  text,
  thinking,
  toolTurn,
  translate,
  user,
} from "./fixtures.ts";

const hello = user("Hi");

describe("messages without a word", () => {
  it.each([
    ["an assistant's", assistant(text(""))],
    ["one without parts", assistant()],
    ["a user's", user("")],
  ])("%s is left out, and that is told", (_, empty) => {
    const { body, losses } = translate({ messages: [hello, empty, user("So?")] });
    expect(body.messages).toEqual([
      {
        role: "user",
        content: [
          { type: "text", text: "Hi" },
          { type: "text", text: "So?" },
        ],
      },
    ]);
    expect(losses).toEqual(["messages[1];dropped"]);
  });
});

describe("tool calls in the history", () => {
  it("edge case 49: empty arguments become an empty object", () => {
    const { body } = translate({ messages: [hello, assistant(call("t1", "f", "")), toolTurn(result("t1", "ok"))] });
    expect(body.messages[1].content[0]).toEqual({ type: "tool_use", id: "t1", name: "f", input: {} });
  });

  it("edge case 50: arguments that are no JSON object are refused with their path", () => {
    for (const args of ["{", "[1]", "7", "null"]) {
      const refused = refusal({ messages: [hello, assistant(call("t1", "f", args)), toolTurn(result("t1", "ok"))] });
      expect(refused.code).toBe("invalid_value");
      expect(refused.detail.field).toBe("messages[1].parts[0].tool_call.arguments");
    }
  });

  it("arguments go out as they were written: large integers, 1.0 and the order of keys survive", () => {
    const args = '{"2":1.0, "1":9007199254740993}';
    const { text } = translate({ messages: [hello, assistant(call("t1", "f", args)), toolTurn(result("t1", "ok"))] });
    expect(text).toContain(`"input":${args}`);
  });

  it("free text of a custom call travels as one string", () => {
    const turn = assistant(call("t1", "sh", "ls -l", ToolCallKind.CUSTOM));
    const { body } = translate({ messages: [hello, turn, toolTurn(result("t1", "ok"))] });
    expect(body.messages[1].content[0].input).toEqual({ input: "ls -l" });
  });

  it("ids that this provider refuses are mapped alike on calls and results", () => {
    const { body } = translate({
      messages: [
        hello,
        assistant(call("f:0", "f"), call("f.0", "f")),
        toolTurn(result("f.0", "b"), result("f:0", "a")),
      ],
    });
    const ids = body.messages[1].content.map((block: { id: string }) => block.id);
    expect(ids).toEqual(["f_0", "f_0_2"]);
    expect(body.messages[2].content.map((block: { tool_use_id: string }) => block.tool_use_id)).toEqual([
      ids[1],
      ids[0],
    ]);
  });

  it("who called, and of which toolset, goes back on call and result", () => {
    const value = {
      id: "t1",
      name: "left_click",
      arguments: "{}",
      toolset: "computer",
      callerJson: '{"type":"code_execution_20260120","tool_id":"s1"}',
    };
    const turn = assistant({ kind: { case: "toolCall", value } });
    const { body } = translate({ messages: [hello, turn, toolTurn(result("t1", "ok"))] });
    expect(body.messages[1].content[0]).toMatchObject({ toolset_name: "computer", caller: { tool_id: "s1" } });
    expect(body.messages[2].content[0].toolset_name).toBe("computer");
  });
});

describe("tool results", () => {
  const calls = assistant(call("t1", "f"), call("t2", "g"));

  it("edge case 79: two results of one turn share one user message and stand before its text", () => {
    const messages = [hello, calls, user("Also:"), toolTurn(result("t1", "a")), toolTurn(result("t2", "b"))];
    const { body } = translate({ messages });
    expect(body.messages).toHaveLength(3);
    expect(body.messages[2].content.map((block: { type: string }) => block.type)).toEqual([
      "tool_result",
      "tool_result",
      "text",
    ]);
  });

  it("edge case 80: of two results for one call the last is sent, and the first reported", () => {
    const { body, losses } = translate({
      messages: [hello, assistant(call("t1", "f")), toolTurn(result("t1", "old")), toolTurn(result("t1", "new"))],
    });
    expect(body.messages[2].content).toEqual([
      { type: "tool_result", tool_use_id: "t1", content: [{ type: "text", text: "new" }] },
    ]);
    expect(losses).toEqual(["messages[3].parts[0];dropped"]);
  });

  it("edge case 81: a result without a call is refused, a call without one gets a stub or is refused", () => {
    const orphan = refusal({ messages: [hello, toolTurn(result("t9", "a"))] });
    expect(orphan).toMatchObject({
      code: "invalid_value",
      detail: { field: "messages[1].parts[0].tool_result.call_id" },
    });

    const open = refusal({ messages: [hello, calls] });
    expect(open).toMatchObject({ code: "invalid_value", detail: { field: "messages[1].parts[0].tool_call" } });

    const { body, losses } = translate({ messages: [hello, calls, toolTurn(result("t2", "b")), user("Never mind")] });
    expect(body.messages[2].content[1]).toMatchObject({ type: "tool_result", tool_use_id: "t1", is_error: true });
    expect(losses).toEqual(["messages[1].parts[0].tool_call;approximated"]);
  });

  it("edge case 82: an image in a result stays in the result", () => {
    const data = new TextEncoder().encode("GIF89a…");
    const image = {
      kind: { case: "image" as const, value: { media: { source: { case: "data" as const, value: data } } } },
    };
    const { body } = translate({ messages: [hello, assistant(call("t1", "f")), toolTurn(result("t1", "See", image))] });
    expect(body.messages[2].content[0].content).toMatchObject([
      { type: "text" },
      { type: "image", source: { media_type: "image/gif" } },
    ]);
  });

  it("a result that comes after further turns still stands right behind its call", () => {
    const messages = [
      hello,
      assistant(call("t1", "f")),
      user("Wait"),
      assistant("Yes?"),
      toolTurn(result("t1", "late")),
    ];
    const { body } = translate({ messages });
    expect(body.messages.map((message: { role: string }) => message.role)).toEqual([
      "user",
      "assistant",
      "user",
      "assistant",
    ]);
    expect(body.messages[2].content[0]).toMatchObject({ type: "tool_result", tool_use_id: "t1" });
  });

  it("a failed tool says so, an empty result has no content", () => {
    const failed = { kind: { case: "toolResult" as const, value: { callId: "t1", isError: true } } };
    const { body } = translate({ messages: [hello, assistant(call("t1", "f")), toolTurn(failed)] });
    expect(body.messages[2].content[0]).toEqual({ type: "tool_result", tool_use_id: "t1", is_error: true });
  });
});

describe("reasoning in the history", () => {
  const loop = (...parts: Parameters<typeof assistant>) => [
    hello,
    assistant(...parts, call("t1", "f")),
    toolTurn(result("t1", "ok")),
  ];

  it("edge case 74: thinking and its signature are sent first and unchanged in a tool loop", () => {
    const { body, losses } = translate({ messages: loop(thinking("Hm", "Sig+/==")) });
    expect(body.messages[1].content[0]).toEqual({ type: "thinking", thinking: "Hm", signature: "Sig+/==" });
    expect(losses).toEqual([]);
  });

  it("edge case 75: empty thinking with a signature is kept and sent back", () => {
    const { body } = translate({ messages: loop(thinking("", "Sig")) });
    expect(body.messages[1].content[0]).toEqual({ type: "thinking", thinking: "", signature: "Sig" });
  });

  it("edge case 76: redacted thinking is sent back at its place", () => {
    const redacted = {
      kind: { case: "reasoning" as const, value: { redacted: true } },
      proof: { issuer: "anthropic", format: "redacted", data: new TextEncoder().encode("Emw=") },
    };
    const { body } = translate({ messages: loop(thinking("A", "1"), redacted, thinking("B", "2")) });
    expect(body.messages[1].content.slice(0, 3)).toEqual([
      { type: "thinking", thinking: "A", signature: "1" },
      { type: "redacted_thinking", data: "Emw=" },
      { type: "thinking", thinking: "B", signature: "2" },
    ]);
  });

  it("edge case 78: a signature of another provider or model is removed and reported", () => {
    for (const issuer of ["gemini", "anthropic/claude-sonnet-4-5", "openai"]) {
      const { body, losses } = translate({ messages: loop(thinking("Hm", "Sig", issuer)) });
      expect(body.messages[1].content[0].type).toBe("tool_use");
      expect(losses).toEqual(["messages[1].parts[0].reasoning;dropped"]);
    }
    const own = translate({ messages: loop(thinking("Hm", "Sig", `anthropic/${newer}`)) });
    expect(own.body.messages[1].content[0].type).toBe("thinking");
  });
});

describe("turns", () => {
  it("edge case 85: nothing empty is sent", () => {
    const messages = [system(" \n"), user("", "Hi"), assistant("", call("t1", "f")), toolTurn(result("t1", ""))];
    const { body } = translate({ messages });
    expect(body.system).toBeUndefined();
    expect(body.messages).toEqual([
      { role: "user", content: [{ type: "text", text: "Hi" }] },
      { role: "assistant", content: [{ type: "tool_use", id: "t1", name: "f", input: {} }] },
      { role: "user", content: [{ type: "tool_result", tool_use_id: "t1" }] },
    ]);
    expect(refusal({ messages: [user(" ")] })).toMatchObject({ code: "invalid_value", detail: { field: "messages" } });
  });

  it("edge case 86: instructions after the first turn keep their place, as turns where the model takes them", () => {
    const messages = [hello, assistant("Yes?"), system("Be brief."), user("Go")];
    const own = translate({ messages }, newest);
    expect(own.body.messages.map((message: { role: string }) => message.role)).toEqual([
      "user",
      "assistant",
      "system",
      "user",
    ]);
    expect(own.losses).toEqual([]);

    const folded = translate({ messages }, older);
    expect(folded.body.messages[2]).toEqual({
      role: "user",
      content: [
        { type: "text", text: "<system>\nBe brief.\n</system>" },
        { type: "text", text: "Go" },
      ],
    });
    expect(folded.losses).toEqual(["messages[2].role;approximated"]);
  });

  it("instructions between a call and its result do not part them", () => {
    const messages = [hello, assistant(call("t1", "f")), system("Be brief."), toolTurn(result("t1", "ok"))];
    const { body } = translate({ messages }, newest);
    expect(body.messages.map((message: { role: string }) => message.role)).toEqual([
      "user",
      "assistant",
      "user",
      "system",
    ]);
  });

  it("consecutive messages of one role become one turn, block by block", () => {
    const { body } = translate({ messages: [user("A"), user("B"), assistant("C"), assistant("D"), user("E")] });
    expect(body.messages.map(({ content }: { content: unknown[] }) => content.length)).toEqual([2, 2, 1]);
  });

  it("puts a user's turn before a conversation that has none at its start, and says so", () => {
    const { body, losses } = translate({ messages: [assistant("Hello"), user("Hi")] });
    expect(body.messages[0].role).toBe("user");
    expect(losses).toEqual(["messages;approximated"]);
    expect(translate({ messages: [system("Greet.")] }).body.messages).toHaveLength(1);
  });

  it("removes white space at the end of a begun answer, and says so", () => {
    const { body, losses } = translate({ messages: [hello, assistant("It is ")] }, older);
    expect(body.messages[1].content[0].text).toBe("It is");
    expect(losses).toEqual(["messages[1];approximated"]);
  });

  it("reports names and phases, which this provider lacks", () => {
    const { losses } = translate({
      messages: [{ ...user("Hi"), name: "Ada" }, { ...assistant("Yes?"), phase: "commentary" }, hello],
    });
    expect(losses).toEqual(["messages[0].name;dropped", "messages[1].phase;dropped"]);
  });

  it("refuses a loss under the REFUSE policy, before anything is sent", () => {
    const refused = refusal({ messages: [{ ...user("Hi"), name: "Ada" }], lossPolicy: LossPolicy.REFUSE });
    expect(refused).toMatchObject({ code: "unsupported_parameter", detail: { field: "messages[0].name" } });
  });

  it("refuses pictures in an assistant's turn and anything but text in instructions", () => {
    const image = {
      kind: {
        case: "image" as const,
        value: { media: { source: { case: "uri" as const, value: "https://x.test/a" } } },
      },
    };
    expect(refusal({ messages: [hello, assistant(image)] }).detail.field).toBe("messages[1].parts[0]");
    expect(refusal({ messages: [system(image), hello] }).detail.field).toBe("messages[0].parts[0]");
  });

  it("takes a refusal in the history as text, and leaves out other providers' own parts", () => {
    const refused = { kind: { case: "refusal" as const, value: { text: "No." } } };
    const foreign = {
      kind: {
        case: "opaque" as const,
        value: { provider: "gemini", type: "x", content: { case: "json" as const, value: "{}" } },
      },
    };
    const { body, losses } = translate({ messages: [hello, assistant(refused, foreign), user("Why?")] });
    expect(body.messages[1].content).toEqual([{ type: "text", text: "No." }]);
    expect(losses).toEqual(["messages[1].parts[1].opaque;dropped"]);
  });

  it("refuses to send text that is not there", () => {
    expect(refusal({ messages: [user({ ...text("x"), kind: { case: undefined } })] }).detail.field).toBe(
      "messages[0].parts[0]",
    );
  });
});
