import { create } from "@bufbuild/protobuf";
import { type ChatRequest, type Reasoning, ReasoningSchema } from "../../../gen/trunkline/v1/chat_pb.ts";
import { type Part, PartSchema, ProofSchema, ReasoningPartSchema } from "../../../gen/trunkline/v1/message_pb.ts";
import type { JsonObject } from "../json-body.ts";
import {
  isSet,
  type MemberReaders,
  memberReaders,
  type ParseNotes,
  type Place,
  readMembers,
  toArray,
  toBoolean,
  toChoice,
  toInteger,
  toObject,
  toText,
  toWord,
} from "../json-read.ts";
import type { ChatTable } from "./chat-draft.ts";
import { issuerOf, toProof } from "./proofs.ts";

/** How much the model thinks: OpenAI's word, OpenRouter's object and Anthropic's `thinking`. */
export const reasoningTable: ChatTable = {
  reasoning_effort: [
    "reasoning.effort",
    ({ request }, value, at) => {
      reasoningOf(request).effort = toWord(value, at, 64);
    },
  ],
  reasoning: ({ request, unknown }, value, at) => {
    readMembers(toObject(value, at), at, routerReasoning, reasoningOf(request), { unknown });
  },
  include_reasoning: [
    "reasoning.include_text",
    ({ request }, value, at) => {
      reasoningOf(request).includeText = toBoolean(value, at);
    },
  ],
  thinking: [
    "reasoning",
    ({ request }, value, at) => {
      const { type, budget_tokens: budget } = toObject(value, at);
      const reasoning = reasoningOf(request);
      switch (toChoice(type, at.at("type", ""), ["enabled", "disabled", "adaptive"])) {
        case "disabled":
          reasoning.effort ??= "none";
          return;
        case "adaptive":
          reasoning.budgetTokens = modelDecides;
          return;
        case "enabled":
          reasoning.budgetTokens = isSet(budget) ? toInteger(budget, at.at("budget_tokens"), 0) : modelDecides;
      }
    },
  ],
};

/** The contract's "the model decides". */
export const modelDecides = -1;

const routerReasoning: MemberReaders<Reasoning, ParseNotes> = memberReaders({
  effort: (reasoning, value, at) => {
    reasoning.effort = toWord(value, at, 64);
  },
  max_tokens: [
    "budget_tokens",
    (reasoning, value, at) => {
      reasoning.budgetTokens = toInteger(value, at, 0);
    },
  ],
  exclude: [
    "include_text",
    (reasoning, value, at) => {
      reasoning.includeText = !toBoolean(value, at);
    },
  ],
  enabled: [
    "effort",
    (reasoning, value, at) => {
      if (!toBoolean(value, at)) reasoning.effort = "none";
    },
  ],
  summary: (reasoning, value, at) => {
    reasoning.summary = toWord(value, at, 64);
  },
});

function reasoningOf(request: ChatRequest): Reasoning {
  request.reasoning ??= create(ReasoningSchema);
  return request.reasoning;
}

const maxBlocks = 1_000;

/**
 * The reasoning that an assistant message brings back, in its order. Several spellings may say the same thing at once
 * (edge case 43); the one that can carry proofs wins.
 */
export function parseReasoningParts(message: JsonObject, place: Place): Part[] {
  const { reasoning_details: details, thinking_blocks: blocks, reasoning_content: content, reasoning } = message;
  if (Array.isArray(details) && details.length > 0) {
    const at = place.at("reasoning_details", "parts");
    return toArray(details, at, maxBlocks).map((detail, i) => parseDetail(toObject(detail, at.at(i)), at.at(i)));
  }
  if (Array.isArray(blocks) && blocks.length > 0) {
    const at = place.at("thinking_blocks", "parts");
    return toArray(blocks, at, maxBlocks).map((block, i) => parseThinkingBlock(toObject(block, at.at(i)), at.at(i)));
  }
  const [name, text] = isSet(content) ? ["reasoning_content", content] : ["reasoning", reasoning];
  if (!isSet(text) || text === "") return [];
  return [reasoningPart({ text: toText(text, place.at(String(name), "parts")) })];
}

/** One entry of OpenRouter's `reasoning_details`, which is also how this gateway gives proofs to its callers. */
function parseDetail(detail: JsonObject, place: Place): Part {
  const issuer = issuerOf(isSet(detail.format) ? toText(detail.format, place.at("format", "proof.issuer")) : "");
  switch (toChoice(detail.type, place.at("type", ""), ["reasoning.text", "reasoning.summary", "reasoning.encrypted"])) {
    case "reasoning.text": {
      const part = reasoningPart({ text: isSet(detail.text) ? toText(detail.text, place.at("text")) : "" });
      if (isSet(detail.signature) && detail.signature !== "") {
        const signature = toText(detail.signature, place.at("signature", "proof"));
        part.proof = toProof(issuer, "signature", signature);
      }
      return withId(part, detail, place);
    }
    case "reasoning.summary":
      return withId(reasoningPart({ summary: [toText(detail.summary, place.at("summary"))] }), detail, place);
    case "reasoning.encrypted": {
      const part = reasoningPart({ redacted: true });
      const data = toText(detail.data, place.at("data", "proof"));
      part.proof = toProof(issuer, issuer.startsWith("anthropic") ? "redacted" : "encrypted", data);
      return withId(part, detail, place);
    }
  }
}

function withId(part: Part, detail: JsonObject, place: Place): Part {
  if (!isSet(detail.id)) return part;
  const id = toWord(detail.id, place.at("id"), 512);
  part.id = id;
  if (part.proof) part.proof = create(ProofSchema, { ...part.proof, id });
  return part;
}

/** One of Anthropic's own blocks, as some proxies hand them to chat clients. */
function parseThinkingBlock(block: JsonObject, place: Place): Part {
  if (toChoice(block.type, place.at("type", ""), ["thinking", "redacted_thinking"]) === "redacted_thinking") {
    const part = reasoningPart({ redacted: true });
    part.proof = toProof("anthropic", "redacted", toText(block.data, place.at("data", "proof")));
    return part;
  }
  const part = reasoningPart({ text: toText(block.thinking, place.at("thinking", "reasoning.text")) });
  if (isSet(block.signature) && block.signature !== "") {
    part.proof = toProof("anthropic", "signature", toText(block.signature, place.at("signature", "proof")));
  }
  return part;
}

function reasoningPart(reasoning: { text?: string; summary?: string[]; redacted?: boolean }): Part {
  return create(PartSchema, { kind: { case: "reasoning", value: create(ReasoningPartSchema, reasoning) } });
}
