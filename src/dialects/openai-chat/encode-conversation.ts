import type { ChatRequest } from "../../../gen/trunkline/v1/chat_pb.ts";
import type { LossReport } from "../../domain/loss.ts";
import type { JsonMembers, JsonTree } from "../json-text.ts";
import { schemaPrompt } from "./encode-format.ts";
import { encodeMessages } from "./encode-messages.ts";
import { applyMessageRules } from "./message-rules.ts";
import type { ChatQuirks } from "./quirks.ts";

/** The conversation as the server takes it: its messages in form and order, and a schema that has no other place. */
export function encodeConversation(request: ChatRequest, quirks: ChatQuirks, losses: LossReport): readonly JsonTree[] {
  const messages = encodeMessages(request.messages, quirks, losses);
  const { responseFormat } = request;
  const schema = quirks.jsonSchema === "in-prompt" && responseFormat ? schemaPrompt(responseFormat) : null;
  const told: readonly JsonMembers[] = schema === null ? messages : [{ role: "system", content: schema }, ...messages];
  return quirks.messages ? applyMessageRules(told, quirks.messages, quirks.reasoningField, losses) : told;
}
