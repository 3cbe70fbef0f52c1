import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { type Part, PartSchema } from "../../gen/trunkline/v1/message_pb.ts";

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
