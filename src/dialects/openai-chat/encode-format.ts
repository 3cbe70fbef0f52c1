import type { ResponseFormat } from "../../../gen/trunkline/v1/chat_pb.ts";
import type { LossReport } from "../../domain/loss.ts";
import { invalidValue, jsonText } from "../json-splice.ts";
import type { JsonMembers } from "../json-text.ts";
import type { ChatQuirks } from "./quirks.ts";

/** The member that says what form the answer has. @throws GatewayError `invalid_value` for a form that is not taken */
export function encodeFormat({ kind }: ResponseFormat, quirks: ChatQuirks, losses: LossReport): JsonMembers {
  switch (kind.case) {
    case "jsonObject":
      return { response_format: { type: "json_object" } };
    case "jsonSchema": {
      const { name, description, schema, strict } = kind.value;
      const field = "response_format.json_schema.schema";
      if (quirks.jsonSchema === "in-prompt") {
        losses.approximate("response_format.json_schema", "is asked for in the prompt: this provider knows JSON only.");
        return { response_format: { type: "json_object" } };
      }
      const json_schema = {
        name: name || "answer",
        ...(description && { description }),
        schema: jsonText(schema, field),
        ...(strict !== undefined && { strict }),
      };
      return { response_format: { type: "json_schema", json_schema } };
    }
    case "grammar": {
      if (quirks.grammars) return { structured_outputs: grammar(kind.value) };
      throw invalidValue("response_format.grammar", "cannot be sent: this provider takes text, JSON or a JSON schema.");
    }
    default:
      return { response_format: { type: "text" } };
  }
}

/** vLLM's: an expression of its own kind, or a grammar in any syntax that its backend reads. */
function grammar({ syntax, definition }: { readonly syntax: string; readonly definition: string }): JsonMembers {
  return syntax === "regex" ? { regex: definition } : { grammar: definition };
}

/** What stands in the prompt where the server cannot be told a schema. */
export function schemaPrompt({ kind }: ResponseFormat): string | null {
  if (kind.case !== "jsonSchema") return null;
  const { description, schema } = kind.value;
  return [
    "Answer with a JSON object that fits this JSON Schema, and with nothing else.",
    ...(description ? [description] : []),
    schema,
  ].join("\n");
}
