import { clone, create } from "@bufbuild/protobuf";
import type { ChatResponse, Choice } from "../../gen/trunkline/v1/chat_pb.ts";
import { MediaSchema, type Part, PartSchema, Role } from "../../gen/trunkline/v1/message_pb.ts";
import type { Completed, Finished, PartFinished, Started } from "../../gen/trunkline/v1/stream_pb.ts";
import { blankChatResponse, blankChoice, chatMessage, partOf } from "./blank.ts";
import type { Dialect, Frame, Wire } from "./chat.ts";
import { GatewayError } from "./errors.ts";

/** Collects the frames of one answer into the unary answer. */
export interface Fold {
  push(frames: readonly Frame[]): void;
  /** @throws GatewayError `upstream_cut` when `completed` has not come: half an answer is never given as a whole one */
  response(requestId: string): ChatResponse;
  /**
   * The provider's whole body, when it spoke this dialect and no stage changed a thing; else null.
   * @throws GatewayError `upstream_cut` as response does
   */
  whole(dialect: Dialect): string | null;
}

/** The unary answer is the fold of the events: contract "StreamChatResponse", in the order of the parts' numbers. */
export function createFold(): Fold {
  // Folded when it is asked for: a body that goes on as it came needs none.
  const batches: (readonly Frame[])[] = [];
  let completed = false;
  let wire: Wire | null = null;
  let wired = 0;
  let made = 0;

  function push(frames: readonly Frame[]): void {
    for (const frame of frames) {
      if (frame.wire?.whole) {
        wire ??= frame.wire;
        if (frame.wire === wire) wired++;
      } else if (frame.case !== "notice") made++; // A notice tells of the request; it does not change the answer's body.
      if (frame.case === "completed") completed = true;
    }
    batches.push(frames);
  }
  function mustBeComplete(): void {
    if (!completed) throw new GatewayError("upstream_cut", "The provider's answer ended before it was complete.");
  }

  return {
    push,
    response(requestId) {
      mustBeComplete();
      const answer = blankChatResponse();
      answer.requestId = requestId;
      for (const frames of batches) for (const frame of frames) fold(answer, frame);
      return answer;
    },
    whole(dialect) {
      mustBeComplete();
      return wire?.dialect === dialect && wired === wire.frames && made === 0 ? wire.text : null;
    },
  };
}

/** The events that fold back into this answer, in an order that the contract allows. */
export function unfold(response: ChatResponse): readonly Frame[] {
  const { id, model, usage, serviceTier, moderation, providerData } = response;
  const frames: Frame[] = [];
  const started: Started = { $typeName: "trunkline.v1.Started", id, model };
  if (response.created) started.created = response.created;
  if (response.servedBy) started.servedBy = response.servedBy;
  frames.push({ case: "started", value: started, choice: 0, part: 0 });
  for (const notice of response.notices) frames.push({ case: "notice", value: notice, choice: 0, part: 0 });
  for (const choice of response.choices) frames.push(...unfoldChoice(choice));
  const end: Completed = { $typeName: "trunkline.v1.Completed", serviceTier, moderation, providerData };
  if (usage) end.usage = usage;
  if (response.servedBy) end.servedBy = response.servedBy;
  frames.push({ case: "completed", value: end, choice: 0, part: 0 });
  return frames;
}

function fold(answer: ChatResponse, frame: Frame): void {
  switch (frame.case) {
    case "started":
      return foldStarted(answer, frame.value);
    case "completed":
      return foldCompleted(answer, frame.value);
    case "usage":
      answer.usage = frame.value;
      return;
    case "notice":
      answer.notices.push(frame.value);
      return;
    case "moderation":
      answer.moderation.push(frame.value);
      return;
    case "heartbeat":
      return;
    case "finished":
      return foldFinished(choiceAt(answer, frame.choice), frame.value);
    default:
      return foldPart(choiceAt(answer, frame.choice), frame);
  }
}

type PartFrame = Exclude<
  Frame,
  { case: "started" | "completed" | "usage" | "notice" | "moderation" | "heartbeat" | "finished" }
>;

function foldPart(choice: Choice, frame: PartFrame): void {
  if (frame.logprobs) choice.logprobs.push(...frame.logprobs);
  const part = partAt(choice, frame.part);
  switch (frame.case) {
    case "textDelta":
      part.kind = { case: "text", value: (part.kind.case === "text" ? part.kind.value : "") + frame.value };
      return;
    case "reasoningDelta":
      if (part.kind.case === "reasoning") part.kind.value.text += frame.value;
      return;
    case "refusalDelta":
      if (part.kind.case === "refusal") part.kind.value.text += frame.value;
      return;
    case "argumentsDelta":
      if (part.kind.case === "toolCall") part.kind.value.arguments += frame.value;
      return;
    case "transcriptDelta":
      if (part.kind.case === "audio") part.kind.value.transcript = (part.kind.value.transcript ?? "") + frame.value;
      return;
    case "mediaDelta":
      return foldMedia(part, frame.value);
    case "annotation":
      part.annotations.push(frame.value);
      return;
    case "partStarted":
      if (frame.value.part) Object.assign(part, clone(PartSchema, frame.value.part));
      return;
    case "partFinished":
      return foldPartFinished(part, frame.value);
  }
}

/** Room is doubled when it runs out: a picture in ten thousand pieces is not copied ten thousand times. */
function foldMedia(part: Part, bytes: Uint8Array): void {
  if (part.kind.case !== "image" && part.kind.case !== "audio" && part.kind.case !== "video") return;
  const holder = part.kind.value;
  holder.media ??= create(MediaSchema);
  const before = holder.media.source.case === "data" ? holder.media.source.value : new Uint8Array(0);
  holder.media.source = { case: "data", value: appended(before, bytes) };
}

/** The bytes that follow in the memory behind `before` are its own, where it was made here. */
function appended(before: Uint8Array, bytes: Uint8Array): Uint8Array {
  const length = before.length + bytes.length;
  const room = rooms.get(before.buffer) === before.length ? before.buffer : null;
  if (room !== null && room.byteLength >= length) {
    const joined = new Uint8Array(room, 0, length);
    joined.set(bytes, before.length);
    rooms.set(room, length);
    return joined;
  }
  // Most come in one piece.
  const grown = new Uint8Array(new ArrayBuffer(before.length === 0 ? length : length * 2), 0, length);
  grown.set(before);
  grown.set(bytes, before.length);
  rooms.set(grown.buffer, length);
  return grown;
}

/** Memory that was made by `appended`, and how much of it is used. */
const rooms = new WeakMap<ArrayBufferLike, number>();

function foldPartFinished(part: Part, end: PartFinished): void {
  if (end.proof) part.proof = end.proof;
  if (end.status !== "") part.status = end.status;
  if (part.kind.case !== "audio" && part.kind.case !== "image") return;
  if (end.mediaType !== "" && part.kind.value.media) part.kind.value.media.mediaType = end.mediaType;
  if (end.expiresAt && part.kind.case === "audio") part.kind.value.expiresAt = end.expiresAt;
}

function foldStarted(answer: ChatResponse, started: Started): void {
  answer.id = started.id;
  answer.model = started.model;
  if (started.created) answer.created = started.created;
  if (started.servedBy) answer.servedBy = started.servedBy;
}

function foldCompleted(answer: ChatResponse, end: Completed): void {
  if (end.usage) answer.usage = end.usage;
  if (end.servedBy) answer.servedBy = end.servedBy;
  answer.serviceTier = end.serviceTier;
  // `completed` repeats what came as events; it is the final word, so it replaces.
  if (end.moderation.length > 0) answer.moderation = end.moderation;
  answer.providerData = end.providerData;
}

function foldFinished(choice: Choice, end: Finished): void {
  choice.finishReason = end.reason;
  choice.nativeFinishReason = end.native;
  choice.finishMessage = end.message;
  choice.safetyRatings = end.safetyRatings;
  if (end.stopSequence !== undefined) choice.stopSequence = end.stopSequence;
}

function choiceAt(answer: ChatResponse, index: number): Choice {
  let choice = answer.choices.find((known) => known.index === index);
  if (choice) return choice;
  choice = blankChoice(index);
  answer.choices.push(choice);
  answer.choices.sort((a, b) => a.index - b.index);
  return choice;
}

function partAt(choice: Choice, number: number): Part {
  choice.message ??= chatMessage(Role.ASSISTANT, []);
  const { parts } = choice.message;
  while (parts.length <= number) parts.push(partOf({ case: undefined }));
  // The loop above made the place.
  return parts[number] as Part;
}

function unfoldChoice(choice: Choice): Frame[] {
  const at = choice.index;
  const frames: Frame[] = [];
  let { logprobs } = choice;
  choice.message?.parts.forEach((part, number) => {
    const place = { choice: at, part: number };
    if (part.kind.case === "text") {
      // Log probabilities belong to the output text; they travel with its first delta.
      const extra = logprobs.length > 0 ? { logprobs } : {};
      logprobs = [];
      if (part.kind.value !== "") frames.push({ case: "textDelta", value: part.kind.value, ...place, ...extra });
    } else {
      frames.push({ case: "partStarted", value: { $typeName: "trunkline.v1.PartStarted", part }, ...place });
    }
    if (part.kind.case !== "text") return;
    for (const annotation of part.annotations) frames.push({ case: "annotation", value: annotation, ...place });
    if (part.proof) frames.push({ case: "partFinished", value: partFinished(part), ...place });
  });
  const finished: Finished = {
    $typeName: "trunkline.v1.Finished",
    reason: choice.finishReason,
    native: choice.nativeFinishReason,
    message: choice.finishMessage,
    safetyRatings: choice.safetyRatings,
  };
  if (choice.stopSequence !== undefined) finished.stopSequence = choice.stopSequence;
  frames.push({ case: "finished", value: finished, choice: at, part: 0 });
  return frames;
}

function partFinished(part: Part): PartFinished {
  const end: PartFinished = { $typeName: "trunkline.v1.PartFinished", status: part.status, mediaType: "" };
  if (part.proof) end.proof = part.proof;
  return end;
}
