import { create } from "@bufbuild/protobuf";
import {
  CacheOptionsSchema,
  type ChatRequest,
  JsonSchemaFormatSchema,
  type Reasoning,
  ReasoningSchema,
  ResponseFormatSchema,
} from "../../../gen/trunkline/v1/chat_pb.ts";
import { GatewayError } from "../../domain/errors.ts";
import {
  invalid,
  isSet,
  noteUnknown,
  type Place,
  toArray,
  toBoolean,
  toChoice,
  toInteger,
  toNumber,
  toObject,
  toText,
  toWord,
} from "../json-read.ts";
import type { JsonSlice } from "../json-slice.ts";
import { toCacheMark } from "../openai-chat/parse-cache.ts";
import { toProviderOptions } from "../openai-chat/parse-settings.ts";
import type { MessagesDraft, MessagesReader, MessagesTable } from "./messages-draft.ts";

/** What is neither a message nor a tool. */
export const settingsTable: MessagesTable = {
  model: ({ request }, value, at) => {
    request.model = toWord(value, at, 256);
  },
  max_tokens: [
    "max_output_tokens",
    ({ request }, value, at) => {
      request.maxOutputTokens = toInteger(value, at, 0);
    },
  ],
  temperature: number("temperature", 2),
  top_p: number("topP", 1),
  top_k: ({ request }, value, at) => {
    request.topK = toInteger(value, at, 0);
  },
  stop_sequences: [
    "stop",
    ({ request }, value, at) => {
      request.stop = toArray(value, at, 16).map((text, i) => toWord(text, at.at(i), 256));
    },
  ],
  metadata: [
    "",
    ({ request, unknown }, value, at) => {
      const metadata = toObject(value, at);
      noteUnknown(metadata, new Set(["user_id"]), at, { unknown });
      if (isSet(metadata.user_id)) request.endUserId = toWord(metadata.user_id, at.at("user_id", "end_user_id"), 512);
    },
  ],
  service_tier: ({ request }, value, at) => {
    const tier = toWord(value, at, 64);
    request.serviceTier = tier === "standard_only" ? "default" : tier;
  },
  speed: ({ request }, value, at) => {
    const speed = toWord(value, at, 64);
    // The word for what happens without one.
    if (speed !== "standard") request.speed = speed;
  },
  cache_control: [
    "cache",
    ({ request }, value, at) => {
      const { ttl } = toCacheMark(value, at);
      request.cache = create(CacheOptionsSchema, { mode: "implicit", ...(ttl && { ttl }) });
    },
  ],
  thinking: ["reasoning", readThinking],
  output_config: ["", readOutputConfig],
  // The name that it had before output_config.
  output_format: [
    "response_format",
    ({ request, json }, value, at) => readFormat(request, value, at, json.member("output_format")),
  ],
  fallback_models: ({ request }, value, at) => {
    request.fallbackModels = toArray(value, at, 8).map((name, i) => toWord(name, at.at(i), 256));
  },
  provider_options: ({ request, json }, value, at) => {
    const options = toProviderOptions(value, at, json.member("provider_options"));
    if (Object.hasOwn(options, "anthropic")) {
      throw invalid(at.at("anthropic"), "cannot be set here: write its members beside the others.");
    }
    request.providerOptions = options;
  },
  // The provider would hold the conversation: other targets could not go on with it, and nobody here would see it. SDKs
  // that are told so send all of it themselves.
  thread: (_, __, at) => {
    const { param, field } = at;
    const rule = "is not taken by this gateway. Send the whole conversation.";
    throw new GatewayError("unsupported_parameter", `${param} ${rule}`, { param, field, retryable: false });
  },
  stream: (draft, value, at) => {
    draft.stream = toBoolean(value, at);
  },
  ...Object.fromEntries(
    [
      ...["container", "context_management", "mcp_servers", "inference_geo", "diagnostics", "fallbacks", "compaction"],
      ...["fallback_credit_token", "billing_policy"],
    ].map((name) => [name, readNative]),
  ),
};

function number(field: "temperature" | "topP", most: number): MessagesReader {
  return ({ request }, value, at) => {
    request[field] = toNumber(value, at, 0, most);
  };
}

/** What only this dialect's provider knows: kept for it, and reported as lost to any other. */
function readNative({ native, unknown, json }: MessagesDraft, _: unknown, at: Place): void {
  native.set(at.param, json.member(at.param)?.text ?? "null");
  unknown.push(at.param);
}

/** The contract's "the model decides". */
const modelDecides = -1;

function reasoningOf(request: ChatRequest): Reasoning {
  request.reasoning ??= create(ReasoningSchema);
  return request.reasoning;
}

const knownOfThinking = new Set(["type", "budget_tokens", "display"]);

function readThinking({ request, unknown }: MessagesDraft, value: unknown, at: Place): void {
  const thinking = toObject(value, at);
  const type = toWord(thinking.type, at.at("type", ""), 64);
  noteUnknown(thinking, knownOfThinking, at, { unknown });
  const { budget_tokens: budget, display } = thinking;
  if (type === "enabled") {
    reasoningOf(request).budgetTokens = toInteger(budget, at.at("budget_tokens"), 1);
  } else if (type === "adaptive") reasoningOf(request).budgetTokens = modelDecides;
  else if (type === "disabled") reasoningOf(request).budgetTokens = 0;
  // Kinds of thinking newer than the contract.
  else unknown.push(at.at("type").param);
  if (!isSet(display)) return;
  const word = toChoice(display, at.at("display", "include_text"), ["summarized", "omitted"]);
  reasoningOf(request).includeText = word === "summarized";
}

const knownOfOutput = new Set(["effort", "format"]);

function readOutputConfig(draft: MessagesDraft, value: unknown, at: Place): void {
  const { request, native, unknown, json } = draft;
  const config = toObject(value, at);
  noteUnknown(config, knownOfOutput, at, { unknown });
  const slice = json.member("output_config");
  const others = Object.keys(config).filter((name) => !knownOfOutput.has(name) && isSet(config[name]));
  if (others.length > 0) {
    const members = others.map((name) => `${JSON.stringify(name)}:${slice?.member(name)?.text ?? "null"}`);
    native.set("output_config", `{${members.join(",")}}`);
  }
  if (isSet(config.effort))
    reasoningOf(request).effort = toWord(config.effort, at.at("effort", "reasoning.effort"), 64);
  if (isSet(config.format))
    readFormat(request, config.format, at.at("format", "response_format"), slice?.member("format"));
}

const maxSchemaBytes = 1_048_576;

function readFormat(request: ChatRequest, value: unknown, place: Place, json: JsonSlice | undefined): void {
  const { type, schema } = toObject(value, place);
  toChoice(type, place.at("type", ""), ["json_schema"]);
  const at = place.at("schema", "json_schema.schema");
  toObject(schema, at);
  const text = toText(json?.member("schema")?.text, at);
  if (Buffer.byteLength(text) > maxSchemaBytes) throw invalid(at, `must have at most ${maxSchemaBytes} bytes.`);
  const format = create(JsonSchemaFormatSchema, { schema: text, strict: true });
  request.responseFormat = create(ResponseFormatSchema, { kind: { case: "jsonSchema", value: format } });
}

/**
 * Effort and budget are one wish in the contract, and two members here. "Adaptive, this hard" is an effort; no thinking is
 * no thinking, however much effort goes into the rest; and beside a budget the effort is the coarser of the two.
 */
export function settleReasoning({ request, unknown }: MessagesDraft): void {
  const { reasoning } = request;
  if (reasoning?.budgetTokens === undefined) return;
  const { effort, budgetTokens } = reasoning;
  if (budgetTokens === 0) {
    delete reasoning.budgetTokens;
    reasoning.effort = "none";
    if (effort !== undefined) unknown.push("output_config.effort");
  } else if (effort !== undefined) {
    if (budgetTokens === modelDecides) delete reasoning.budgetTokens;
    else {
      delete reasoning.effort;
      unknown.push("output_config.effort");
    }
  }
}
