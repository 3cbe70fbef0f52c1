import { Secret } from "../domain/secret.ts";

/** Most characters that the fields of one line may have together. */
const maxLineChars = 16_384;
/** Most characters of one text: a stack fits, a request body does not. */
const maxTextChars = 2_048;
/** Most entries of one list or object. */
const maxEntries = 50;
/** How deep fields may nest, and how many causes of an error are followed. */
const maxDepth = 5;

/** Fields whose name says that they hold a credential. Secrets have a type; this is the net below it. */
const secretName =
  /^(authorization|proxy-authorization|x-api-key|api[-_]?key|master[-_]?key|cookie|set-cookie|password|secret|token)$/i;

/** What a terminal or an editor obeys although JSON leaves it alone: C1 controls, line separators, bidi overrides. */
const obeyed = /[\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/**
 * Prepares fields for one log line: plain JSON values, bounded in depth and size, without secrets and without characters
 * that could forge a line or steer a terminal. Whatever is cut ends in `…`.
 */
export function tidyFields(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return tidyObject(fields, { left: maxLineChars }, 0);
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

function tidy(value: unknown, room: Room, depth: number): unknown {
  switch (typeof value) {
    case "string":
      return spend(value, room);
    case "bigint":
      return value.toString();
    case "number":
      return Number.isFinite(value) ? value : String(value);
    case "boolean":
    case "undefined":
      return value;
    case "object":
      return value === null ? null : tidyReference(value, room, depth);
    default:
      return `[${typeof value}]`;
  }
}

function tidyReference(value: object, room: Room, depth: number): unknown {
  if (value instanceof Secret) return "[secret]";
  if (depth >= maxDepth) return "…";
  if (value instanceof Error) return tidyError(value, room, depth);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "invalid date" : value.toISOString();
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (value instanceof Map) return tidyObject(Object.fromEntries(value), room, depth);
  if (Array.isArray(value) || value instanceof Set) {
    const list = [...value].slice(0, maxEntries).map((entry) => tidy(entry, room, depth + 1));
    const size = Array.isArray(value) ? value.length : value.size;
    return size > maxEntries ? [...list, "…"] : list;
  }
  return tidyObject(value, room, depth);
}

function tidyObject(value: object, room: Room, depth: number): Record<string, unknown> {
  const tidied: Record<string, unknown> = {};
  let count = 0;
  for (const [name, entry] of Object.entries(value)) {
    if (count++ >= maxEntries || room.left <= 0) {
      tidied["…"] = "…";
      break;
    }
    tidied[spend(name, room, 128)] = secretName.test(name) && entry != null ? "[secret]" : tidy(entry, room, depth + 1);
  }
  return tidied;
}

/** Name, code, message, facts, stack and cause; nothing else that libraries hang on their errors (requests, headers). */
function tidyError(error: Error, room: Room, depth: number): Record<string, unknown> {
  const tidied: Record<string, unknown> = { type: error.name, message: spend(withoutSnippet(error.message), room) };
  if ("code" in error && (typeof error.code === "string" || typeof error.code === "number")) tidied.code = error.code;
  if ("detail" in error) tidied.detail = tidy(error.detail, room, depth + 1);
  if (error.cause !== undefined) tidied.cause = tidy(error.cause, room, depth + 1);
  if (error instanceof AggregateError) tidied.errors = tidy(error.errors, room, depth + 1);
  // The first line repeats the message; the frames are what the stack adds.
  const frames = error.stack?.split("\n").filter((line) => /^\s+at /.test(line));
  if (frames && frames.length > 0) tidied.stack = spend(frames.map((line) => line.trim()).join("\n"), room);
  return tidied;
}

/** V8 quotes the text that JSON.parse could not read, which may be a prompt. */
function withoutSnippet(message: string): string {
  return message.replace(/,? ?(\.\.\.)?".*"(\.\.\.)? is not valid JSON$/s, " is not valid JSON");
}

function spend(text: string, room: Room, maxChars = maxTextChars): string {
  const tidied = tidyText(text, Math.max(0, Math.min(maxChars, room.left)));
  room.left -= tidied.length;
  return tidied;
}
