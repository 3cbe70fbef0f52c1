import { create } from "@bufbuild/protobuf";
import {
  type ChatRequest,
  JsonSchemaFormatSchema,
  type Reasoning,
  ReasoningSchema,
  type ResponseFormat,
  ResponseFormatSchema,
} from "../../../gen/trunkline/v1/chat_pb.ts";
import { GatewayError } from "../../domain/errors.ts";
import { isSet, noteUnknown, type Place, toArray, toBoolean, toChoice, toObject, toWord } from "../json-read.ts";
import type { JsonSlice } from "../json-slice.ts";
import { cacheTable } from "../openai-chat/parse-cache.ts";
import { samplingTable } from "../openai-chat/parse-sampling.ts";
import { settingsTable as chatSettings } from "../openai-chat/parse-settings.ts";
import { bounded, toDescription } from "../openai-chat/parse-tools.ts";
import type { ResponsesDraft, ResponsesReader, ResponsesTable } from "./responses-draft.ts";

const { temperature, top_p, top_logprobs, max_tool_calls, max_completion_tokens } = samplingTable;
const { model, fallback_models, service_tier, safety_identifier, user, store, metadata, moderation, provider_options } =
  chatSettings;
const { prompt_cache_key, prompt_cache_options, prompt_cache_retention } = cacheTable;

/** What is neither an item nor a tool. Members that are written as in chat completions are read as there. */
export const settingsTable: ResponsesTable = {
  ...{ model, fallback_models, service_tier, safety_identifier, user, store, metadata, moderation, provider_options },
  ...{ temperature, top_p, top_logprobs, max_tool_calls, max_output_tokens: max_completion_tokens },
  ...{ prompt_cache_key, prompt_cache_options, prompt_cache_retention },
  text: ["", readText],
  reasoning: readReasoning,
  include: readInclude,
  stream: (draft, value, at) => {
    draft.stream = toBoolean(value, at);
  },
  // Padding against side channels: it shapes the provider's bytes and means nothing to the contract.
  stream_options: (draft, value, at) => {
    noteUnknown(toObject(value, at), new Set(["include_obfuscation"]), at, draft);
  },
  truncation: ({ unknown }, value, at) => {
    // `disabled` is what happens without it.
    if (toChoice(value, at, ["auto", "disabled"]) === "auto") unknown.push(at.param);
  },
  previous_response_id: (_, value, at) => {
    toWord(value, at, 256);
  },
  background: (_, value, at) => {
    if (toBoolean(value, at)) throw unsupported(at, "must be false: this gateway answers while the caller waits.");
  },
  conversation: unstored("is kept by the provider. Use previous_response_id, or send the whole conversation."),
  prompt: unstored("is kept by the provider. Send its text as instructions and input."),
};

function unsupported({ param, field }: Place, rule: string): GatewayError {
  return new GatewayError("unsupported_parameter", `${param} ${rule}`, { param, field, retryable: false });
}

/** At the provider all callers of the gateway are one: what it keeps under a name is nobody's own. */
function unstored(rule: string): ResponsesReader {
  return (_, __, at) => {
    throw unsupported(at, rule);
  };
}

const knownOfText = new Set(["format", "verbosity"]);

function readText({ request, unknown, json }: ResponsesDraft, value: unknown, at: Place): void {
  const text = toObject(value, at);
  noteUnknown(text, knownOfText, at, { unknown });
  if (isSet(text.verbosity)) request.verbosity = toWord(text.verbosity, at.at("verbosity"), 64);
  if (isSet(text.format)) {
    const format = json.member("text")?.member("format");
    request.responseFormat = toFormat(text.format, at.at("format", "response_format"), format);
  }
}

function toFormat(value: unknown, place: Place, json: JsonSlice | undefined): ResponseFormat {
  const { type, name, description, schema, strict } = toObject(value, place);
  switch (toChoice(type, place.at("type", ""), ["text", "json_object", "json_schema"])) {
    case "text":
      return create(ResponseFormatSchema, { kind: { case: "text", value: {} } });
    case "json_object":
      return create(ResponseFormatSchema, { kind: { case: "jsonObject", value: {} } });
    case "json_schema": {
      const inner = place.at("", "json_schema");
      const at = inner.at("schema");
      toObject(schema, at);
      const format = create(JsonSchemaFormatSchema, {
        name: toWord(name, inner.at("name"), 128),
        schema: bounded(json?.member("schema")?.text, at, maxSchemaBytes),
      });
      if (isSet(strict)) format.strict = toBoolean(strict, inner.at("strict"));
      if (isSet(description)) format.description = toDescription(description, inner);
      return create(ResponseFormatSchema, { kind: { case: "jsonSchema", value: format } });
    }
  }
}

const maxSchemaBytes = 1_048_576;

const knownOfReasoning = new Set(["effort", "summary", "generate_summary"]);

function readReasoning({ request, unknown }: ResponsesDraft, value: unknown, at: Place): void {
  const settings = toObject(value, at);
  noteUnknown(settings, knownOfReasoning, at, { unknown });
  const { effort, summary, generate_summary: older } = settings;
  if (isSet(effort)) reasoningOf(request).effort = toWord(effort, at.at("effort"), 64);
  if (isSet(summary)) reasoningOf(request).summary = toWord(summary, at.at("summary"), 64);
  else if (isSet(older)) reasoningOf(request).summary = toWord(older, at.at("generate_summary", "summary"), 64);
}

function reasoningOf(request: ChatRequest): Reasoning {
  request.reasoning ??= create(ReasoningSchema);
  return request.reasoning;
}

/** Optional parts of an answer, in the contract's words. Those of what the caller itself sent mean nothing to it. */
const included: ReadonlyMap<string, string> = new Map([
  ["web_search_call.action.sources", "search_results"],
  ["web_search_call.results", "search_results"],
  ["file_search_call.results", "search_results"],
  ["code_interpreter_call.outputs", "hosted_tool_output"],
  ["reasoning.encrypted_content", "reasoning_proof"],
  ["message.input_image.image_url", ""],
  ["computer_call_output.output.image_url", ""],
]);

function readInclude({ request, unknown }: ResponsesDraft, value: unknown, at: Place): void {
  const wanted = new Set<string>();
  for (const [i, entry] of toArray(value, at, 32).entries()) {
    const name = toWord(entry, at.at(i), 64);
    const known = included.get(name);
    if (name === "message.output_text.logprobs") request.logprobs = true;
    else if (known === undefined) unknown.push(at.at(i).param);
    else if (known !== "") wanted.add(known);
  }
  request.include = [...wanted];
}
