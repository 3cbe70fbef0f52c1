import type { JsonSchemaFormat } from "../../../gen/trunkline/v1/chat_pb.ts";
import { membersOf } from "../../dialects/json-splice.ts";
import { type JsonTree, RawJson } from "../../dialects/json-text.ts";
import { type Draft, unsupported } from "./draft.ts";
import { toSchemaSubset } from "./schema-subset.ts";

/** The shape of the answer: enforced by the provider, or asked for in words. */
export interface AnswerFormat {
  /** `output_config.format`. */
  readonly format: JsonTree | undefined;
  /** Instruction to add to the system prompt. */
  readonly instruction: string | undefined;
}

/** @throws GatewayError `unsupported_value` for grammars */
export function toAnswerFormat(draft: Draft): AnswerFormat {
  const kind = draft.request.responseFormat?.kind;
  switch (kind?.case) {
    case "jsonSchema":
      return toSchemaFormat(kind.value, draft);
    case "jsonObject":
      draft.losses.approximate(
        "response_format.json_object",
        "this provider enforces schemas only; the model is told.",
      );
      return { format: undefined, instruction: `${onlyJson}.` };
    case "grammar":
      throw unsupported(
        "response_format.grammar",
        "is not known to this provider. Allowed are text, json_object and json_schema.",
      );
    default:
      return { format: undefined, instruction: undefined };
  }
}

const onlyJson = "Answer with one JSON object and nothing else: no other text, no code fence";

function toSchemaFormat(wanted: JsonSchemaFormat, draft: Draft): AnswerFormat {
  const field = "response_format.json_schema";
  if (!draft.rules.jsonSchema) {
    membersOf(wanted.schema, `${field}.schema`);
    draft.losses.approximate(field, "this model enforces no schemas; it is told the schema in words.");
    return { format: undefined, instruction: `${onlyJson}. It must satisfy this JSON Schema: ${wanted.schema}` };
  }
  const schema = toSchemaSubset(wanted.schema, `${field}.schema`, draft.losses);
  return { format: { type: "json_schema", schema: describe(schema, wanted.description) }, instruction: undefined };
}

/** The provider has no place for the description of a format but the schema itself. */
function describe(schema: JsonTree, description: string): JsonTree {
  if (description === "") return schema;
  const members = schema instanceof RawJson ? membersOf(schema.text, "schema") : schema;
  // toSchemaSubset gives an object; its type allows every JSON value.
  const object = members as { readonly [member: string]: JsonTree };
  return "description" in object ? schema : { ...object, description };
}
