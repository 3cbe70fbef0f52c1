import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { type Part, PartSchema, type Proof } from "../../gen/trunkline/v1/message_pb.ts";
import { partOf } from "../domain/blank.ts";
import { invalid, type Place } from "./json-read.ts";

/** The octets of a part that travels through a client which does not know the contract, in a place it sends back unread. */
export function toOctets(part: Part): Uint8Array {
  return toBinary(PartSchema, part);
}

/**
 * The part that `toOctets` was given. It comes from the caller like the rest of the request, so that nothing in it is
 * trusted more.
 * @returns null for what is broken, holds nothing, or is of a kind that never travels so
 */
export function fromOctets(octets: Uint8Array): Part | null {
  const part = decoded(octets);
  return part === null || !travelling.has(part.kind.case) || isDeep(part, maxDepth) ? null : part;
}

const travelling: ReadonlySet<Part["kind"]["case"]> = new Set<Part["kind"]["case"]>([
  undefined,
  "reasoning",
  "hostedCall",
  "hostedResult",
  "opaque",
]);

function decoded(octets: Uint8Array): Part | null {
  try {
    // Its own memory: what is read out of it stays a view.
    const part = fromBinary(PartSchema, new Uint8Array(octets));
    return part.kind.case === undefined && !part.proof ? null : part;
  } catch {
    return null; // Broken octets, or nested so deep that reading them had no stack left.
  }
}

/** Results of hosted tools hold search results, which hold text. */
const maxDepth = 4;

function isDeep({ kind }: Part, most: number): boolean {
  if (most === 0) return true;
  const inner =
    kind.case === "hostedResult" || kind.case === "searchResult" || kind.case === "toolResult" ? kind.value.parts : [];
  return inner.some((part) => isDeep(part, most - 1));
}

/**
 * Some formats have a place whose text clients send back unread: a signature, encrypted reasoning. What a provider of
 * another format wants back stands there as a part behind this mark, so that it survives a client that knows its own
 * format only.
 */
const mark = "trunkline:";

/** More than a proof of the largest size takes. Characters. */
const maxWrappedChars = 6 * 1024 * 1024;

/** What a part of another kind proves, to travel beside it: for a tool call by its id, else for the part before. */
export function proofCarrier(proof: Proof, callId: string): Part {
  return { ...partOf({ case: undefined }), proof, id: callId };
}

/** A part as text that no client reads. */
export function wrapPart(part: Part): string {
  return mark + Buffer.from(toOctets(part)).toString("base64url");
}

/**
 * The part that `wrapPart` was given; null for text of another origin.
 * @throws GatewayError `invalid_value` when it was changed on the way
 */
export function unwrapPart(text: string, place: Place): Part | null {
  if (!text.startsWith(mark)) return null;
  const isLong = text.length > maxWrappedChars;
  const part = isLong ? null : fromOctets(Buffer.from(text.slice(mark.length), "base64url"));
  if (part === null) throw invalid(place, "must be sent back as it was received.");
  return part;
}

/** Whether a JSON text may hold a wrapped part: a string that begins with the mark. */
export function hasWrapped(json: Uint8Array): boolean {
  return Buffer.from(json.buffer, json.byteOffset, json.byteLength).includes(`"${mark}`);
}

/** A proof that travelled beside its part goes back to it. Nobody misses one whose part the caller left out. */
export function attachProof({ proof, id }: Part, parts: readonly Part[]): void {
  const proven = id === "" ? parts.at(-1) : parts.find(({ kind }) => kind.case === "toolCall" && kind.value.id === id);
  if (proven && proof) proven.proof = proof;
}
