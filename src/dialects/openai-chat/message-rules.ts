import { createHash } from "node:crypto";
import type { LossReport } from "../../domain/loss.ts";
import type { JsonMembers, JsonTree } from "../json-text.ts";
import type { MessageRules } from "./quirks.ts";

/** Encoded messages as one server wants them; see `MessageRules`. */
export function applyMessageRules(
  messages: readonly JsonMembers[],
  rules: MessageRules,
  reasoningField: string | null,
  losses: LossReport,
): readonly JsonMembers[] {
  const toolNames = new Map<string, JsonTree>();
  const ruled: JsonMembers[] = [];
  for (const [i, message] of messages.entries()) {
    if (rules.afterTools !== undefined && message.role === "user" && messages[i - 1]?.role === "tool") {
      losses.approximate("messages", "has a short answer put between a tool's result and the user who speaks next.");
      ruled.push({ role: "assistant", content: rules.afterTools });
    }
    const one = { ...message };
    if (rules.callIdLength !== undefined) replaceIds(one, rules.callIdLength);
    if (rules.onlyToolsNamed) nameTools(one, `messages[${i}]`, toolNames, losses);
    if (rules.plainText) one.content = joined(one.content);
    if (rules.reasoningOnAll && reasoningField !== null && one.role === "assistant") one[reasoningField] ??= "";
    ruled.push(one);
  }
  const last = ruled.at(-1);
  if (rules.prefix && last?.role === "assistant" && last.tool_calls === undefined) last.prefix = true;
  return ruled;
}

/**
 * An id of so many letters and digits: itself if it is one, else made from the original, the same every time. Nobody
 * needs the way back: the answer's own ids are legal.
 */
export function legalCallId(id: string, length: number): string {
  if (id.length === length && /^[a-zA-Z0-9]+$/.test(id)) return id;
  // 36 letters and digits instead of hexadecimal ones: 36⁹ is 10¹⁴.
  const digest = BigInt(`0x${createHash("sha256").update(id).digest("hex")}`);
  return digest.toString(36).slice(-length);
}

function replaceIds(message: JsonMembers, length: number): void {
  if (typeof message.tool_call_id === "string") message.tool_call_id = legalCallId(message.tool_call_id, length);
  if (Array.isArray(message.tool_calls)) {
    message.tool_calls = message.tool_calls.map((call) => ({ ...call, id: legalCallId(String(call.id), length) }));
  }
}

function nameTools(message: JsonMembers, field: string, names: Map<string, JsonTree>, losses: LossReport): void {
  if (message.name !== undefined) {
    losses.drop(`${field}.name`, "is not taken by this provider.");
    delete message.name;
  }
  if (Array.isArray(message.tool_calls)) {
    for (const call of message.tool_calls) names.set(call.id, call.function?.name);
  }
  const name = names.get(String(message.tool_call_id));
  if (message.role === "tool" && name !== undefined) message.name = name;
}

function joined(content: JsonTree | undefined): JsonTree | undefined {
  if (!Array.isArray(content)) return content;
  return content.every(({ type }) => type === "text") ? content.map(({ text }) => text).join("\n") : content;
}
