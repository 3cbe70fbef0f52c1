import type { ChatRequest } from "../../gen/trunkline/v1/chat_pb.ts";
import type { Part } from "../../gen/trunkline/v1/message_pb.ts";
import { estimateInputTokens } from "../domain/estimate.ts";
import type { Target } from "../domain/target.ts";

/** What a request asks of a model beyond text. */
export interface Needs {
  /** Capabilities, in the words of `Model.capabilities`. */
  readonly capabilities: readonly string[];
  readonly inputModalities: readonly string[];
  readonly outputModalities: readonly string[];
  /** Prompt and wanted answer, estimated. Tokens. */
  readonly tokens: number;
}

export function needsOf(request: ChatRequest): Needs {
  const capabilities: string[] = [];
  if (request.tools.some(({ kind }) => kind.case === "function" || kind.case === "custom")) capabilities.push("tools");
  if (request.responseFormat?.kind.case === "jsonSchema") capabilities.push("json_schema");
  const inputModalities = new Set<string>();
  for (const { parts } of request.messages) for (const part of parts) addModality(part, inputModalities);
  return {
    capabilities,
    inputModalities: [...inputModalities],
    outputModalities: request.output?.modalities.filter((modality) => modality !== "text") ?? [],
    tokens: estimateInputTokens(request) + (request.maxOutputTokens ?? 0),
  };
}

/**
 * Why a target cannot serve a request, as far as is known of its model; null when nothing speaks against it. Unknown is
 * never "no".
 */
export function unfitness({ facts }: Target, needs: Needs): string | null {
  const { capabilities, inputModalities, outputModalities, contextWindow } = facts;
  const missing =
    lacking(needs.capabilities, capabilities) ??
    lacking(needs.inputModalities, inputModalities) ??
    lacking(needs.outputModalities, outputModalities);
  if (missing !== undefined) return missing;
  return contextWindow !== undefined && needs.tokens > contextWindow ? "context_length" : null;
}

function lacking(needed: readonly string[], has: readonly string[] | undefined): string | undefined {
  return has && needed.find((one) => !has.includes(one));
}

function addModality({ kind }: Part, modalities: Set<string>): void {
  switch (kind.case) {
    case "image":
    case "audio":
    case "video":
      modalities.add(kind.case);
      return;
    case "file":
      modalities.add("document");
      return;
    case "toolResult":
      for (const inner of kind.value.parts) addModality(inner, modalities);
      return;
    default:
      return;
  }
}
