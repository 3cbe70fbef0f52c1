import type { ChatRequest } from "../../../gen/trunkline/v1/chat_pb.ts";
import { type ChatMessage, type Part, Role } from "../../../gen/trunkline/v1/message_pb.ts";
import { type JsonMembers, type JsonTree, RawJson } from "../json-text.ts";
import { isResultMedium } from "./encode-messages.ts";
import { legalCallId } from "./message-rules.ts";
import type { ChatQuirks, MessageRules } from "./quirks.ts";

/**
 * Whether a conversation in the caller's own words is one that the server takes. Where it is not, it is built anew, and
 * with it go members of messages that nobody knows.
 */
export function fitsAsItCame(request: ChatRequest, own: JsonTree | undefined, quirks: ChatQuirks): boolean {
  const { messages, responseFormat } = request;
  const rules = quirks.messages ?? {};
  if (quirks.jsonSchema && responseFormat?.kind.case === "jsonSchema") return false;
  // A list of parts may hold but one text; the contract does not tell the two apart.
  if (rules.plainText && (!(own instanceof RawJson) || /"content"\s*:\s*\[/.test(own.text))) return false;
  const last = messages.at(-1);
  if (rules.prefix && last?.role === Role.ASSISTANT) return false;
  return messages.every((message, i) => {
    if (message.role === Role.DEVELOPER && !quirks.developerRole) return false;
    if (rules.afterTools !== undefined && isUserAfterTool(message, messages[i - 1])) return false;
    if (rules.onlyToolsNamed && message.name !== undefined) return false;
    if (rules.reasoningOnAll && message.role === Role.ASSISTANT && !message.parts.some(isThought)) return false;
    return message.parts.every((part) => partFits(part, rules, quirks));
  });
}

function partFits({ kind, proof, cache }: Part, rules: MessageRules, quirks: ChatQuirks): boolean {
  if (cache && quirks.cacheMarks !== "cache_control") return false;
  if (proof && !quirks.proofs?.issuers.includes(proof.issuer)) return false;
  switch (kind.case) {
    case "reasoning":
      // Whoever takes details back reads every spelling of a thought.
      return quirks.proofs?.form === "reasoning_details";
    case "toolCall":
      return rules.callIdLength === undefined || legalCallId(kind.value.id, rules.callIdLength) === kind.value.id;
    case "toolResult":
      return !kind.value.isError && kind.value.parts.every((part) => resultFits(part, rules, quirks));
    case "file":
      return !quirks.documentUrls;
    case "audio":
      return !quirks.bareAudio;
    default:
      return true;
  }
}

function resultFits(part: Part, rules: MessageRules, quirks: ChatQuirks): boolean {
  if (part.kind.case === "text") return true;
  return isResultMedium(part, quirks) && partFits(part, rules, quirks);
}

function isUserAfterTool({ role }: ChatMessage, before: ChatMessage | undefined): boolean {
  return role === Role.USER && before?.role === Role.TOOL;
}

function isThought({ kind }: Part): boolean {
  return kind.case === "reasoning";
}

/** Every spelling of how much a model is to think that callers use. */
export const reasoningMembers = ["reasoning_effort", "reasoning", "thinking", "include_reasoning"] as const;

/** Whether what the caller's own body says of it are members of this server with words that it knows. */
export function reasoningFits(own: JsonMembers, { reasoning }: ChatRequest, quirks: ChatQuirks): boolean {
  const form = quirks.reasoning;
  if (!form) return true;
  if (reasoningMembers.some((name) => own[name] !== undefined && !form.members.includes(name))) return false;
  const effort = reasoning?.effort;
  // Other members of the server's own may stand for the word; what it makes of the two, it says itself.
  if (own.reasoning_effort === undefined || effort === undefined) return true;
  return Object.hasOwn(form.efforts, effort) && form.efforts[effort] === effort;
}
