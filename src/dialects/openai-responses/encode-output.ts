import {
  type Annotation,
  type ChatMessage,
  type Part,
  type ToolCall,
  ToolCallKind,
} from "../../../gen/trunkline/v1/message_pb.ts";
import type { LossReport } from "../../domain/loss.ts";
import { objectText } from "../json-splice.ts";
import type { JsonMembers, JsonTree } from "../json-text.ts";
import { proofText } from "../openai-chat/proofs.ts";
import { toOwnAnnotation } from "./encode-annotation.ts";
import type { ResponsesQuirks } from "./encode-content.ts";
import { encodeOpaque, encodeReasoning, HostedCalls } from "./encode-own.ts";
import { issuerOf, proofFormats } from "./wire.ts";

/** One turn of the model as the output items that it was, in their order. */
export function encodeAnswer(
  message: ChatMessage,
  field: string,
  quirks: ResponsesQuirks,
  losses: LossReport,
): readonly JsonTree[] {
  return new AnswerEncoder(message, field, quirks, losses).encode();
}

class AnswerEncoder {
  readonly #message: ChatMessage;
  readonly #field: string;
  readonly #quirks: ResponsesQuirks;
  readonly #losses: LossReport;
  readonly #hosted: HostedCalls;
  readonly #items: JsonTree[] = [];
  /** The message item under construction: its head, and its content. */
  #said: { readonly id: string; readonly phase: string; readonly content: JsonMembers[] } | null = null;

  constructor(message: ChatMessage, field: string, quirks: ResponsesQuirks, losses: LossReport) {
    this.#message = message;
    this.#field = field;
    this.#quirks = quirks;
    this.#losses = losses;
    this.#hosted = new HostedCalls(message.parts, losses);
  }

  encode(): readonly JsonTree[] {
    const { parts } = this.#message;
    for (const [i, part] of parts.entries()) {
      const at = `${this.#field}.parts[${i}]`;
      if (part.cache) this.#losses.drop(`${at}.cache`, "is not taken on what the model said.");
      const content = this.#content(part, at);
      if (content !== null) {
        this.#say(part, content);
        continue;
      }
      this.#flush();
      const item = this.#item(part, i, at);
      if (item !== null) this.#items.push(item);
    }
    this.#flush();
    if (this.#message.phase !== undefined && !parts.some(isSaid)) {
      this.#losses.drop(`${this.#field}.phase`, "is taken of turns that say something.");
    }
    return this.#items;
  }

  #content(part: Part, at: string): JsonMembers | null {
    const { kind, proof } = part;
    if (proof && isSaid(part) && !this.#isPhase(part)) {
      this.#losses.drop(`${at}.proof`, "belongs to the provider that issued it.");
    }
    switch (kind.case) {
      case "text":
        return { type: "output_text", text: kind.value, annotations: part.annotations.flatMap(encodeAnnotation) };
      case "refusal":
        return { type: "refusal", refusal: kind.value.text };
      case "audio":
        if (kind.value.transcript === undefined) return null;
        this.#losses.approximate(`${at}.audio`, "is sent as its transcript: this provider takes no sound back.");
        return { type: "output_text", text: kind.value.transcript, annotations: [] };
      default:
        return null;
    }
  }

  #isPhase({ proof }: Part): boolean {
    return proof?.issuer === issuerOf(this.#quirks.kind) && proof.format === proofFormats.phase;
  }

  /** Texts of one id were one message. */
  #say(part: Part, content: JsonMembers): void {
    const phase = this.#isPhase(part) && part.proof ? proofText(part.proof) : (this.#message.phase ?? "");
    if (this.#said && (this.#said.id !== part.id || this.#said.phase !== phase)) this.#flush();
    this.#said ??= { id: part.id, phase, content: [] };
    this.#said.content.push(content);
  }

  #flush(): void {
    if (this.#said === null) return;
    const { id, phase, content } = this.#said;
    const own = id.startsWith("msg_") ? { id, status: "completed" } : {};
    this.#items.push({ type: "message", role: "assistant", ...own, ...(phase && { phase }), content });
    this.#said = null;
  }

  /** @returns null when it is left out and reported, or told with another part */
  #item(part: Part, i: number, at: string): JsonTree | null {
    const { kind, proof } = part;
    if (kind.case === "reasoning") return encodeReasoning(this.#message.parts, i, at, this.#quirks, this.#losses);
    if (proof) this.#losses.drop(`${at}.proof`, "belongs to the provider that issued it.");
    switch (kind.case) {
      case "toolCall":
        return encodeCall(kind.value, part.id, `${at}.tool_call`);
      case "hostedCall":
        return this.#hosted.call(kind.value, at);
      case "hostedResult":
        return this.#hosted.result(kind.value.callId, at);
      case "image":
        // Only pictures of the provider's own making are taken back, with the call that made them.
        return this.#hosted.result(part.id, at);
      case "opaque":
        return encodeOpaque(part, this.#quirks) ?? this.#drop(at, "only the provider that made it understands it.");
      default:
        return this.#drop(at, `a part of kind ${kind.case} in an assistant's message is not taken by this provider.`);
    }
  }

  #drop(at: string, why: string): null {
    this.#losses.drop(at, why);
    return null;
  }
}

function isSaid({ kind }: Part): boolean {
  return kind.case === "text" || kind.case === "refusal" || kind.case === "audio";
}

function encodeCall(call: ToolCall, id: string, field: string): JsonTree {
  const common = {
    call_id: call.id,
    name: call.name,
    ...(call.toolset !== undefined && { namespace: call.toolset }),
    ...(call.callerJson !== undefined && { caller: objectText(call.callerJson, `${field}.caller_json`) }),
  };
  if (call.kind === ToolCallKind.CUSTOM) {
    return { type: "custom_tool_call", ...(id.startsWith("ctc_") && { id }), ...common, input: call.arguments };
  }
  return { type: "function_call", ...(id.startsWith("fc_") && { id }), ...common, arguments: call.arguments };
}

/** Citations of kinds that this API has; another provider's own kinds say nothing to it. */
function encodeAnnotation(annotation: Annotation): JsonMembers[] {
  return [toOwnAnnotation(annotation)].filter((one) => one !== undefined);
}
