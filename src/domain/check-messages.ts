import {
  type AudioPart,
  type ChatMessage,
  type FilePart,
  type HostedCall,
  type Media,
  type OpaquePart,
  type Part,
  type Proof,
  Role,
  type ToolCall,
  ToolCallKind,
} from "../../gen/trunkline/v1/message_pb.ts";
import { above, each, hasBytes, hasChars, isBetween, isGiven, isOneOf, type Range, refuse, within } from "./bounds.ts";
import { cacheLifetime, isJson, maxDescriptionBytes, word } from "./check-settings.ts";

const maxParts: Range = [0, 1_000];
const callId: Range = [1, 256];

/** Bounds of one message. */
export function checkMessage({ role, parts, name, phase }: ChatMessage): void {
  isOneOf("role", role, roles);
  each("parts", parts, maxParts, checkPart);
  hasChars("name", name, [1, 256]);
  hasChars("phase", phase, word);
  for (const [i, { kind }] of parts.entries()) {
    if (kind.case === "toolResult" && role !== Role.TOOL && role !== Role.USER) {
      refuse(`parts[${i}].tool_result`, "must stand in a message of role TOOL or USER.");
    }
    if (kind.case === "toolCall" && role !== Role.ASSISTANT) {
      refuse(`parts[${i}].tool_call`, "must stand in a message of role ASSISTANT.");
    }
  }
}

const roles = {
  [Role.SYSTEM]: "SYSTEM",
  [Role.DEVELOPER]: "DEVELOPER",
  [Role.USER]: "USER",
  [Role.ASSISTANT]: "ASSISTANT",
  [Role.TOOL]: "TOOL",
};

const kinds =
  "text, reasoning, refusal, image, audio, video, file, tool_call, tool_result, hosted_call, hosted_result, " +
  "search_result, opaque";

/** Bounds of one part, and of the parts inside it. */
export function checkPart(part: Part): void {
  isGiven("kind", part.kind, kinds);
  checkKind(part);
  within("cache", part.cache, ({ ttl }) => isBetween("ttl", ttl, cacheLifetime));
  within("proof", part.proof, checkProof);
  if (part.annotations.length > 0) each("annotations", part.annotations, [0, 10_000], () => {});
  hasChars("id", part.id, [0, 512]);
  hasChars("status", part.status, [0, 64]);
}

function checkKind({ kind }: Part): void {
  switch (kind.case) {
    case "reasoning":
      return within("reasoning", kind.value, ({ summary }) => each("summary", summary, maxParts, () => {}));
    case "image":
      return within("image", kind.value, ({ media, detail }) => {
        needsMedia(media);
        hasChars("detail", detail, word);
      });
    case "audio":
      return within("audio", kind.value, checkAudio);
    case "video":
      return within("video", kind.value, ({ media, fps }) => {
        needsMedia(media);
        above("fps", fps, [0, 240]);
      });
    case "file":
      return within("file", kind.value, checkFile);
    case "toolCall":
      return within("tool_call", kind.value, checkToolCall);
    case "toolResult":
      return within("tool_result", kind.value, (result) => {
        hasChars("call_id", result.callId, callId);
        hasChars("name", result.name, [0, 256]);
        each("parts", result.parts, maxParts, checkPart);
      });
    case "hostedCall":
      return within("hosted_call", kind.value, checkHostedCall);
    case "hostedResult":
      return within("hosted_result", kind.value, (result) => {
        hasChars("call_id", result.callId, [0, 512]);
        hasChars("type", result.type, [0, 128]);
        each("parts", result.parts, maxParts, checkPart);
      });
    case "searchResult":
      return within("search_result", kind.value, ({ uri, title, source, parts }) => {
        hasBytes("uri", uri, 8_192);
        hasChars("title", title, [0, 1_024]);
        hasBytes("source", source, 8_192);
        each("parts", parts, maxParts, checkPart);
      });
    case "opaque":
      return within("opaque", kind.value, checkOpaque);
    default: // Text and refusals have no bounds of their own.
      return;
  }
}

function checkAudio({ media, id }: AudioPart): void {
  within("media", media, checkMedia);
  hasChars("id", id, [1, 512]);
}

function checkFile({ media, title, context }: FilePart): void {
  needsMedia(media);
  hasChars("title", title, [0, 1_024]);
  hasBytes("context", context, maxDescriptionBytes);
}

function needsMedia(media: Media | undefined): void {
  if (media === undefined) refuse("media", "is required.");
  within("media", media, checkMedia);
}

function checkMedia({ source, mediaType, name }: Media): void {
  isGiven("source", source, "data, uri, file_id");
  if (source.case === "uri") {
    if (source.value === "") refuse("uri", "must not be empty.");
    hasBytes("uri", source.value, 8_192);
  }
  if (source.case === "fileId") hasChars("file_id", source.value, [1, 512]);
  hasChars("media_type", mediaType, [0, 255]);
  hasChars("name", name, [0, 1_024]);
}

function checkToolCall({ id, name, kind, callerJson, toolset }: ToolCall): void {
  hasChars("id", id, callId);
  hasChars("name", name, [1, 256]);
  isOneOf("kind", kind, callKinds);
  hasBytes("caller_json", callerJson, 65_536);
  hasChars("toolset", toolset, [0, 256]);
}

const callKinds = {
  [ToolCallKind.UNSPECIFIED]: "UNSPECIFIED",
  [ToolCallKind.FUNCTION]: "FUNCTION",
  [ToolCallKind.CUSTOM]: "CUSTOM",
};

function checkHostedCall({ id, type, name, status }: HostedCall): void {
  hasChars("id", id, [0, 512]);
  hasChars("type", type, [0, 128]);
  hasChars("name", name, [0, 256]);
  hasChars("status", status, [0, 64]);
}

function checkOpaque({ provider, type, content }: OpaquePart): void {
  hasChars("provider", provider, word);
  hasChars("type", type, [0, 128]);
  isGiven("content", content, "json, data");
}

function checkProof({ issuer, format, data, id }: Proof): void {
  hasChars("issuer", issuer, [1, 256]);
  hasChars("format", format, [0, 64]);
  if (data.length > maxProofBytes) refuse("data", `must have at most ${maxProofBytes} bytes, and has ${data.length}.`);
  hasChars("id", id, [0, 512]);
}

const maxProofBytes = 4_194_304;

/**
 * What the bounds cannot say: a tool result answers a call that was made before it, and JSON text is JSON. The arguments
 * of a call are left as the model wrote them.
 */
export function checkMessageSense(messages: readonly ChatMessage[]): void {
  const calls = new Set<string>();
  each("messages", messages, [0, messages.length], ({ role, parts }) => {
    // An answer without a word may go back as it was received; nobody else has nothing to say.
    if (parts.length === 0 && role !== Role.ASSISTANT) refuse("parts", "must have at least one part.");
    each("parts", parts, maxParts, ({ kind }) => {
      switch (kind.case) {
        case "toolCall":
          calls.add(kind.value.id);
          return isJson("tool_call.caller_json", kind.value.callerJson, "any");
        case "toolResult":
          if (!calls.has(kind.value.callId)) {
            refuse("tool_result.call_id", "must be the id of a tool_call in an earlier message.");
          }
          return;
        case "opaque":
          if (kind.value.content.case === "json") isJson("opaque.json", kind.value.content.value, "any");
          return;
        default:
          return;
      }
    });
  });
}
