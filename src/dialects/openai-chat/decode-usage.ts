import type { ModalityTokens, Usage } from "../../../gen/trunkline/v1/usage_pb.ts";
import { countOf, type Fields, fieldsOf } from "./wire.ts";

/** How a server counts otherwise than OpenAI. */
export interface UsageQuirks {
  /** Reasoning may stand beside the answer's tokens, and cached tokens beside the prompt's: sums tell. */
  readonly countsApart?: boolean;
  /** The member that tells what the call cost, and its unit. Nano-USD. */
  readonly cost?: { readonly member: string; readonly nanoUsd: number };
}

/**
 * Token counts of a chat completion. `prompt_tokens` already holds the cached ones and `completion_tokens` the
 * reasoning. DeepSeek's `prompt_cache_hit_tokens` is read where the details are missing.
 */
export function decodeUsage(usage: Fields, quirks: UsageQuirks = {}): Usage {
  const input = fieldsOf(usage, "prompt_tokens_details");
  const output = fieldsOf(usage, "completion_tokens_details");
  // Written out: `create` took a fifth of the time that reading a whole answer takes.
  const decoded: Usage = {
    $typeName: "trunkline.v1.Usage",
    cacheWriteByTtl: [],
    byModality: [],
    hostedToolUses: [],
    priceVersion: "",
    estimated: false,
  };
  const count = (name: Counted, tokens: number | undefined) => {
    // An absent count is unknown, not zero.
    if (tokens !== undefined) decoded[name] = tokens;
  };
  count("inputTokens", countOf(usage, "prompt_tokens"));
  count("outputTokens", countOf(usage, "completion_tokens"));
  count("totalTokens", countOf(usage, "total_tokens"));
  count("cacheReadTokens", countOf(input, "cached_tokens") ?? countOf(usage, "prompt_cache_hit_tokens"));
  count("cacheWriteTokens", countOf(input, "cache_write_tokens"));
  count("reasoningTokens", countOf(output, "reasoning_tokens"));
  count("acceptedPredictionTokens", countOf(output, "accepted_prediction_tokens"));
  count("rejectedPredictionTokens", countOf(output, "rejected_prediction_tokens"));
  addModalities("input", input, decoded.byModality);
  addModalities("output", output, decoded.byModality);
  if (quirks.countsApart) joinCounts(decoded);
  const cost = quirks.cost && usage[quirks.cost.member];
  const nanoUsd = quirks.cost && typeof cost === "number" ? Math.round(cost * quirks.cost.nanoUsd) : -1;
  // Beyond that, nine million dollars, it is no price.
  if (nanoUsd >= 0 && nanoUsd <= Number.MAX_SAFE_INTEGER) decoded.costNanoUsd = BigInt(nanoUsd);
  return decoded;
}

/** Tokens that were counted apart join the count that the contract has them in. */
function joinCounts(usage: Usage): void {
  const { inputTokens = 0, outputTokens = 0, totalTokens, reasoningTokens = 0, cacheReadTokens = 0 } = usage;
  if (cacheReadTokens > inputTokens) usage.inputTokens = inputTokens + cacheReadTokens;
  if (reasoningTokens > 0 && totalTokens === inputTokens + outputTokens + reasoningTokens) {
    usage.outputTokens = outputTokens + reasoningTokens;
  }
  if (usage.inputTokens !== undefined && usage.outputTokens !== undefined)
    usage.totalTokens = usage.inputTokens + usage.outputTokens;
}

type Counted =
  | "inputTokens"
  | "outputTokens"
  | "totalTokens"
  | "cacheReadTokens"
  | "cacheWriteTokens"
  | "reasoningTokens"
  | "acceptedPredictionTokens"
  | "rejectedPredictionTokens";

const modalities = [
  ["audio", "audio_tokens"],
  ["image", "image_tokens"],
  ["text", "text_tokens"],
] as const;

function addModalities(direction: string, details: Fields, into: ModalityTokens[]): void {
  for (const [modality, member] of modalities) {
    const tokens = countOf(details, member);
    if (tokens !== undefined) into.push({ $typeName: "trunkline.v1.ModalityTokens", direction, modality, tokens });
  }
}
