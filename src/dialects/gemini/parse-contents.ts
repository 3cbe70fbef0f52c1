import { type ChatMessage, type Part, Role } from "../../../gen/trunkline/v1/message_pb.ts";
import { chatMessage } from "../../domain/blank.ts";
import { invalid, Place, toChoice } from "../json-read.ts";
import type { Origins, Parsing } from "./gemini-parsing.ts";
import { parsePart, type Speaker } from "./parse-parts.ts";
import { type Element, ProtoObject } from "./proto-object.ts";

/** The messages of a request, and where each of their parts stands in it. */
export interface Conversation {
  readonly messages: ChatMessage[];
  readonly origins: Origins;
}

interface Growing {
  readonly message: ChatMessage;
  readonly origins: string[];
}

const maxContents = 10_000;
const maxParts = 1_000;

/**
 * Reads `systemInstruction` and `contents`. SDKs keep each piece of a streamed answer as a content of its own: contents of
 * the model that follow each other are one message, and pieces of one text one part.
 */
export function parseConversation(root: ProtoObject, parsing: Parsing): Conversation {
  const turns: Growing[] = [];
  const instruction = root.object("systemInstruction", "messages");
  if (instruction) addInstruction(turns, instruction, parsing);
  const contents = root.list("contents", "messages", maxContents) ?? [];
  if (contents.length === 0) {
    throw invalid(root.at("contents", "messages"), "is required: an array of at least one content.");
  }
  for (const element of contents) addContent(turns, element, parsing);
  return { messages: turns.map(({ message }) => message), origins: turns.map(({ origins }) => origins) };
}

/** Where a part stands: in the caller's words as it is, in the contract by the message that it comes to be in. */
function placeOf(param: string, turns: readonly Growing[]): Place {
  const parts = turns.at(-1)?.message.parts.length ?? 0;
  return Place.root.at(param, `messages[${turns.length - 1}].parts[${parts}]`);
}

function addInstruction(turns: Growing[], instruction: ProtoObject, parsing: Parsing): void {
  instruction.get("role");
  const turn = open(turns, Role.SYSTEM);
  for (const element of instruction.list("parts", "", maxParts) ?? []) {
    const { param } = element.place;
    const { part } = parsePart(new ProtoObject(element.value, placeOf(param, turns), element.json), "user", parsing);
    if (part.kind.case !== "text") throw invalid(element.place, "must be text: instructions may hold nothing else.");
    push(turn, part, param);
  }
  instruction.noteRest(parsing);
  const isEmpty = turn.message.parts.every(({ kind }) => kind.case === "text" && kind.value === "");
  if (isEmpty) turns.pop();
}

/** `function` is the user's older word for results; a content without a role is the user's. */
const roles = ["user", "model", "function", "tool"] as const;

function addContent(turns: Growing[], element: Element, parsing: Parsing): void {
  const content = new ProtoObject(element.value, element.place, element.json);
  const said = content.get("role");
  const role = said === undefined || said === "" ? "user" : toChoice(said, content.at("role", "role"), roles);
  const speaker: Speaker = role === "model" ? "model" : "user";
  const parts = content.list("parts", "parts", maxParts) ?? [];
  content.noteRest(parsing);
  // An answer without a word may come back as it went out.
  if (parts.length === 0 && speaker === "model") return;
  if (parts.length === 0) throw invalid(content.at("parts", "parts"), "must have at least one part.");
  const last = turns.at(-1);
  const goesOn = speaker === "model" && last?.message.role === Role.ASSISTANT;
  const turn = goesOn ? last : open(turns, speaker === "model" ? Role.ASSISTANT : Role.USER);
  parts.forEach((one, i) => {
    const { param } = one.place;
    const read = parsePart(new ProtoObject(one.value, placeOf(param, turns), one.json), speaker, parsing);
    if (read.closes && close(turn.message.parts.at(-1), read.part)) return;
    // The last event of a stream says nothing.
    if (speaker === "model" && isNothing(read.part)) return;
    // What stood in one content was said as two parts; what comes in a further one is a further piece.
    if (
      speaker === "model" &&
      (i === 0 || read.part.kind.case === "reasoning") &&
      goOn(turn.message.parts.at(-1), read.part)
    ) {
      return;
    }
    push(turn, read.part, param);
  });
}

function open(turns: Growing[], role: Role): Growing {
  const turn = { message: chatMessage(role, []), origins: [] };
  turns.push(turn);
  return turn;
}

function push({ message, origins }: Growing, part: Part, param: string): void {
  message.parts.push(part);
  origins.push(param);
}

function isNothing({ kind, proof }: Part): boolean {
  return kind.case === "text" && kind.value === "" && !proof;
}

/** Gives a part the proof that came behind it. */
function close(last: Part | undefined, { kind, proof }: Part): boolean {
  if (last === undefined || last.proof || last.kind.case !== kind.case || !proof) return false;
  if (last.kind.case === "reasoning" && kind.case === "reasoning") {
    if (last.kind.value.redacted) return false;
    last.kind.value.summary = kind.value.summary;
    if (kind.value.summary.length > 0) last.kind.value.text = "";
  }
  last.proof = proof;
  return true;
}

/** Whether a piece went into the part that it goes on with. */
function goOn(last: Part | undefined, { kind, proof }: Part): boolean {
  if (last === undefined || last.proof || proof) return false;
  if (last.kind.case === "text" && kind.case === "text") last.kind.value += kind.value;
  else if (last.kind.case === "reasoning" && kind.case === "reasoning" && !last.kind.value.redacted) {
    last.kind.value.text += kind.value.text;
  } else return false;
  return true;
}
