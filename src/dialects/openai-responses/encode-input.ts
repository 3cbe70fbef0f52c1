import {
  type ChatMessage,
  type Part,
  Role,
  ToolCallKind,
  type ToolResult,
} from "../../../gen/trunkline/v1/message_pb.ts";
import type { LossReport } from "../../domain/loss.ts";
import type { JsonMembers, JsonTree } from "../json-text.ts";
import { encodeContent, type ResponsesQuirks } from "./encode-content.ts";
import { encodeAnswer } from "./encode-output.ts";
import { encodeOpaque } from "./encode-own.ts";

const roles: Readonly<Record<number, string>> = {
  [Role.SYSTEM]: "system",
  [Role.DEVELOPER]: "developer",
};

/** The conversation as input items, in its order. */
export function encodeInput(
  messages: readonly ChatMessage[],
  quirks: ResponsesQuirks,
  losses: LossReport,
): readonly JsonTree[] {
  const encoder = new InputEncoder(messages, quirks, losses);
  return messages.flatMap((message, i) => {
    const items = encoder.encode(message, `messages[${i}]`);
    // Parts that are left out have been told one by one.
    if (message.parts.length === 0) losses.drop(`messages[${i}]`, "is empty, and becomes no item.");
    return items;
  });
}

class InputEncoder {
  readonly #quirks: ResponsesQuirks;
  readonly #losses: LossReport;
  /** Ids of calls of custom tools: their output is an item of another type. */
  readonly #customCalls = new Set<string>();

  constructor(messages: readonly ChatMessage[], quirks: ResponsesQuirks, losses: LossReport) {
    this.#quirks = quirks;
    this.#losses = losses;
    for (const { kind } of messages.flatMap(({ parts }) => parts)) {
      if (kind.case === "toolCall" && kind.value.kind === ToolCallKind.CUSTOM) this.#customCalls.add(kind.value.id);
    }
  }

  encode(message: ChatMessage, field: string): readonly JsonTree[] {
    if (message.name !== undefined) this.#losses.drop(`${field}.name`, "this provider has no names of speakers.");
    if (message.role === Role.ASSISTANT) return encodeAnswer(message, field, this.#quirks, this.#losses);
    if (message.phase !== undefined) this.#losses.drop(`${field}.phase`, "is taken of the model's own turns only.");
    return this.#encodeParts(message, roles[message.role] ?? "user", field);
  }

  /** What is said between two items that are no message is one message. */
  #encodeParts({ parts }: ChatMessage, role: string, field: string): JsonTree[] {
    const items: JsonTree[] = [];
    let content: JsonMembers[] = [];
    const say = () => {
      if (content.length > 0) items.push({ type: "message", role, content });
      content = [];
    };
    for (const [i, part] of parts.entries()) {
      const at = `${field}.parts[${i}]`;
      const item = this.#item(part, at);
      if (item !== null) {
        say();
        items.push(item);
      } else {
        const one = encodeContent(part, at, this.#quirks, this.#losses);
        if (one !== null) content.push(one);
      }
    }
    say();
    return items;
  }

  /** Parts that are items of their own; null for content. */
  #item(part: Part, field: string): JsonTree | null {
    const { kind } = part;
    if (kind.case === "toolResult") {
      if (part.cache) this.#losses.drop(`${field}.cache`, "is taken on the parts of a result, not on the result.");
      if (part.proof) this.#losses.drop(`${field}.proof`, "is not taken on a part of this kind by this provider.");
      return this.#result(kind.value, `${field}.tool_result`);
    }
    // What the caller answers to the provider's own calls (computer, shell, approvals).
    return kind.case === "opaque" ? (encodeOpaque(part, this.#quirks) ?? null) : null;
  }

  #result({ callId, parts, isError, willContinue }: ToolResult, field: string): JsonTree {
    if (willContinue) this.#losses.drop(`${field}.will_continue`, "this provider takes one result for a call.");
    const content = parts.flatMap<JsonMembers>(
      (part, i) => encodeContent(part, `${field}.parts[${i}]`, this.#quirks, this.#losses) ?? [],
    );
    if (isError) {
      this.#losses.approximate(`${field}.is_error`, "is sent as the text's beginning: this provider has no flag.");
      content.unshift({ type: "input_text", text: "Error:" });
    }
    const type = this.#customCalls.has(callId) ? "custom_tool_call_output" : "function_call_output";
    return { type, call_id: callId, output: plain(content) };
  }
}

/** One text is a string, as every server understands it; anything else, or a marked text, is a list. */
function plain(content: readonly JsonMembers[]): JsonTree {
  const [only] = content;
  if (content.length === 0) return "";
  if (content.length === 1 && only?.type === "input_text" && Object.keys(only).length === 2) return only.text ?? "";
  return content;
}
