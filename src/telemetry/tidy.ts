import type { LogFields } from "../domain/log.ts";
import { Secret } from "../domain/secret.ts";

/** Most characters that the fields of one line may have together. */
const maxLineChars = 16_384;
/** Most characters of one text: a stack fits, a request body does not. */
const maxTextChars = 2_048;
/** Most entries of one list or object. */
const maxEntries = 50;
/** Most characters of a name. */
const maxNameChars = 128;
/** How deep fields may nest, and how many causes of an error are followed. */
const maxDepth = 5;

/** Fields whose name says that they hold a credential. Secrets have a type; this is the net below it. */
const secretName =
  /^(authorization|proxy-authorization|x-api-key|api[-_]?key|master[-_]?key|cookie|set-cookie|password|secret|token)$/i;

/** What a terminal or an editor obeys although JSON leaves it alone: C1 controls, line separators, bidi overrides. */
const obeyed = /[\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** Names that every line has; a field of that name is written with an underscore, so that no JSON key comes twice. */
const ownNames: ReadonlySet<string> = new Set(["time", "level", "message"]);

/**
 * The members of one log line as JSON text, each with a comma before it: bounded in depth and size, without secrets and
 * without characters that could forge a line or steer a terminal. Whatever is cut ends in `…`.
 * @param bound fields that come first, unless `fields` has them
 */
export function tidyMembers(fields: LogFields, bound: LogFields = {}): string {
  for (const name in bound) if (name in fields) return tidyMembers({ ...bound, ...fields });
  const room = { left: maxLineChars };
  return membersOf(bound, room, 0) + membersOf(fields, room, 0);
}

/** What tidyText changes at all: few texts need the passes that it takes. */
const untidy = /[\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]|\b(?:bearer|basic) /i;

/** The same for one text. */
export function tidyText(text: string, maxChars = maxTextChars): string {
  const cut = text.length > maxChars ? `${text.slice(0, maxChars)}…` : text;
  if (!untidy.test(cut)) return cut;
  return cut
    .replace(/\b(bearer|basic) +[^\s,;"']+/gi, "$1 [secret]")
    .replace(obeyed, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Characters that the line has left; shared by all of its values. */
interface Room {
  left: number;
}

/** A value as JSON text; null for what has none, which JSON leaves out of objects. */
function tidy(value: unknown, room: Room, depth: number): string | null {
  switch (typeof value) {
    case "string":
      return quoted(value, room);
    case "bigint":
      return quoted(value.toString(), room);
    case "number":
      return Number.isFinite(value) ? String(value) : `"${value}"`;
    case "boolean":
      return value ? "true" : "false";
    case "undefined":
      return null;
    case "object":
      return value === null ? "null" : tidyReference(value, room, depth);
    default:
      return `"[${typeof value}]"`;
  }
}

function tidyReference(value: object, room: Room, depth: number): string {
  if (value instanceof Secret) return '"[secret]"';
  if (depth >= maxDepth) return '"…"';
  if (value instanceof Error) return tidyError(value, room, depth);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? '"invalid date"' : JSON.stringify(value);
  if (ArrayBuffer.isView(value)) return `"[${value.byteLength} bytes]"`;
  if (value instanceof Map) return tidyObject(Object.fromEntries(value), room, depth);
  if (Array.isArray(value) || value instanceof Set) {
    const list = [...value].slice(0, maxEntries).map((entry) => tidy(entry, room, depth + 1) ?? "null");
    const size = Array.isArray(value) ? value.length : value.size;
    return `[${(size > maxEntries ? [...list, '"…"'] : list).join(",")}]`;
  }
  return tidyObject(value, room, depth);
}

function tidyObject(value: object, room: Room, depth: number): string {
  return `{${membersOf(value, room, depth).slice(1)}}`;
}

function membersOf(value: object, room: Room, depth: number): string {
  let members = "";
  let count = 0;
  for (const name of Object.keys(value)) {
    // Named by the object itself.
    const entry = (value as Readonly<Record<string, unknown>>)[name];
    if (entry === undefined) continue;
    if (count++ >= maxEntries || room.left <= 0) return `${members},"…":"…"`;
    const label = labelOf(depth === 0 && ownNames.has(name) ? `_${name}` : name);
    room.left -= label.chars;
    const text = label.isSecret && entry !== null ? '"[secret]"' : tidy(entry, room, depth + 1);
    if (text !== null) members += `,${label.key}:${text}`;
  }
  return members;
}

/** A member's name, ready to be written. */
interface Label {
  readonly key: string;
  readonly chars: number;
  readonly isSecret: boolean;
}

/** Names are few and come with every line. */
const labels = new Map<string, Label>();
const maxLabels = 500;

function labelOf(name: string): Label {
  const known = labels.get(name);
  if (known) return known;
  const tidied = tidyText(name, maxNameChars);
  const label = { key: JSON.stringify(tidied), chars: tidied.length, isSecret: secretName.test(name) };
  if (labels.size < maxLabels && name.length <= maxNameChars) labels.set(name, label);
  return label;
}

/** Name, code, message, facts, stack and cause; nothing else that libraries hang on their errors (requests, headers). */
function tidyError(error: Error, room: Room, depth: number): string {
  const facts: Record<string, unknown> = { type: error.name, message: withoutSnippet(error.message) };
  if ("code" in error && (typeof error.code === "string" || typeof error.code === "number")) facts.code = error.code;
  if ("detail" in error) facts.detail = error.detail;
  if (error.cause !== undefined) facts.cause = error.cause;
  if (error instanceof AggregateError) facts.errors = error.errors;
  // The first line repeats the message; the frames are what the stack adds.
  const frames = error.stack?.split("\n").filter((line) => /^\s+at /.test(line));
  if (frames && frames.length > 0) facts.stack = frames.map((line) => line.trim()).join("\n");
  return tidyObject(facts, room, depth);
}

/** V8 quotes the text that JSON.parse could not read, which may be a prompt. */
function withoutSnippet(message: string): string {
  return message.replace(/,? ?(\.\.\.)?".*"(\.\.\.)? is not valid JSON$/s, " is not valid JSON");
}

/** Names, ids and the like: nothing to tidy in them, nothing to escape. */
const plain = /^[\w./:;-]{0,64}$/;

function quoted(text: string, room: Room): string {
  if (text.length <= room.left && plain.test(text)) {
    room.left -= text.length;
    return `"${text}"`;
  }
  const tidied = tidyText(text, Math.max(0, Math.min(maxTextChars, room.left)));
  room.left -= tidied.length;
  return JSON.stringify(tidied);
}
