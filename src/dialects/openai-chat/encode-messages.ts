import {
  type ChatMessage,
  type Part,
  Role,
  type ToolCall,
  ToolCallKind,
  type ToolResult,
} from "../../../gen/trunkline/v1/message_pb.ts";
import type { LossReport } from "../../domain/loss.ts";
import type { JsonMembers, JsonTree } from "../json-text.ts";
import { encodeContentPart, searchText } from "./encode-media.ts";
import { encodeThoughts } from "./encode-thoughts.ts";
import type { ChatQuirks } from "./quirks.ts";

/** The conversation as chat messages. One of ours becomes several where a message holds the results of several calls. */
export function encodeMessages(
  messages: readonly ChatMessage[],
  quirks: ChatQuirks,
  losses: LossReport,
): readonly JsonMembers[] {
  const encoded: JsonMembers[] = [];
  // What tools showed follows the last result of its turn: nothing may stand between results.
  let shown: JsonMembers[] = [];
  const show = () => {
    if (shown.length > 0) encoded.push({ role: "user", content: shown });
    shown = [];
  };
  for (const [i, message] of messages.entries()) {
    const encoder = new MessageEncoder(message, `messages[${i}]`, quirks, losses);
    const own = encoder.encode();
    shown.push(...encoder.shown);
    for (const one of own) {
      if (one.role !== "tool") show();
      encoded.push(one);
    }
  }
  show();
  return encoded;
}

class MessageEncoder {
  /** Parts of tool results that a result may not hold. */
  readonly shown: JsonMembers[] = [];
  readonly #message: ChatMessage;
  readonly #field: string;
  readonly #quirks: ChatQuirks;
  readonly #losses: LossReport;

  constructor(message: ChatMessage, field: string, quirks: ChatQuirks, losses: LossReport) {
    this.#message = message;
    this.#field = field;
    this.#quirks = quirks;
    this.#losses = losses;
  }

  encode(): JsonMembers[] {
    this.#reportUnsent();
    const name = this.#message.name === undefined ? {} : { name: this.#message.name };
    switch (this.#message.role) {
      case Role.SYSTEM:
        return [{ role: "system", content: this.#content(this.#message.parts), ...name }];
      case Role.DEVELOPER:
        return [
          {
            role: this.#quirks.developerRole ? "developer" : "system",
            content: this.#content(this.#message.parts),
            ...name,
          },
        ];
      case Role.ASSISTANT:
        return [{ ...this.#assistant(), ...name }];
      default:
        return this.#user(name);
    }
  }

  /** What chat messages have no place for, whatever the role. */
  #reportUnsent(): void {
    const { role, phase, parts } = this.#message;
    const field = this.#field;
    const unsaid = "is not taken by chat completions.";
    if (phase !== undefined && (role !== Role.ASSISTANT || this.#quirks.basic))
      this.#losses.drop(`${field}.phase`, unsaid);
    for (const [i, { kind, proof }] of parts.entries()) {
      const at = `${field}.parts[${i}]`;
      // Reasoning is reported as a whole.
      if (proof && kind.case !== "reasoning")
        this.#losses.drop(`${at}.proof`, "belongs to the provider that issued it.");
      if (kind.case === "toolCall") {
        if (kind.value.callerJson !== undefined) this.#losses.drop(`${at}.tool_call.caller_json`, unsaid);
        if (kind.value.toolset !== undefined) this.#losses.drop(`${at}.tool_call.toolset`, unsaid);
      } else if (kind.case === "toolResult" && kind.value.willContinue) {
        this.#losses.drop(`${at}.tool_result.will_continue`, unsaid);
      }
    }
  }

  /** Results first, each a message of its own: they answer the turn before, and what follows is said after them. */
  #user(name: JsonMembers): JsonMembers[] {
    const encoded: JsonMembers[] = [];
    const rest: Part[] = [];
    for (const [i, part] of this.#message.parts.entries()) {
      if (part.kind.case === "toolResult")
        encoded.push(this.#result(part.kind.value, `${this.#field}.parts[${i}].tool_result`));
      else rest.push(part);
    }
    if (rest.length > 0 || encoded.length === 0) encoded.push({ role: "user", content: this.#content(rest), ...name });
    return encoded;
  }

  #result({ callId, parts, isError }: ToolResult, field: string): JsonMembers {
    const content: JsonMembers[] = [];
    const others: JsonMembers[] = [];
    for (const [i, part] of parts.entries()) {
      const at = `${field}.parts[${i}]`;
      const one = this.#resultPart(part, at);
      if (one && (one.type === "text" || isResultMedium(part, this.#quirks))) content.push(one);
      else if (one) {
        this.#losses.approximate(at, "is sent in a user's message after the results: a result may not hold it here.");
        others.push(one);
      }
    }
    if (others.length > 0) {
      this.shown.push({ type: "text", text: `From the result of ${callId}:` }, ...others);
      if (content.length === 0)
        content.push({ type: "text", text: "The result is shown in the user's message below." });
    }
    if (isError) {
      this.#losses.approximate(`${field}.is_error`, "is sent as the text's beginning: this provider has no flag.");
      content.unshift({ type: "text", text: "Error:" });
    }
    return { role: "tool", tool_call_id: callId, content: plain(content) };
  }

  #resultPart(part: Part, field: string): JsonMembers | null {
    if (part.kind.case === "searchResult") return { type: "text", text: searchText(part.kind.value) };
    return encodeContentPart(part, field, this.#quirks, this.#losses);
  }

  #content(parts: readonly Part[]): JsonTree {
    const sent = parts.map((part) => {
      const at = `${this.#field}.parts[${this.#message.parts.indexOf(part)}]`;
      return encodeContentPart(part, at, this.#quirks, this.#losses);
    });
    return plain(sent.filter((part) => part !== null));
  }

  #assistant(): JsonMembers {
    const content: JsonMembers[] = [];
    const calls: JsonTree[] = [];
    const message: JsonMembers = { role: "assistant" };
    if (this.#message.phase !== undefined && !this.#quirks.basic) message.phase = this.#message.phase;
    for (const [i, part] of this.#message.parts.entries()) {
      const field = `${this.#field}.parts[${i}]`;
      const { kind } = part;
      if (part.cache && kind.case !== "text") this.#losses.drop(`${field}.cache`, "is taken on text only.");
      if (kind.case === "reasoning") continue;
      if (kind.case === "toolCall") calls.push(this.#call(kind.value, field));
      else if (kind.case === "refusal") content.push(this.#refusal(kind.value.text, field));
      else if (kind.case === "audio" && kind.value.id !== undefined && !this.#quirks.basic)
        message.audio = { id: kind.value.id };
      else if (kind.case === "text") content.push({ type: "text", text: kind.value });
      else
        this.#losses.drop(
          field,
          `a part of kind ${kind.case} in an assistant's message is not taken by this provider.`,
        );
    }
    const thought = encodeThoughts(this.#message.parts, this.#field, this.#quirks, this.#losses);
    Object.assign(message, thought.members);
    content.unshift(...thought.content);
    message.content = content.length === 0 ? (calls.length > 0 || message.audio ? null : "") : plain(content);
    if (calls.length > 0) message.tool_calls = calls;
    return message;
  }

  #refusal(text: string, field: string): JsonMembers {
    if (!this.#quirks.basic) return { type: "refusal", refusal: text };
    this.#losses.approximate(field, "is sent as text: this provider has no part for refusals.");
    return { type: "text", text };
  }

  #call({ id, name, kind, arguments: text }: ToolCall, field: string): JsonTree {
    if (kind === ToolCallKind.CUSTOM) {
      if (!this.#quirks.basic) return { id, type: "custom", custom: { name, input: text } };
      this.#losses.approximate(field, "is sent as a function's: this provider has no tools that take free text.");
      return { id, type: "function", function: { name, arguments: JSON.stringify({ input: text }) } };
    }
    return { id, type: "function", function: { name, arguments: text } };
  }
}

/** Whether a tool may answer with such a part, text apart. */
export function isResultMedium({ kind }: Part, { resultMedia }: ChatQuirks): boolean {
  return resultMedia?.some((medium) => medium === kind.case) === true;
}

/** One text is a string, as every server understands it; anything else, or a marked text, is a list. */
function plain(content: readonly JsonMembers[]): JsonTree {
  const [only] = content;
  if (content.length === 0) return "";
  if (content.length === 1 && only?.type === "text" && Object.keys(only).length === 2) return only.text ?? "";
  return content;
}
