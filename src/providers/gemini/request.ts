import { type ChatRequest, LossPolicy } from "../../../gen/trunkline/v1/chat_pb.ts";
import type { Part } from "../../../gen/trunkline/v1/message_pb.ts";
import { encodeRequest } from "../../dialects/gemini/encode-request.ts";
import { customToolNames } from "../../dialects/gemini/encode-tools.ts";
import { createDraft, type Draft, type Platform } from "../../dialects/gemini/gemini-draft.ts";
import { patchRequest } from "../../dialects/gemini/patch-request.ts";
import { membersOf } from "../../dialects/json-splice.ts";
import { toJsonText } from "../../dialects/json-text.ts";
import { isGoogle } from "../../dialects/openai-chat/proofs.ts";
import { reportUnknownMembers } from "../../dialects/unknown-members.ts";
import type { ChatCall, SourceBody } from "../../domain/chat.ts";
import { LossReport } from "../../domain/loss.ts";
import type { Target } from "../../domain/target.ts";
import type { DecodeMemory, ProviderRequest } from "../provider.ts";

/**
 * A caller who speaks Gemini has its own body sent on; what Google does not take then, it says itself. Every other
 * request is built from the contract. The model and whether to stream stand in the path.
 */
export function toRequest(call: ChatCall, target: Target): ProviderRequest {
  return toRequestOn(call, target, { platform: "developer", pathOf });
}

interface PlatformPlace {
  readonly platform: Platform;
  pathOf(target: Target, method: string): string;
}

/** The same for whichever platform serves the models: bodies are alike, addresses are not. */
export function toRequestOn(call: ChatCall, target: Target, { platform, pathOf }: PlatformPlace): ProviderRequest {
  const { request, stream, source } = call;
  const losses = new LossReport(request.lossPolicy === LossPolicy.REFUSE);
  const patched = patchable(source, request);
  reportUnknownMembers(source, patched && "gemini", losses, optionNames(request, target.provider));
  const draft = patched ? null : createDraft(request, target, platform, losses);
  const body = patched ? patchRequest(patched) : draft && toJsonText(encodeRequest(draft));
  return {
    method: "POST",
    path: pathOf(target, stream ? "streamGenerateContent?alt=sse" : "generateContent"),
    headers: { accept: stream ? "text/event-stream" : "application/json" },
    body,
    losses: losses.losses,
    memory: { target, stream, ...(draft && memoryOf(draft)) },
  };
}

/** The caller's own body, where all that it holds may go to Google as it stands; else null. */
function patchable(source: SourceBody | undefined, { messages }: ChatRequest): SourceBody | null {
  if (source?.dialect !== "gemini") return null;
  return messages.every(({ parts }) => parts.every(isAcceptable)) ? source : null;
}

/** Whether Google can have made a part: what others made, it does not understand. */
function isAcceptable({ kind, proof }: Part): boolean {
  if (proof && !isGoogle(proof.issuer)) return false;
  switch (kind.case) {
    case "hostedCall":
      return kind.value.name === "executableCode" || kind.value.name === "toolCall";
    case "hostedResult":
      return kind.value.type === "codeExecutionResult" || kind.value.type === "toolResponse";
    case "opaque":
      return isGoogle(kind.value.provider);
    default:
      return true;
  }
}

/** Members that Google's options carry on, in either spelling. */
function optionNames({ providerOptions }: ChatRequest, kind: string): ReadonlySet<string> {
  const names = Object.keys(membersOf(providerOptions[kind] ?? "", `provider_options.${kind}`));
  return new Set([...names, ...names.map((name) => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`))]);
}

/** The same prompt, to be counted. */
export function toCountRequest({ request }: ChatCall, target: Target): ProviderRequest {
  const losses = new LossReport(request.lossPolicy === LossPolicy.REFUSE);
  const body = encodeRequest(createDraft(request, target, "developer", losses));
  return {
    method: "POST",
    path: pathOf(target, "countTokens"),
    headers: { accept: "application/json" },
    // Only in this form the instructions and tools are counted too.
    body: toJsonText({ generateContentRequest: { model: resourceOf(target.model), ...body } }),
    losses: losses.losses,
    memory: { target, stream: false },
  };
}

/** `models/x`; tuned models have a collection of their own. */
export function resourceOf(model: string): string {
  return model.includes("/") ? model : `models/${model}`;
}

export function pathOf({ model }: Target, method: string): string {
  return `/${resourceOf(model).split("/").map(encodeURIComponent).join("/")}:${method}`;
}

function memoryOf(draft: Draft): Omit<DecodeMemory, "target" | "stream"> {
  const { request, names } = draft;
  const isCall = ({ kind }: { readonly kind: { readonly case: string | undefined } }) => kind.case === "toolCall";
  return {
    toolNames: names.back,
    customTools: customToolNames(draft),
    providerData: request.include.includes("provider_data"),
    callsBefore: request.messages.reduce((sum, { parts }) => sum + parts.filter(isCall).length, 0),
  };
}
