import { type ChatMessage, type Part, Role } from "../../../gen/trunkline/v1/message_pb.ts";
import { chatMessage, textPart } from "../../domain/blank.ts";
import type { JsonObject } from "../json-body.ts";
import { invalid, isSet, Place, toArray, toObject, toText } from "../json-read.ts";
import type { JsonSlice } from "../json-slice.ts";
import { attachProof } from "../wrapped-parts.ts";
import { parseItem } from "./parse-items.ts";
import type { ResponsesDraft } from "./responses-draft.ts";

const maxItems = 10_000;

/**
 * Reads `instructions` and `input` into the request's messages. What the model said between two items of the caller's is
 * one message, whatever the number of its items (edge case 138); every other item is a message of its own.
 * @returns how many messages stand before the first item
 */
export function parseInput({ instructions, input }: JsonObject, draft: ResponsesDraft): number {
  const { request, origins } = draft;
  const add = (message: ChatMessage, origin: readonly number[]) => {
    request.messages.push(message);
    origins.push([...origin]);
  };
  if (isSet(instructions)) {
    const text = toText(instructions, Place.root.at("instructions", "messages").at("", 0).at("", "parts"));
    if (text !== "") add(chatMessage(Role.SYSTEM, [textPart(text)]), []);
  }
  const before = request.messages.length;
  const place = Place.root.at("input", "messages");
  if (typeof input === "string") add(chatMessage(Role.USER, [textPart(toText(input, place))]), []);
  else readItems(input, place, draft);
  if (request.messages.length === before) throw invalid(place, "must have at least one item.");
  return before;
}

function readItems(input: unknown, place: Place, draft: ResponsesDraft): void {
  if (!Array.isArray(input)) throw invalid(place, "must be a text, or an array of items.");
  const { request, origins, inherited } = draft;
  const items = toArray(input, place, maxItems);
  const json: JsonSlice | undefined = draft.json.member("input");
  for (const [i, entry] of items.entries()) {
    const last = request.messages.at(-1);
    const turn = last?.role === Role.ASSISTANT ? last : null;
    // Positions are the caller's own: it has not seen what an earlier response put before them.
    const own = i - inherited;
    const at = placeOf(place, own, request.messages.length - (turn === null ? 0 : 1));
    const item = toObject(entry, at);
    const { role, parts } = parseItem(
      item,
      at,
      { json: json?.element(i), partsBefore: turn?.parts.length ?? 0 },
      draft,
    );
    if (role === Role.ASSISTANT && turn) join(turn.parts, parts, origins.at(-1), own);
    else if (role === Role.ASSISTANT) {
      const message = chatMessage(role, []);
      const origin: number[] = [];
      join(message.parts, parts, origin, own);
      if (message.parts.length === 0) continue;
      request.messages.push(message);
      origins.push(origin);
    } else {
      request.messages.push(chatMessage(role, parts));
      origins.push(parts.map(() => own));
    }
  }
}

function placeOf(place: Place, own: number, message: number): Place {
  return own >= 0 ? place.at(own, message) : Place.root.at("previous_response_id", "messages").at("", message);
}

function join(parts: Part[], more: readonly Part[], origin: number[] | undefined, item: number): void {
  for (const part of more) {
    // What proves a part may travel beside it.
    if (part.kind.case === undefined) attachProof(part, parts);
    else {
      parts.push(part);
      origin?.push(item);
    }
  }
}
