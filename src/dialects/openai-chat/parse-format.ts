import { create } from "@bufbuild/protobuf";
import {
  JsonSchemaFormatSchema,
  type ResponseFormat,
  ResponseFormatSchema,
} from "../../../gen/trunkline/v1/chat_pb.ts";
import { invalid, isSet, type Place, toBoolean, toChoice, toObject, toText, toWord } from "../json-read.ts";
import type { JsonSlice } from "../json-slice.ts";

const maxDescriptionBytes = 65_536;
const maxSchemaBytes = 1_048_576;

/** Reads `response_format`. The schema stays text, as the caller wrote it. */
export function toResponseFormat(value: unknown, place: Place, json: JsonSlice | undefined): ResponseFormat {
  const format = toObject(value, place);
  switch (toChoice(format.type, place.at("type", ""), ["text", "json_object", "json_schema"])) {
    case "text":
      return create(ResponseFormatSchema, { kind: { case: "text", value: {} } });
    case "json_object":
      return create(ResponseFormatSchema, { kind: { case: "jsonObject", value: {} } });
    case "json_schema": {
      const at = place.at("json_schema");
      const schema = toJsonSchema(format.json_schema, at, json?.member("json_schema"));
      return create(ResponseFormatSchema, { kind: { case: "jsonSchema", value: schema } });
    }
  }
}

function toJsonSchema(value: unknown, place: Place, json: JsonSlice | undefined) {
  const { name, description, schema, strict } = toObject(value, place);
  toObject(schema, place.at("schema"));
  const format = create(JsonSchemaFormatSchema, {
    name: toWord(name, place.at("name"), 128),
    schema: toText(json?.member("schema")?.text, place.at("schema")),
  });
  if (Buffer.byteLength(format.schema) > maxSchemaBytes) {
    throw invalid(place.at("schema"), `must have at most ${maxSchemaBytes} bytes.`);
  }
  if (isSet(strict)) format.strict = toBoolean(strict, place.at("strict"));
  if (!isSet(description)) return format;
  format.description = toText(description, place.at("description"));
  if (Buffer.byteLength(format.description) > maxDescriptionBytes) {
    throw invalid(place.at("description"), `must have at most ${maxDescriptionBytes} bytes.`);
  }
  return format;
}
