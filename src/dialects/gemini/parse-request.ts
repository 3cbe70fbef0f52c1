import { create } from "@bufbuild/protobuf";
import { CacheOptionsSchema, type LossPolicy, SafetySettingSchema } from "../../../gen/trunkline/v1/chat_pb.ts";
import { type ChatMessage, OpaquePartSchema, Role } from "../../../gen/trunkline/v1/message_pb.ts";
import { blankChatRequest, chatMessage, partOf } from "../../domain/blank.ts";
import type { ChatCall } from "../../domain/chat.ts";
import type { JsonBody } from "../json-body.ts";
import { invalid, Place, toObject, toWord } from "../json-read.ts";
import { type JsonMembers, toJsonText } from "../json-text.ts";
import { toProviderOptions } from "../openai-chat/parse-settings.ts";
import type { Origins, Parsing } from "./gemini-parsing.ts";
import { parseGenerationConfig } from "./parse-config.ts";
import { parseConversation } from "./parse-contents.ts";
import { parseToolConfig, parseTools } from "./parse-tools.ts";
import { enumWord, ProtoObject } from "./proto-object.ts";

/** A `generateContent` request, and what the edge must remember to answer it. */
export interface ParsedGemini {
  readonly call: ChatCall;
  readonly origins: Origins;
}

export interface GeminiAsked {
  readonly lossPolicy: LossPolicy;
  /** The model that the path names. */
  readonly model: string;
  /** Whether the path asks for a stream. */
  readonly stream: boolean;
  /** `countTokens`, whose body may hold a whole request. */
  readonly counting?: boolean;
}

/**
 * Reads `models/*:generateContent`, `:streamGenerateContent` and `:countTokens`, as wire.md §5 and the SDK's types have
 * them, members spelled in camel case or as the proto spells them.
 * @throws GatewayError `invalid_value` with `param` in this dialect's path and `field` in the contract's
 */
export function parseGenerateRequest(
  body: JsonBody,
  { lossPolicy, model, stream, counting }: GeminiAsked,
): ParsedGemini {
  const request = blankChatRequest();
  request.lossPolicy = lossPolicy;
  request.model = toWord(model, Place.root.at("model"), 256);
  const parsing: Parsing = {
    request,
    unknown: [],
    native: {
      top: {},
      generationConfig: {},
      toolConfig: {},
      speechConfig: {},
      imageConfig: {},
      thinkingConfig: {},
    },
    open: [],
    unnamed: 0,
  };
  const outer = new ProtoObject(body.value, Place.root, body.json);
  const root = (counting ? outer.object("generateContentRequest", "") : undefined) ?? outer;
  // The path names it.
  root.get("model");
  const { messages, origins } = parseConversation(root, parsing);
  request.messages = messages;
  const continuation = parseContinuation(root);
  if (continuation) request.messages.push(continuation);
  parseTools(root, parsing);
  parseToolConfig(root, parsing);
  parseGenerationConfig(root, parsing);
  parseSettings(root, parsing);
  root.noteRest(parsing, parsing.native.top);
  if (outer !== root) outer.noteRest(parsing);
  keepNative(parsing);
  const { bytes, members } = body;
  // A request inside of another is not a body that could be sent on.
  const source = { dialect: "gemini", bytes, members, unknown: parsing.unknown } as const;
  return { call: { request, stream, ...(outer === root && { source }) }, origins };
}

/** The token of a turn that was paused: in the contract, what its provider wants back at the end. */
function parseContinuation(root: ProtoObject): ChatMessage | undefined {
  const token = root.word("continuationToken", "messages", maxTokenChars, 0);
  if (!token) return undefined;
  const content = { case: "json", value: JSON.stringify({ continuationToken: token }) } as const;
  const value = create(OpaquePartSchema, { provider: "gemini", type: "continuationToken", content });
  return chatMessage(Role.ASSISTANT, [partOf({ case: "opaque", value })]);
}

const maxTokenChars = 65_536;
const maxSettings = 64;

function parseSettings(root: ProtoObject, { request }: Parsing): void {
  const safety = root.list("safetySettings", "safety_settings", maxSettings);
  if (safety) {
    request.safetySettings = safety.map(({ value, place, json }) => {
      const setting = new ProtoObject(value, place, json);
      const word = (name: "category" | "threshold") => toWord(setting.get(name), setting.at(name, name), 128);
      return create(SafetySettingSchema, { category: word("category"), threshold: word("threshold") });
    });
  }
  const cachedContent = root.word("cachedContent", "cache.cached_content", 512);
  if (cachedContent !== undefined) request.cache = create(CacheOptionsSchema, { cachedContent });
  const labels = root.get("labels");
  if (labels !== undefined) request.metadata = toLabels(labels, root.at("labels", "metadata"));
  const tier = root.get("serviceTier");
  const word = tier === undefined ? "" : enumWord(tier, root.at("serviceTier", "service_tier"), "SERVICE_TIER_");
  if (word !== "") request.serviceTier = word === "standard" ? "default" : word;
  const store = root.flag("store", "store");
  if (store !== undefined) request.store = store;
  const fallbacks = root.list("fallbackModels", "fallback_models", 8);
  if (fallbacks) request.fallbackModels = fallbacks.map(({ value, place }) => toWord(value, place, 256));
  const options = root.get("providerOptions");
  if (options !== undefined) {
    const at = root.at("providerOptions", "provider_options");
    request.providerOptions = toProviderOptions(options, at, root.slice("providerOptions"));
    if (Object.hasOwn(request.providerOptions, "gemini")) {
      throw invalid(at.at("gemini"), "cannot be set here: write its members beside the others.");
    }
  }
}

const maxLabels = 16;

function toLabels(value: unknown, place: Place): Record<string, string> {
  const entries = Object.entries(toObject(value, place));
  if (entries.length > maxLabels) throw invalid(place, `must have at most ${maxLabels} pairs.`);
  // fromEntries defines own properties, so that a pair named `__proto__` is a pair like any other.
  return Object.fromEntries(
    entries.map(([key, label]) => [toWord(key, place, 64), toWord(label, place.at(key), 512, 0)]),
  );
}

/** What Google alone knows, as its options: for a request that is built and not patched. */
function keepNative({ request, native }: Parsing): void {
  const { top, generationConfig, toolConfig, speechConfig, imageConfig, thinkingConfig } = native;
  const config: JsonMembers = { ...generationConfig };
  for (const [name, members] of Object.entries({ speechConfig, imageConfig, thinkingConfig })) {
    if (Object.keys(members).length > 0) config[name] = members;
  }
  const options: JsonMembers = {
    ...top,
    ...(Object.keys(config).length > 0 && { generationConfig: config }),
    ...(Object.keys(toolConfig).length > 0 && { toolConfig }),
  };
  if (Object.keys(options).length === 0) return;
  request.providerOptions = { ...request.providerOptions, gemini: toJsonText(options) };
}
