import { type ChatMessage, Role } from "../../../gen/trunkline/v1/message_pb.ts";
import { invalidValue } from "../../dialects/json-splice.ts";
import type { JsonMembers, JsonTree } from "../../dialects/json-text.ts";
import { type Draft, unsupported } from "./draft.ts";
import { toBlock, toToolResult } from "./request-parts.ts";

/** The conversation as Messages has it: leading instructions apart, turns that alternate, results with their calls. */
export interface Conversation {
  readonly system: readonly JsonMembers[];
  readonly messages: readonly JsonTree[];
  readonly turns: readonly Turn[];
}

export interface Turn {
  readonly role: "user" | "assistant" | "system";
  readonly blocks: JsonMembers[];
  /** Results of the calls of the turn before, by call id. They stand first. */
  readonly results: Map<string, JsonMembers>;
  /** Calls of this turn, by id. */
  readonly calls: Map<string, { readonly path: string; readonly toolset: string | undefined }>;
}

/** @throws GatewayError `invalid_value` for results without a call, calls without a result, and empty prompts */
export function toConversation(draft: Draft): Conversation {
  const { messages } = draft.request;
  const leading = messages.findIndex((message) => !isInstruction(message));
  const lead = leading === -1 ? messages.length : leading;
  const system = messages
    .slice(0, lead)
    .flatMap((message, index) => instructions(message, `messages[${index}]`, draft));
  const turns: Turn[] = [];
  for (const [offset, message] of messages.slice(lead).entries())
    addMessage(turns, message, `messages[${lead + offset}]`, draft);
  answerCalls(turns, draft);
  openWithUser(turns, system.length > 0, draft);
  trimPrefill(turns, draft);
  return { system, turns, messages: turns.map(toMessage) };
}

function isInstruction({ role }: ChatMessage): boolean {
  return role === Role.SYSTEM || role === Role.DEVELOPER;
}

function addMessage(turns: Turn[], message: ChatMessage, path: string, draft: Draft): void {
  noteUnsaid(message, path, draft);
  if (isInstruction(message)) return addInstructions(turns, message, path, draft);
  const said = message.role === Role.ASSISTANT ? addAssistant : addUser;
  if (said(turns, message, path, draft) === 0) draft.losses.drop(path, "is empty, which this provider does not take.");
}

/** @returns how many of its parts were something to say */
function addUser(turns: Turn[], message: ChatMessage, path: string, draft: Draft): number {
  let said = 0;
  message.parts.forEach((part, index) => {
    const at = `${path}.parts[${index}]`;
    if (part.kind.case === "toolResult") {
      const { callId } = part.kind.value;
      const { turn, toolset } = turnForResult(turns, callId, at);
      if (turn.results.has(callId))
        draft.losses.drop(at, "the same call is answered twice; only the last result is sent.");
      const block = toToolResult(part.kind.value, at, draft, toolset);
      draft.cache.note(block, part.cache, `${at}.cache`);
      turn.results.set(callId, block);
      said++;
    } else {
      const block = toBlock(part, at, draft);
      if (block === null) return;
      turnOf(turns, "user").blocks.push(block);
      said++;
    }
  });
  return said;
}

/** @returns how many of its parts were something to say */
function addAssistant(turns: Turn[], message: ChatMessage, path: string, draft: Draft): number {
  let said = 0;
  message.parts.forEach((part, index) => {
    const at = `${path}.parts[${index}]`;
    if (part.kind.case === "image" || part.kind.case === "file") {
      throw unsupported(at, "cannot be a part of an assistant's turn. Send pictures and files in a user's turn.");
    }
    const block = toBlock(part, at, draft);
    if (block === null) return;
    const turn = turnOf(turns, "assistant");
    turn.blocks.push(block);
    said++;
    if (part.kind.case === "toolCall") {
      const { id, toolset } = part.kind.value;
      if (turn.calls.has(id)) throw invalidValue(`${at}.tool_call.id`, "is used by another call of the same turn.");
      turn.calls.set(id, { path: `${at}.tool_call`, toolset });
    }
  });
  return said;
}

/** Instructions between turns: their own turn where the model takes it, else marked text in the user's turn. */
function addInstructions(turns: Turn[], message: ChatMessage, path: string, draft: Draft): void {
  const blocks = instructions(message, path, draft);
  if (blocks.length === 0) return;
  if (draft.rules.systemTurns) {
    turnOf(turns, "system").blocks.push(...blocks);
    return;
  }
  draft.losses.approximate(
    `${path}.role`,
    "this model takes instructions only at the start; sent as text of the user's turn.",
  );
  for (const block of blocks) block.text = `<system>\n${String(block.text)}\n</system>`;
  turnOf(turns, "user").blocks.push(...blocks);
}

function instructions(message: ChatMessage, path: string, draft: Draft): JsonMembers[] {
  return message.parts.flatMap<JsonMembers>((part, index) => {
    const at = `${path}.parts[${index}]`;
    if (part.kind.case !== "text") throw unsupported(at, "is not text. Instructions may hold text only.");
    return toBlock(part, at, draft) ?? [];
  });
}

function noteUnsaid(message: ChatMessage, path: string, draft: Draft): void {
  if (message.name !== undefined) draft.losses.drop(`${path}.name`, "this provider has no names of speakers.");
  if (message.phase !== undefined) draft.losses.drop(`${path}.phase`, "this provider has no phases.");
}

/** The last turn when it is of this role, else a new one: consecutive messages of one role become one. */
function turnOf(turns: Turn[], role: Turn["role"]): Turn {
  const last = turns.at(-1);
  if (last?.role === role) return last;
  const turn = newTurn(role);
  turns.push(turn);
  return turn;
}

/** The user turn right behind the call, wherever the result stands in the caller's order. */
function turnForResult(turns: Turn[], callId: string, path: string): { turn: Turn; toolset: string | undefined } {
  const position = turns.findLastIndex((turn) => turn.calls.has(callId));
  const call = turns[position]?.calls.get(callId);
  if (call === undefined) {
    throw invalidValue(`${path}.tool_result.call_id`, "names no tool call of an earlier assistant turn.");
  }
  const next = turns[position + 1];
  if (next?.role === "user") return { turn: next, toolset: call.toolset };
  const turn = newTurn("user");
  turns.splice(position + 1, 0, turn);
  return { turn, toolset: call.toolset };
}

/**
 * Every call needs a result in the turn behind it. Where the conversation went on without one, the model is told so;
 * where nothing follows, the caller has forgotten it.
 */
function answerCalls(turns: Turn[], draft: Draft): void {
  for (let position = 0; position < turns.length; position++) {
    const turn = turns[position];
    if (turn === undefined || turn.calls.size === 0) continue;
    for (const [id, { path }] of turn.calls) {
      if (turns[position + 1]?.results.has(id)) continue;
      if (position === turns.length - 1) throw invalidValue(path, "has no result. Send a tool_result with its id.");
      draft.losses.approximate(path, "has no result; the model is told that none was given.");
      const text = "No result was given for this call.";
      const content = [{ type: "text", text }];
      const stub = { type: "tool_result", tool_use_id: draft.callIds.toWire(id), content, is_error: true };
      turnForResult(turns, id, path).turn.results.set(id, stub);
    }
  }
}

/** Messages wants the user to speak first, and somebody to speak at all. */
function openWithUser(turns: Turn[], instructed: boolean, draft: Draft): void {
  const first = turns[0];
  if (first?.role === "user") return;
  if (first === undefined && !instructed)
    throw invalidValue("messages", "hold nothing but empty text. Send some content.");
  draft.losses.approximate("messages", "this provider wants a user's turn first; a placeholder was put there.");
  const turn = newTurn("user");
  turn.blocks.push({ type: "text", text: "Begin." });
  turns.unshift(turn);
}

/** A begun answer may not end in white space; the provider says so with a 400. */
function trimPrefill(turns: Turn[], draft: Draft): void {
  const last = turns.at(-1);
  const block = last?.blocks.at(-1);
  if (last?.role !== "assistant" || block?.type !== "text" || typeof block.text !== "string") return;
  const trimmed = block.text.trimEnd();
  if (trimmed === block.text) return;
  draft.losses.approximate(
    `messages[${draft.request.messages.length - 1}]`,
    "white space at the end of a begun answer was removed.",
  );
  block.text = trimmed;
}

function newTurn(role: Turn["role"]): Turn {
  return { role, blocks: [], results: new Map(), calls: new Map() };
}

function toMessage({ role, blocks, results }: Turn): JsonTree {
  return { role, content: [...results.values(), ...blocks] };
}
