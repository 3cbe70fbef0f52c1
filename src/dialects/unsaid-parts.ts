import type { ChatMessage, Part, ToolCall, ToolResult } from "../../gen/trunkline/v1/message_pb.ts";
import type { FunctionTool, Tool } from "../../gen/trunkline/v1/tool_pb.ts";
import type { LossReport } from "../domain/loss.ts";

/*
 * What a provider with a plain message format cannot carry beside the content itself. Each function reports what the
 * caller set, and throws `unsupported_parameter` under the REFUSE policy.
 */

/** @param path such as `messages[0]` */
export function dropMessageExtras({ name, phase }: ChatMessage, path: string, losses: LossReport): void {
  if (name !== undefined) losses.drop(`${path}.name`, "this provider has no names of speakers.");
  if (phase !== undefined) losses.drop(`${path}.phase`, "this provider has no phases.");
}

/** @param path such as `messages[0].parts[1]` */
export function dropPartExtras({ cache, proof }: Part, path: string, losses: LossReport): void {
  if (cache) losses.drop(`${path}.cache`, "this provider takes no cache marks.");
  if (proof) losses.drop(`${path}.proof`, "this provider takes no proofs; those of others are not sent to it.");
}

/** @param field such as `messages[0].parts[1].tool_call` */
export function dropCallExtras({ callerJson, toolset }: ToolCall, field: string, losses: LossReport): void {
  if (callerJson !== undefined) losses.drop(`${field}.caller_json`, "this provider does not know who called.");
  if (toolset !== undefined) losses.drop(`${field}.toolset`, "this provider has no toolsets.");
}

/** @param field such as `messages[0].parts[1].tool_result` */
export function dropResultExtras({ willContinue }: ToolResult, field: string, losses: LossReport): void {
  if (willContinue) losses.drop(`${field}.will_continue`, "this provider takes one result for a call.");
}

/** @param field such as `tools[0]` */
export function dropToolExtras({ cache, deferLoading, allowedCallers }: Tool, field: string, losses: LossReport): void {
  if (cache) losses.drop(`${field}.cache`, "this provider takes no cache marks.");
  if (deferLoading !== undefined) losses.drop(`${field}.defer_loading`, "this provider loads all tools.");
  if (allowedCallers.length > 0) losses.drop(`${field}.allowed_callers`, "this provider's tools have one caller.");
}

/** @param field such as `tools[0].function` */
export function dropFunctionExtras(tool: FunctionTool, field: string, losses: LossReport): void {
  if (tool.outputSchema !== undefined) losses.drop(`${field}.output_schema`, "this provider reads no result schemas.");
  if (tool.inputExamplesJson.length > 0)
    losses.drop(`${field}.input_examples_json`, "this provider takes no examples.");
}
