import type { ChatRequest } from "../../../gen/trunkline/v1/chat_pb.ts";
import type { JsonMembers } from "../../dialects/json-text.ts";
import type { LossReport } from "../../domain/loss.ts";
import type { Target } from "../../domain/target.ts";
import { type ModelRules, rulesOf } from "./models.ts";

/** Members of a body that reasoning stands in the way of; effort `none` lifts that. wire.md §2.1 */
export const refusedWhileReasoning: ReadonlySet<string> = new Set([
  "temperature",
  "top_p",
  "frequency_penalty",
  "presence_penalty",
  "logit_bias",
  "logprobs",
  "top_logprobs",
]);
/** Of those, values that ask for nothing. */
export const unsaid: Readonly<Record<string, number | boolean>> = {
  temperature: 1,
  top_p: 1,
  frequency_penalty: 0,
  presence_penalty: 0,
  logprobs: false,
};

/** Takes out of a body what a model refuses, and reports it. */
export function dropRefused(
  body: JsonMembers,
  request: ChatRequest,
  { model, facts }: Target,
  losses: LossReport,
): void {
  const rules = rulesOf(facts);
  const isReasoning = reasonsNow(request, rules);
  const why = isReasoning ? `is not taken by ${model}, which reasons before it answers.` : `is not taken by ${model}.`;
  // Asked for by `top_logprobs` alone, it is no loss of its own.
  if (request.logprobs === undefined && refuses("logprobs", rules, isReasoning)) delete body.logprobs;
  for (const name of Object.keys(body)) {
    if (!refuses(name, rules, isReasoning)) continue;
    // A default says nothing: it is left out without a word.
    if (body[name] !== undefined && body[name] !== unsaid[name]) losses.drop(name, why);
    delete body[name];
  }
}

/** Whether the model will reason over this request: some do not when told so. */
export function reasonsNow(request: ChatRequest, { reasons, canStop }: ModelRules): boolean {
  return reasons && !(canStop && request.reasoning?.effort === "none");
}

/** Whether the model refuses a member of a request, whose answer it reasons about or not. */
export function refuses(name: string, { reasons, refused }: ModelRules, isReasoning: boolean): boolean {
  // Without token probabilities nobody can ask for the likeliest of them, and the other way round.
  const isNamed = refused.has(name) || (name === "logprobs" && refused.has("top_logprobs"));
  return isNamed && (isReasoning || !reasons || !refusedWhileReasoning.has(name));
}
