import { type ChatRequest, LossPolicy, type ResponseFormat } from "../../gen/trunkline/v1/chat_pb.ts";
import { each, hasChars, isOneOf, type Range, refuse, refusing, within } from "./bounds.ts";
import { checkMessage, checkMessageSense, checkPart } from "./check-messages.ts";
import { checkProviderOptions, checkSampling, checkService, isJson } from "./check-settings.ts";
import { checkTool, checkToolChoice, checkToolSense } from "./check-tools.ts";

const modelName: Range = [1, 256];

/**
 * The bounds of a ChatRequest: the rules written in proto/, and what those rules cannot say. By hand, because the
 * library that reads the rules takes 26 µs for 4 messages and 357 for 100: a quarter to the whole of what a request
 * may cost.
 * @throws GatewayError `invalid_value` with the field's path, what is allowed there and what was found
 */
export function checkChat(request: ChatRequest): void {
  refusing(request, checkChatBounds);
  refusing(request, checkChatSense);
}

/** The rules of proto/ alone: a test compares the verdicts with protovalidate's on generated requests. */
export function checkChatBounds(request: ChatRequest): void {
  hasChars("model", request.model, modelName);
  each("messages", request.messages, [1, 10_000], checkMessage);
  each("tools", request.tools, [0, 1_024], checkTool);
  within("tool_choice", request.toolChoice, checkToolChoice);
  isOneOf("loss_policy", request.lossPolicy, lossPolicies);
  each("fallback_models", request.fallbackModels, [0, 8], (name) => hasChars("", name, modelName));
  within("prediction", request.prediction, ({ parts }) => each("parts", parts, [1, 1_000], checkPart));
  checkSampling(request);
  checkService(request);
}

const lossPolicies = {
  [LossPolicy.UNSPECIFIED]: "UNSPECIFIED",
  [LossPolicy.REPORT]: "REPORT",
  [LossPolicy.REFUSE]: "REFUSE",
};

/** What contradicts itself: no provider could honour it. */
function checkChatSense(request: ChatRequest): void {
  checkMessageSense(request.messages);
  checkToolSense(request.tools);
  within("response_format", request.responseFormat, checkSchema);
  checkProviderOptions(request.providerOptions);
  if (request.logprobs === false && (request.topLogprobs ?? 0) > 0) {
    refuse("top_logprobs", "must be 0 or unset where logprobs is false.");
  }
}

function checkSchema({ kind }: ResponseFormat): void {
  if (kind.case === "jsonSchema") isJson("json_schema.schema", kind.value.schema, "any");
}
