import type { ChatRequest } from "../../../gen/trunkline/v1/chat_pb.ts";

/** Names that a provider may not know as they are, and what it knows them as. */
export interface Names {
  /** The legal name; the same for the same original every time. */
  toWire(original: string): string;
  /** Legal names → originals, where they differ. */
  readonly back: ReadonlyMap<string, string>;
}

/** Messages takes tool names and call ids of these characters only, up to this length. */
const illegal = /[^a-zA-Z0-9_-]/g;
const maxLength = 128;

/** Maps the names of all tools of a request, also of those that only its history knows. */
export function createToolNames(request: ChatRequest): Names {
  const names: string[] = [];
  for (const { kind } of request.tools) {
    if (kind.case === "function" || kind.case === "custom") names.push(kind.value.name);
  }
  for (const call of toolCalls(request)) names.push(call.name);
  return createNames(names);
}

/** Maps the ids of all calls in a request's history: other providers make ids that Messages refuses. */
export function createCallIds(request: ChatRequest): Names {
  return createNames([...toolCalls(request)].map((call) => call.id));
}

function* toolCalls(request: ChatRequest) {
  for (const { parts } of request.messages) {
    for (const { kind } of parts) if (kind.case === "toolCall") yield kind.value;
  }
}

/**
 * Legal names keep themselves; the others are cleaned and numbered until they are unique, in the order given, so that
 * two that become alike stay distinct.
 */
function createNames(originals: readonly string[]): Names {
  const wire = new Map<string, string>();
  const back = new Map<string, string>();
  const taken = new Set<string>();
  const isLegal = (name: string) => name !== "" && name.length <= maxLength && name.search(illegal) === -1;

  for (const name of originals) {
    if (!isLegal(name)) continue;
    wire.set(name, name);
    taken.add(name);
  }

  function toWire(original: string): string {
    const known = wire.get(original);
    if (known !== undefined) return known;
    const clean = original.replace(illegal, "_").slice(0, maxLength) || "_";
    let name = clean;
    for (let number = 2; taken.has(name); number++) {
      const suffix = `_${number}`;
      name = clean.slice(0, maxLength - suffix.length) + suffix;
    }
    taken.add(name);
    wire.set(original, name);
    if (name !== original) back.set(name, original);
    return name;
  }

  for (const name of originals) toWire(name);
  return { toWire, back };
}
