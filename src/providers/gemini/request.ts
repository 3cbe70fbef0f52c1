import { LossPolicy } from "../../../gen/trunkline/v1/chat_pb.ts";
import { encodeRequest } from "../../dialects/gemini/encode-request.ts";
import { customToolNames } from "../../dialects/gemini/encode-tools.ts";
import { createDraft, type Draft } from "../../dialects/gemini/gemini-draft.ts";
import { patchRequest } from "../../dialects/gemini/patch-request.ts";
import { toJsonText } from "../../dialects/json-text.ts";
import { reportUnknownMembers } from "../../dialects/unknown-members.ts";
import type { ChatCall } from "../../domain/chat.ts";
import { LossReport } from "../../domain/loss.ts";
import type { Target } from "../../domain/target.ts";
import type { DecodeMemory, ProviderRequest } from "../provider.ts";

/**
 * A caller who speaks Gemini has its own body sent on; what Google does not take then, it says itself. Every other
 * request is built from the contract. The model and whether to stream stand in the path.
 */
export function toRequest(call: ChatCall, target: Target): ProviderRequest {
  const { request, stream, source } = call;
  const losses = new LossReport(request.lossPolicy === LossPolicy.REFUSE);
  const patched = source?.dialect === "gemini" ? source : null;
  reportUnknownMembers(source, patched && "gemini", losses);
  const draft = patched ? null : createDraft(request, target, "developer", losses);
  const body = patched
    ? patchRequest(patched, request.providerOptions.gemini)
    : draft && toJsonText(encodeRequest(draft));
  return {
    method: "POST",
    path: pathOf(target, stream ? "streamGenerateContent?alt=sse" : "generateContent"),
    headers: { accept: stream ? "text/event-stream" : "application/json" },
    body,
    losses: losses.losses,
    memory: { target, stream, ...(draft && memoryOf(draft)) },
  };
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
