import type { ChatRequest } from "../../../gen/trunkline/v1/chat_pb.ts";
import type { JsonMembers } from "../../dialects/json-text.ts";
import type { LossReport } from "../../domain/loss.ts";
import type { Target } from "../../domain/target.ts";
import { rulesOf } from "./models.ts";

/** Members of a body that a model refuses while it reasons. */
export const refusedWhileReasoning = [
  "temperature",
  "top_p",
  "frequency_penalty",
  "presence_penalty",
  "logit_bias",
  "logprobs",
  "top_logprobs",
];
/** Of those, values that ask for nothing. */
export const unsaid: Readonly<Record<string, number | boolean>> = {
  temperature: 1,
  top_p: 1,
  frequency_penalty: 0,
  presence_penalty: 0,
  logprobs: false,
};

/** Takes out of a body what a model refuses while it reasons, and reports it. */
export function dropRefused(body: JsonMembers, request: ChatRequest, { model }: Target, losses: LossReport): void {
  if (!reasonsNow(request, model)) return;
  // Asked for by `top_logprobs` alone, it is no loss of its own.
  if (request.logprobs === undefined) delete body.logprobs;
  for (const name of refusedWhileReasoning) {
    // A default says nothing: it is left out without a word.
    if (body[name] !== undefined && body[name] !== unsaid[name]) {
      losses.drop(name, `is not taken by ${model}, which reasons before it answers.`);
    }
    delete body[name];
  }
}

/** Whether the model will reason over this request: some do not when told so. */
export function reasonsNow(request: ChatRequest, model: string): boolean {
  const { reasons, effortNone } = rulesOf(model);
  return reasons && !(effortNone && request.reasoning?.effort === "none");
}
