import { skipSpace } from "../json-scan.ts";
import { JsonSlice } from "../json-slice.ts";
import { type JsonMembers, RawJson } from "../json-text.ts";

/** A member of an event's data, as it was written; null where there is none. */
export function eventData(text: string, member: string): string | null {
  const start = text.indexOf("data: ");
  if (start === -1) return null;
  const json = text
    .slice(start + "data: ".length)
    .replaceAll("\ndata: ", "\n")
    .trimEnd();
  const slice = new JsonSlice(json, { start: skipSpace(json, 0), end: json.length });
  return slice.member(member)?.text ?? null;
}

/** The number of an event: inside of strings its quotes would be escaped. */
const numberPattern = /(?<!\\)"sequence_number":(\s*)(\d+)/;

/** An event under another number, where its own is not that already: events of ours may stand before it. */
export function renumbered(text: string, sequence: number): string {
  const found = numberPattern.exec(text);
  if (found === null || found[2] === String(sequence)) return text;
  const { index } = found;
  return `${text.slice(0, index)}"sequence_number":${sequence}${text.slice(index + found[0].length)}`;
}

const previousPattern = /(?<!\\)"previous_response_id":(\s*)null/;

/**
 * A provider's own response, or an event that holds one, with the name of the response that the caller went on from: the
 * gateway keeps that one, so that the provider knows nothing of it.
 */
export function withPrevious(text: string, echo: JsonMembers): string {
  const { previous_response_id: previous } = echo;
  if (!(previous instanceof RawJson)) return text;
  return text.replace(previousPattern, () => `"previous_response_id":${previous.text}`);
}

/** Whether an event opens a message, or an entry of one, that is still empty. */
export function isAnnouncement(text: string): boolean {
  if (text.startsWith("event: response.content_part.added\n")) return true;
  if (!text.startsWith("event: response.output_item.added\n")) return false;
  return /"type":\s*"message"/.test(eventData(text, "item") ?? "");
}
