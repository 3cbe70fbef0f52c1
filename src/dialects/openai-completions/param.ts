import { GatewayError } from "../../domain/errors.ts";

/** An error with its field also in the words of completions. */
export function withCompletionsParam(error: GatewayError): GatewayError {
  const { field, param } = error.detail;
  if (field === undefined || param !== undefined) return error;
  const detail = { ...error.detail, param: field.startsWith("messages") ? "prompt" : (names[field] ?? field) };
  return new GatewayError(error.code, error.message, detail, { cause: error.cause });
}

const names: Readonly<Record<string, string>> = Object.assign(Object.create(null), {
  max_output_tokens: "max_tokens",
  choice_count: "n",
  top_logprobs: "logprobs",
  end_user_id: "user",
});
