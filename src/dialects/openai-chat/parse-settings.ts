import { create } from "@bufbuild/protobuf";
import {
  type AudioOutput,
  AudioOutputSchema,
  type ChatRequest,
  type ModerationOptions,
  ModerationOptionsSchema,
  type OutputOptions,
  OutputOptionsSchema,
  PredictionSchema,
} from "../../../gen/trunkline/v1/chat_pb.ts";
import { invalid, type Place, toArray, toBoolean, toChoice, toObject, toText, toWord } from "../json-read.ts";
import type { JsonSlice } from "../json-slice.ts";
import type { ChatReader, ChatTable } from "./chat-draft.ts";
import { parseTextContent } from "./parse-content.ts";

/** What is neither a message, a tool, reasoning, caching nor a sampling number. */
export const settingsTable = {
  model: word("model", 256),
  fallback_models: ({ request }, value, at) => {
    request.fallbackModels = toArray(value, at, 8).map((name, i) => toWord(name, at.at(i), 256));
  },
  verbosity: word("verbosity", 64),
  service_tier: word("serviceTier", 64),
  speed: word("speed", 64),
  media_resolution: word("mediaResolution", 64),
  safety_identifier: ["end_user_id", word("endUserId", 512)],
  // Deprecated in favour of safety_identifier, which wins where both are given. Some clients send an empty one.
  user: [
    "end_user_id",
    ({ request }, value, at) => {
      const user = toWord(value, at, 512, 0);
      if (user !== "") request.endUserId ??= user;
    },
  ],
  store: ({ request }, value, at) => {
    request.store = toBoolean(value, at);
  },
  metadata: ({ request }, value, at) => {
    request.metadata = toLabels(value, at);
  },
  prediction: ({ request }, value, at) => {
    const { type, content } = toObject(value, at);
    toChoice(type, at.at("type", ""), ["content"]);
    request.prediction = create(PredictionSchema, { parts: parseTextContent(content, at.at("content", "parts")) });
  },
  modalities: [
    "output.modalities",
    ({ request }, value, at) => {
      outputOf(request).modalities = toArray(value, at, 8).map((name, i) => toWord(name, at.at(i), 64));
    },
  ],
  audio: [
    "output.audio",
    ({ request }, value, at) => {
      outputOf(request).audio = toAudioOutput(value, at);
    },
  ],
  moderation: ({ request }, value, at) => {
    request.moderation = toModeration(value, at);
  },
  provider_options: ({ request, json }, value, at) => {
    request.providerOptions = toProviderOptions(value, at, json.member("provider_options"));
  },
} satisfies ChatTable;

type WordField = "model" | "verbosity" | "serviceTier" | "speed" | "mediaResolution" | "endUserId";

function word(field: WordField, most: number): ChatReader {
  return ({ request }, value, at) => {
    request[field] = toWord(value, at, most);
  };
}

function outputOf(request: ChatRequest): OutputOptions {
  request.output ??= create(OutputOptionsSchema);
  return request.output;
}

function toAudioOutput(value: unknown, place: Place): AudioOutput {
  const { format, voice } = toObject(value, place);
  const at = place.at("voice");
  // A voice is a name, or an object with the id of one that the caller made.
  const name =
    typeof voice === "string" ? toWord(voice, at, 256) : toWord(toObject(voice, at).id, at.at("id", ""), 256);
  return create(AudioOutputSchema, { format: toWord(format, place.at("format"), 64), voice: name });
}

function toModeration(value: unknown, place: Place): ModerationOptions {
  const { model, policy } = toObject(value, place);
  const moderation = create(ModerationOptionsSchema);
  if (model !== undefined) moderation.model = toWord(model, place.at("model"), 256);
  const sides = toObject(policy ?? {}, place.at("policy", ""));
  for (const side of ["input", "output"] as const) {
    if (sides[side] === undefined) continue;
    const at = place.at("policy", "").at(side);
    moderation[side] = toWord(toObject(sides[side], at).mode, at.at("mode", ""), 64);
  }
  return moderation;
}

const maxLabels = 16;

function toLabels(value: unknown, place: Place): Record<string, string> {
  const entries = Object.entries(toObject(value, place));
  if (entries.length > maxLabels) throw invalid(place, `must have at most ${maxLabels} pairs.`);
  // fromEntries defines own properties, so that a pair named `__proto__` is a pair like any other.
  return Object.fromEntries(
    entries.map(([key, label]) => {
      toWord(key, place, 64);
      return [key, toWord(label, place.at(key), 512, 0)];
    }),
  );
}

const maxProviders = 16;
const maxOptionsBytes = 65_536;

/** Settings for single providers, each the text of an object. @throws GatewayError `invalid_value` */
export function toProviderOptions(value: unknown, place: Place, json: JsonSlice | undefined): Record<string, string> {
  const entries = Object.entries(toObject(value, place));
  if (entries.length > maxProviders) throw invalid(place, `must name at most ${maxProviders} providers.`);
  return Object.fromEntries(
    entries.map(([kind, options]) => {
      toWord(kind, place, 64);
      const at = place.at(kind);
      toObject(options, at);
      const text = toText(json?.member(kind)?.text, at);
      if (Buffer.byteLength(text) > maxOptionsBytes) throw invalid(at, `must have at most ${maxOptionsBytes} bytes.`);
      return [kind, text];
    }),
  );
}
