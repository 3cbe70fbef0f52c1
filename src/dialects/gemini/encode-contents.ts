import { type ChatMessage, type Part, Role } from "../../../gen/trunkline/v1/message_pb.ts";
import { invalidValue } from "../json-splice.ts";
import type { JsonMembers, JsonTree } from "../json-text.ts";
import { toFunctionResponse, toPart } from "./encode-parts.ts";
import { type Draft, unsupported } from "./gemini-draft.ts";

/** The conversation as Gemini has it. */
export interface Conversation {
  readonly system: readonly JsonMembers[];
  readonly contents: JsonTree;
  /** Goes on with an answer that was paused. */
  readonly continuationToken: JsonTree | undefined;
}

/** One content. Results stand in one of their own, right behind their calls. */
interface Turn {
  readonly role: "user" | "model" | "results";
  readonly parts: JsonMembers[];
  /** Calls of this turn by id, in order. */
  readonly calls: Map<string, { readonly name: string; readonly path: string }>;
  /** Results by id of their call. */
  readonly results: Map<string, readonly JsonMembers[]>;
}

/** Accepted in place of a signature that was lost. Google's documentation, "Thought signatures". */
const lostSignature = "skip_thought_signature_validator";

/**
 * @param told instructions of the gateway's own, behind the caller's
 * @throws GatewayError `invalid_value` for results without a call and calls without a result
 */
export function toConversation(draft: Draft, told: readonly JsonMembers[]): Conversation {
  const { messages } = draft.request;
  const leading = messages.findIndex((message) => !isInstruction(message));
  const lead = leading === -1 ? messages.length : leading;
  const said = messages.slice(0, lead).flatMap((message, i) => instructions(message, `messages[${i}]`, draft));
  const turns: Turn[] = [];
  for (const [i, message] of messages.slice(lead).entries()) addMessage(turns, message, `messages[${lead + i}]`, draft);
  const continuationToken = takeContinuation(turns);
  answerCalls(turns, draft);
  const kept = turns.filter((turn) => turn.role === "results" || turn.parts.length > 0);
  openWithUser(kept, said.length > 0, draft);
  if (draft.rules.needsSignatures) for (const turn of kept) signFirstCall(turn);
  return { ...placed([...said, ...told], kept, draft), continuationToken };
}

/** Gemma knows no instructions: the user says them first. */
function placed(system: readonly JsonMembers[], turns: readonly Turn[], { rules, losses }: Draft) {
  const contents = () => turns.map((turn, i) => toContent(turn, turns[i - 1]));
  if (rules.systemInstruction || system.length === 0) return { system, contents: contents() };
  losses.approximate("messages[0].role", "this model knows no instructions; sent as text of the user's turn.");
  turns[0]?.parts.unshift(...system);
  return { system: [], contents: contents() };
}

function isInstruction({ role }: ChatMessage): boolean {
  return role === Role.SYSTEM || role === Role.DEVELOPER;
}

function addMessage(turns: Turn[], message: ChatMessage, path: string, draft: Draft): void {
  if (message.name !== undefined) draft.losses.drop(`${path}.name`, "this provider has no names of speakers.");
  if (message.phase !== undefined) draft.losses.drop(`${path}.phase`, "this provider has no phases.");
  if (isInstruction(message)) return addInstructions(turns, message, path, draft);
  const role = message.role === Role.ASSISTANT ? "model" : "user";
  for (const [i, part] of message.parts.entries()) addPart(turns, role, part, `${path}.parts[${i}]`, draft);
}

function addPart(turns: Turn[], role: "user" | "model", part: Part, at: string, draft: Draft): void {
  const { kind } = part;
  if (kind.case === "toolResult") return addResult(turns, part, at, draft);
  const encoded = toPart(part, at, draft);
  if (encoded === null) return;
  const turn = turnOf(turns, role);
  turn.parts.push(encoded);
  if (kind.case !== "toolCall") return;
  const { id, name } = kind.value;
  if (turn.calls.has(id)) throw invalidValue(`${at}.tool_call.id`, "is used by another call of the same turn.");
  turn.calls.set(id, { name, path: `${at}.tool_call` });
}

/** Results are matched by the id of their call, in whatever order they come. */
function addResult(turns: Turn[], part: Part, at: string, draft: Draft): void {
  if (part.kind.case !== "toolResult") return;
  const result = part.kind.value;
  if (part.cache) draft.losses.drop(`${at}.cache`, "this provider caches prefixes by itself.");
  const position = turns.findLastIndex((turn) => turn.calls.has(result.callId));
  const call = turns[position]?.calls.get(result.callId);
  if (call === undefined) {
    throw invalidValue(`${at}.tool_result.call_id`, "names no tool call of an earlier assistant turn.");
  }
  const { results } = resultsBehind(turns, position);
  if (results.has(result.callId))
    draft.losses.drop(at, "the same call is answered twice; only the last result is sent.");
  results.set(result.callId, toFunctionResponse(result, call.name, at, draft));
}

function resultsBehind(turns: Turn[], position: number): Turn {
  const next = turns[position + 1];
  if (next?.role === "results") return next;
  const turn = newTurn("results");
  turns.splice(position + 1, 0, turn);
  return turn;
}

/** Instructions between turns become marked text of the user's. */
function addInstructions(turns: Turn[], message: ChatMessage, path: string, draft: Draft): void {
  const parts = instructions(message, path, draft);
  if (parts.length === 0) return;
  draft.losses.approximate(
    `${path}.role`,
    "this provider takes instructions only at the start; sent as text of the user's turn.",
  );
  for (const part of parts) part.text = `<system>\n${String(part.text)}\n</system>`;
  turnOf(turns, "user").parts.push(...parts);
}

function instructions(message: ChatMessage, path: string, draft: Draft): JsonMembers[] {
  return message.parts.flatMap<JsonMembers>((part, i) => {
    const at = `${path}.parts[${i}]`;
    if (part.kind.case !== "text") throw unsupported(at, "is not text. Instructions may hold text only.");
    return toPart(part, at, draft) ?? [];
  });
}

function turnOf(turns: Turn[], role: "user" | "model"): Turn {
  const last = turns.at(-1);
  if (last?.role === role) return last;
  const turn = newTurn(role);
  turns.push(turn);
  return turn;
}

/** An answer that was paused is not sent back: the token stands for it. */
function takeContinuation(turns: Turn[]): JsonTree | undefined {
  const last = turns.at(-1);
  const token = last?.role === "model" ? last.parts.find((part) => part.continuationToken !== undefined) : undefined;
  for (const { parts } of turns) {
    const at = parts.findIndex((part) => part.continuationToken !== undefined);
    if (at >= 0) parts.splice(at, 1);
  }
  if (token) turns.pop();
  return token?.continuationToken;
}

/**
 * As many results as calls, in one content, or the provider answers 400. Where the conversation went on without one,
 * the model is told so; where nothing follows, the caller has forgotten it.
 */
function answerCalls(turns: Turn[], draft: Draft): void {
  for (let position = 0; position < turns.length; position++) {
    const turn = turns[position];
    if (turn === undefined || turn.calls.size === 0) continue;
    for (const [id, { name, path }] of turn.calls) {
      const next = turns[position + 1];
      if (next?.results.has(id)) continue;
      if (next === undefined) throw invalidValue(path, "has no result. Send a tool_result with its id.");
      draft.losses.approximate(path, "has no result; the model is told that none was given.");
      const stub = {
        $typeName: "trunkline.v1.ToolResult" as const,
        ...{ callId: id, name: "", parts: [], isError: true },
      };
      const [response = {}] = toFunctionResponse(stub, name, path, draft);
      const told = {
        ...(response.functionResponse as JsonMembers),
        response: { error: "No result was given for this call." },
      };
      resultsBehind(turns, position).results.set(id, [{ functionResponse: told }]);
    }
  }
}

/** The user speaks first, and somebody has to speak at all. */
function openWithUser(turns: Turn[], instructed: boolean, draft: Draft): void {
  const first = turns[0];
  if (first?.role === "user") return;
  if (first === undefined && !instructed)
    throw invalidValue("messages", "hold nothing but empty text. Send some content.");
  draft.losses.approximate("messages", "this provider wants a user's turn first; a placeholder was put there.");
  const turn = newTurn("user");
  turn.parts.push({ text: "Begin." });
  turns.unshift(turn);
}

/** Of parallel calls the first carries the signature. One that the caller could not keep is stood in for. */
function signFirstCall({ parts }: Turn): void {
  const call = parts.find((part) => part.functionCall !== undefined);
  if (call) call.thoughtSignature ??= lostSignature;
}

function newTurn(role: Turn["role"]): Turn {
  return { role, parts: [], calls: new Map(), results: new Map() };
}

/** @param before the turn whose calls are answered: results stand in the order of the calls */
function toContent({ role, parts, results }: Turn, before: Turn | undefined): JsonTree {
  if (role !== "results") return { role, parts };
  const ordered = [...(before?.calls.keys() ?? [])].flatMap((id) => results.get(id) ?? []);
  // All results first: media that had to stand beside them follow.
  const responses = ordered.filter((part) => part.functionResponse !== undefined);
  return { role: "user", parts: [...responses, ...ordered.filter((part) => part.functionResponse === undefined)] };
}
