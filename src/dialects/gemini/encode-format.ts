import { membersOf, objectText } from "../json-splice.ts";
import type { JsonMembers } from "../json-text.ts";
import { toSchema, unenforcedKeywords } from "./encode-schema.ts";
import { type Draft, unsupported } from "./gemini-draft.ts";

/** The shape of the answer: enforced by the provider, or asked for in words. */
export interface AnswerFormat {
  /** Members of `generationConfig`. */
  readonly config: JsonMembers;
  /** Instruction to add to the system prompt. */
  readonly instruction: string | undefined;
}

const json = { responseMimeType: "application/json" };
const onlyJson = "Answer with one JSON object and nothing else: no other text, no code fence";

/** @throws GatewayError `unsupported_value` for grammars */
export function toAnswerFormat(draft: Draft): AnswerFormat {
  const { request, rules, losses } = draft;
  const kind = request.responseFormat?.kind;
  // Models before 3 answer 400 to enforced JSON beside functions.
  const told = !rules.combines && request.tools.length > 0;
  const because = "this model enforces no JSON beside tools; it is told in words.";
  switch (kind?.case) {
    case "jsonObject":
      if (!told) return { config: json, instruction: undefined };
      losses.approximate("response_format.json_object", because);
      return { config: {}, instruction: `${onlyJson}.` };
    case "jsonSchema": {
      const field = "response_format.json_schema";
      const { schema, description } = kind.value;
      membersOf(schema, `${field}.schema`);
      const about = description === "" ? "" : ` It is: ${description}`;
      if (told) {
        losses.approximate(field, because);
        return { config: {}, instruction: `${onlyJson}. It must satisfy this JSON Schema: ${schema}${about}` };
      }
      const unenforced = rules.jsonSchema ? unenforcedKeywords(schema) : [];
      if (unenforced.length > 0) {
        losses.approximate(
          `${field}.schema`,
          `sent as it is; this provider does not enforce: ${unenforced.join(", ")}.`,
        );
      }
      const shape = rules.jsonSchema
        ? { responseJsonSchema: objectText(schema, `${field}.schema`) }
        : { responseSchema: toSchema(schema, `${field}.schema`, losses) };
      // Schemas have no place for what the answer as a whole is.
      return {
        config: { ...json, ...shape },
        instruction: description === "" ? undefined : `The answer is: ${description}`,
      };
    }
    case "grammar":
      throw unsupported(
        "response_format.grammar",
        "is not known to this provider. Allowed are text, json_object and json_schema.",
      );
    default:
      return { config: {}, instruction: undefined };
  }
}
