import type { DescMessage, Message } from "@bufbuild/protobuf";
import { pathToString } from "@bufbuild/protobuf/reflect";
import { createValidator } from "@bufbuild/protovalidate";
import { describe, expect, it } from "vitest";
import { ChatRequestSchema } from "../../gen/trunkline/v1/chat_pb.ts";
import { EmbedRequestSchema } from "../../gen/trunkline/v1/embeddings_pb.ts";
import { refusing } from "../../src/domain/bounds.ts";
import { checkChatBounds } from "../../src/domain/check-chat.ts";
import { checkEmbedBounds } from "../../src/domain/check-embeddings.ts";
import { GatewayError } from "../../src/domain/errors.ts";
import { randomFrom, randomMessage } from "./random-messages.ts";

const validator = createValidator();

describe.each([
  { name: "ChatRequest", desc: ChatRequestSchema, check: checkChatBounds, count: 2_500, fewest: 300 },
  { name: "EmbedRequest", desc: EmbedRequestSchema, check: checkEmbedBounds, count: 1_500, fewest: 300 },
])("checks by hand of $name", ({ desc, check, count, fewest }) => {
  it(`agree with the rules of proto/ on ${count} requests`, () => {
    const random = randomFrom(1);
    const verdicts = { valid: 0, invalid: 0 };
    for (let index = 0; index < count; index++) {
      const message = randomMessage(desc, random);
      const rules = violationsOf(desc, message);
      // The table pairs each schema with its own check, which the compiler cannot see.
      const field = fieldRefused(() => refusing(message, check as (request: Message) => void));
      if ((field === null) !== (rules.length === 0)) {
        throw new Error(`Request ${index}: by hand ${field ?? "valid"}, by the rules ${rules.join("; ") || "valid"}`);
      }
      // What is refused as a whole may be refused by hand at the place inside.
      if (field !== null)
        expect(
          rules.some((path) => field.startsWith(path)),
          `${field}: ${rules}`,
        ).toBe(true);
      verdicts[field === null ? "valid" : "invalid"]++;
    }
    expect(Math.min(verdicts.valid, verdicts.invalid), JSON.stringify(verdicts)).toBeGreaterThan(fewest);
  }, 120_000);
});

function violationsOf(desc: DescMessage, message: Message): readonly string[] {
  const { violations, error } = validator.validate(desc, message);
  if (error && !violations) throw error;
  return (violations ?? []).map(({ field }) => withoutKeys(pathToString(field)));
}

function fieldRefused(check: () => void): string | null {
  try {
    check();
    return null;
  } catch (error) {
    if (error instanceof GatewayError) return withoutKeys(error.detail.field ?? "");
    throw error;
  }
}

/** Our paths cut long keys short. */
function withoutKeys(path: string): string {
  return path.replaceAll(/\["[^"]*"\]/g, '[""]');
}
