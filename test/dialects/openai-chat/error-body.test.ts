import { expect, it } from "vitest";
import { encodeErrorBody } from "../../../src/dialects/openai-chat/error-body.ts";
import { GatewayError } from "../../../src/domain/errors.ts";

it.each([
  ["choice_count", "choice_count must be 1.", "n", "n must be 1."],
  [
    "max_output_tokens",
    "max_output_tokens must be 1 or more.",
    "max_completion_tokens",
    "max_completion_tokens must be 1 or more.",
  ],
  ["temperature", "temperature must be 0 to 2.", "temperature", "temperature must be 0 to 2."],
  ["choice_count", "This model takes no choice_count.", "n", "This model takes no choice_count."],
])("an error at %s speaks of the caller's own field: %s", (field, message, param, told) => {
  const { error } = JSON.parse(encodeErrorBody(new GatewayError("invalid_value", message, { field })));
  expect(error).toEqual({ message: told, type: "invalid_request_error", param, code: "invalid_value" });
});
