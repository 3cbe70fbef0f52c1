import type { EmbedInput, EmbedRequest } from "../../gen/trunkline/v1/embeddings_pb.ts";
import { each, eachPair, hasChars, inRange, isGiven, refuse, refusing, within } from "./bounds.ts";
import { checkPart } from "./check-messages.ts";
import { checkProviderOptions, optionLimits } from "./check-settings.ts";

/**
 * The bounds of an EmbedRequest: the rules written in proto/, and what those rules cannot say.
 * @throws GatewayError `invalid_value`
 */
export function checkEmbed(request: EmbedRequest): void {
  refusing(request, checkEmbedBounds);
  refusing(request, ({ providerOptions }) => checkProviderOptions(providerOptions));
}

/** The rules of proto/ alone, by hand: a test compares the verdicts with protovalidate's. */
export function checkEmbedBounds(request: EmbedRequest): void {
  hasChars("model", request.model, [1, 256]);
  each("inputs", request.inputs, [1, 2_048], checkInput);
  inRange("dimensions", request.dimensions, [1, 65_536]);
  hasChars("input_type", request.inputType, [1, 64]);
  hasChars("title", request.title, [0, 1_024]);
  hasChars("truncate", request.truncate, [1, 64]);
  hasChars("end_user_id", request.endUserId, [1, 512]);
  eachPair("provider_options", request.providerOptions, optionLimits, optionLimits.check);
}

function checkInput({ kind }: EmbedInput): void {
  isGiven("kind", kind, "text, tokens, content");
  switch (kind.case) {
    case "text":
      if (kind.value === "") refuse("text", "must not be empty.");
      return;
    case "tokens":
      return within("tokens", kind.value, ({ ids }) => each("ids", ids, [1, 1_000_000], () => {}));
    case "content":
      return within("content", kind.value, ({ parts }) => each("parts", parts, [1, 1_000], checkPart));
  }
}
