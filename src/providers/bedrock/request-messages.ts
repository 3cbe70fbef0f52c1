import { type ChatMessage, type Part, Role } from "../../../gen/trunkline/v1/message_pb.ts";
import { invalidValue } from "../../dialects/json-splice.ts";
import type { JsonMembers, JsonTree } from "../../dialects/json-text.ts";
import { dropMessageExtras } from "../../dialects/unsaid-parts.ts";
import { type Draft, unsupported } from "./draft.ts";
import { toBlock, toToolResult } from "./request-parts.ts";

/** The conversation as Converse has it: leading instructions apart, turns that alternate, results with their calls. */
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
  /** Points behind results. */
  readonly marks: JsonMembers[];
  /** Paths of this turn's calls, by id. */
  readonly calls: Map<string, string>;
}

/** @throws GatewayError `invalid_value` for results without a call, calls without a result, and empty prompts */
export function toConversation(draft: Draft): Conversation {
  const { messages } = draft.request;
  const leading = messages.findIndex((message) => !isInstruction(message));
  const lead = leading === -1 ? messages.length : leading;
  const system: JsonMembers[] = [];
  const turns: Turn[] = [];
  for (const [index, message] of messages.entries()) {
    const path = `messages[${index}]`;
    dropMessageExtras(message, path, draft.losses);
    if (index < lead) system.push(...instructions(message, path, draft));
    else if (isInstruction(message)) addInstructions(turns, message, path, draft);
    else if (!addSaid(turns, message, path, draft))
      draft.losses.drop(path, "is empty, which this provider does not take.");
  }
  answerCalls(turns, draft);
  openWithUser(turns, system.length > 0, draft);
  accompanyDocuments(turns, draft);
  trimPrefill(turns, draft);
  return { system, turns, messages: turns.map(toMessage) };
}

function isInstruction({ role }: ChatMessage): boolean {
  return role === Role.SYSTEM || role === Role.DEVELOPER;
}

function instructions({ parts }: ChatMessage, path: string, draft: Draft): JsonMembers[] {
  return parts.flatMap<JsonMembers>((part, index) => {
    const at = `${path}.parts[${index}]`;
    if (part.kind.case !== "text") throw unsupported(at, "is not text. Instructions may hold text only.");
    const block = toBlock(part, at, draft);
    return [...(block ? [block] : []), ...draft.cache.behind(part.cache, `${at}.cache`, block !== null)];
  });
}

/** Instructions between turns: their own turn where the model takes it, else marked text in the user's turn. */
function addInstructions(turns: Turn[], message: ChatMessage, path: string, draft: Draft): void {
  const blocks = instructions(message, path, draft);
  if (blocks.length === 0) return;
  if (draft.rules.claude.systemTurns) {
    turnOf(turns, "system").blocks.push(...blocks);
    return;
  }
  const how = "this model takes instructions only at the start; sent as text of the user's turn.";
  draft.losses.approximate(`${path}.role`, how);
  for (const block of blocks) if ("text" in block) block.text = `<system>\n${String(block.text)}\n</system>`;
  turnOf(turns, "user").blocks.push(...blocks);
}

/** @returns whether anything was said */
function addSaid(turns: Turn[], message: ChatMessage, path: string, draft: Draft): boolean {
  const role = message.role === Role.ASSISTANT ? "assistant" : "user";
  let said = false;
  for (const [index, part] of message.parts.entries()) {
    const at = `${path}.parts[${index}]`;
    said =
      (part.kind.case === "toolResult" && role === "user"
        ? addResult(turns, part, at, draft)
        : addBlock(turns, role, part, at, draft)) || said;
  }
  return said;
}

function addBlock(turns: Turn[], role: Turn["role"], part: Part, at: string, draft: Draft): boolean {
  const { kind } = part;
  if (role === "assistant" && fromUsers.has(kind.case)) {
    throw unsupported(at, "cannot be a part of an assistant's turn. Send media in a user's turn.");
  }
  const block = toBlock(part, at, draft);
  const point = draft.cache.behind(part.cache, `${at}.cache`, block !== null && kind.case !== "reasoning");
  if (block === null) return false;
  const turn = turnOf(turns, role);
  turn.blocks.push(block, ...point);
  if (kind.case !== "toolCall") return true;
  if (turn.calls.has(kind.value.id))
    throw invalidValue(`${at}.tool_call.id`, "is used by another call of the same turn.");
  turn.calls.set(kind.value.id, `${at}.tool_call`);
  return true;
}

const fromUsers: ReadonlySet<Part["kind"]["case"]> = new Set<Part["kind"]["case"]>([
  "image",
  "file",
  "audio",
  "video",
  "searchResult",
]);

function addResult(turns: Turn[], part: Part, at: string, draft: Draft): boolean {
  if (part.kind.case !== "toolResult") return false;
  const { callId } = part.kind.value;
  const turn = turnForResult(turns, callId, at);
  if (turn.results.has(callId)) draft.losses.drop(at, "the same call is answered twice; only the last result is sent.");
  if (part.proof) draft.losses.drop(`${at}.proof`, "is not taken on a part of this kind by this provider.");
  turn.results.set(callId, toToolResult(part.kind.value, `${at}.tool_result`, draft));
  turn.marks.push(...draft.cache.behind(part.cache, `${at}.cache`));
  return true;
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
function turnForResult(turns: Turn[], callId: string, path: string): Turn {
  const position = turns.findLastIndex((turn) => turn.calls.has(callId));
  if (position === -1) {
    throw invalidValue(`${path}.tool_result.call_id`, "names no tool call of an earlier assistant turn.");
  }
  const next = turns[position + 1];
  if (next?.role === "user") return next;
  const turn = newTurn("user");
  turns.splice(position + 1, 0, turn);
  return turn;
}

/**
 * Every call needs a result in the turn behind it. Where the conversation went on without one, the model is told so;
 * where nothing follows, the caller has forgotten it.
 */
function answerCalls(turns: Turn[], draft: Draft): void {
  for (let position = 0; position < turns.length; position++) {
    for (const [id, path] of turns[position]?.calls ?? []) {
      if (turns[position + 1]?.results.has(id)) continue;
      if (position === turns.length - 1) throw invalidValue(path, "has no result. Send a tool_result with its id.");
      draft.losses.approximate(path, "has no result; the model is told that none was given.");
      const toolUseId = draft.callIds.toWire(id);
      const stub = { toolResult: { toolUseId, content: [{ text: "No result was given for this call." }] } };
      turnForResult(turns, id, path).results.set(id, stub);
    }
  }
}

/** Converse wants the user to speak first, and somebody to speak at all. */
function openWithUser(turns: Turn[], instructed: boolean, draft: Draft): void {
  const first = turns[0];
  if (first?.role === "user") return;
  if (first === undefined && !instructed)
    throw invalidValue("messages", "hold nothing but empty text. Send some content.");
  draft.losses.approximate("messages", "this provider wants a user's turn first; a placeholder was put there.");
  turns.unshift(newTurn("user", { text: "Begin." }));
}

/** A document may not come without a text in the same turn. */
function accompanyDocuments(turns: Turn[], draft: Draft): void {
  for (const { blocks } of turns) {
    if (!blocks.some((block) => "document" in block) || blocks.some((block) => "text" in block)) continue;
    draft.losses.approximate("messages", "this provider wants a text beside a document; one was put there.");
    blocks.push({ text: "Read the document." });
  }
}

/** A begun answer may not end in white space; the provider says so with a 400. */
function trimPrefill(turns: Turn[], draft: Draft): void {
  const last = turns.at(-1);
  const block = last?.blocks.at(-1);
  if (last?.role !== "assistant" || typeof block?.text !== "string") return;
  const trimmed = block.text.trimEnd();
  if (trimmed === block.text) return;
  const path = `messages[${draft.request.messages.length - 1}]`;
  draft.losses.approximate(path, "white space at the end of a begun answer was removed.");
  block.text = trimmed;
}

function newTurn(role: Turn["role"], ...blocks: JsonMembers[]): Turn {
  return { role, blocks, results: new Map(), marks: [], calls: new Map() };
}

function toMessage({ role, blocks, results, marks }: Turn): JsonTree {
  return { role, content: [...results.values(), ...marks, ...blocks] };
}
