import { create } from "@bufbuild/protobuf";
import { type Usage, UsageSchema } from "../../../gen/trunkline/v1/usage_pb.ts";
import { countOf, type Fields, fieldsOf } from "../../dialects/openai-chat/wire.ts";

/**
 * Tokens as the model saw them; those that are billed leave out what the provider put into the prompt itself, and
 * count only where nothing else is told.
 */
export function toUsage(usage: Fields): Usage | undefined {
  const tokens = fieldsOf(usage, "tokens");
  const billed = fieldsOf(usage, "billed_units");
  const inputTokens = countOf(tokens, "input_tokens") ?? countOf(billed, "input_tokens");
  const outputTokens = countOf(tokens, "output_tokens") ?? countOf(billed, "output_tokens");
  const cacheReadTokens = countOf(usage, "cached_tokens");
  if (inputTokens === undefined && outputTokens === undefined) return undefined;
  const searches = countOf(billed, "search_units");
  const isBoth = inputTokens !== undefined && outputTokens !== undefined;
  return create(UsageSchema, {
    ...(inputTokens !== undefined && { inputTokens }),
    ...(outputTokens !== undefined && { outputTokens }),
    ...(isBoth && { totalTokens: inputTokens + outputTokens }),
    ...(cacheReadTokens !== undefined && { cacheReadTokens }),
    ...(searches && { hostedToolUses: [{ type: "search", count: searches }] }),
  });
}
