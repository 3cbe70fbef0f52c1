import type { SourceBody, Span } from "../../domain/chat.ts";
import { scanJson } from "../json-scan.ts";

/**
 * The caller's own body for another model: everything but `model` and, for streams, `stream_options.include_usage` stays
 * as it was written, byte for byte. Usage is always asked for; the edge withholds it from who did not ask.
 */
export function patchChatRequest({ text, members }: SourceBody, model: string, stream: boolean): string {
  const edits: Edit[] = [];
  const modelSpan = members.get("model");
  if (modelSpan) edits.push({ ...modelSpan, text: JSON.stringify(model) });
  if (stream) edits.push(usageEdit(text, members.get("stream_options")));
  edits.sort((a, b) => a.start - b.start);

  let patched = "";
  let at = 0;
  for (const edit of edits) {
    patched += text.slice(at, edit.start) + edit.text;
    at = edit.end;
  }
  return patched + text.slice(at);
}

interface Edit extends Span {
  readonly text: string;
}

function usageEdit(text: string, options: Span | undefined): Edit {
  if (!options) {
    // The body is an object with members, as it names a model: a member more fits before its end.
    const end = text.lastIndexOf("}");
    return { start: end, end, text: ',"stream_options":{"include_usage":true}' };
  }
  const own = text.slice(options.start, options.end);
  if (own === "null") return { ...options, text: '{"include_usage":true}' };
  const { members } = scanJson(own);
  const asked = members.get("include_usage");
  if (asked) return { start: options.start + asked.start, end: options.start + asked.end, text: "true" };
  const member = members.size === 0 ? '"include_usage":true' : '"include_usage":true,';
  return { start: options.start + 1, end: options.start + 1, text: member };
}
