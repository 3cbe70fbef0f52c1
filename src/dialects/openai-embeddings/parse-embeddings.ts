import { create } from "@bufbuild/protobuf";
import {
  type EmbedInput,
  EmbedInputSchema,
  type EmbedRequest,
  EmbedRequestSchema,
} from "../../../gen/trunkline/v1/embeddings_pb.ts";
import type { JsonBody } from "../json-body.ts";
import {
  invalid,
  type MemberReaders,
  memberReaders,
  type ParseNotes,
  Place,
  readMembers,
  toArray,
  toChoice,
  toInteger,
  toText,
  toWord,
} from "../json-read.ts";

/** How vectors are written in the answer. */
export type EncodingFormat = "float" | "base64";

export interface ParsedEmbeddings {
  readonly request: EmbedRequest;
  readonly encodingFormat: EncodingFormat;
  /** Members that no provider will see: this request is always built anew. */
  readonly unknown: readonly string[];
}

interface Draft extends ParseNotes {
  readonly request: EmbedRequest;
  encodingFormat: EncodingFormat;
}

/** Reads `POST /v1/embeddings`. @throws GatewayError `invalid_value` with `param` and `field` */
export function parseEmbeddingsRequest(body: JsonBody): ParsedEmbeddings {
  // The SDKs send `base64` by themselves; without a word the answer is numbers (edge cases 145, 146).
  const draft: Draft = { request: create(EmbedRequestSchema), encodingFormat: "float", unknown: [] };
  readMembers(body.value, Place.root, readers, draft, draft);
  const { request } = draft;
  if (request.model === "") throw invalid(Place.root.at("model"), "is required: the name of an embedding model.");
  if (request.inputs.length === 0) throw invalid(Place.root.at("input", "inputs"), "is required.");
  return draft;
}

const readers: MemberReaders<Draft, Draft> = memberReaders({
  model: ({ request }, value, at) => {
    request.model = toWord(value, at, 256);
  },
  input: [
    "inputs",
    ({ request }, value, at) => {
      request.inputs = toInputs(value, at);
    },
  ],
  dimensions: ({ request }, value, at) => {
    request.dimensions = toInteger(value, at, 1, 65_536);
  },
  encoding_format: (draft, value, at) => {
    draft.encodingFormat = toChoice(value, at, ["float", "base64"]);
  },
  user: [
    "end_user_id",
    ({ request }, value, at) => {
      const user = toWord(value, at, 512, 0);
      if (user !== "") request.endUserId = user;
    },
  ],
  input_type: ({ request }, value, at) => {
    request.inputType = toWord(value, at, 64);
  },
  truncate: ({ request }, value, at) => {
    request.truncate = toWord(value, at, 64);
  },
});

const maxInputs = 2_048;
const maxTokens = 1_000_000;

/** A text, an array of texts, the tokens of one text, or an array of such. */
function toInputs(value: unknown, place: Place): EmbedInput[] {
  if (typeof value === "string") return [textInput(value, place)];
  if (!Array.isArray(value)) throw invalid(place, "must be a string, an array of strings or an array of tokens.");
  if (typeof value[0] === "number") return [tokensInput(value, place)];
  if (value.length === 0) throw invalid(place, "must not be empty.");
  return toArray(value, place, maxInputs).map((entry, i) =>
    Array.isArray(entry) ? tokensInput(entry, place.at(i)) : textInput(entry, place.at(i)),
  );
}

function textInput(value: unknown, place: Place): EmbedInput {
  const text = toText(value, place);
  if (text === "") throw invalid(place, "must not be an empty string.");
  return create(EmbedInputSchema, { kind: { case: "text", value: text } });
}

function tokensInput(value: unknown, place: Place): EmbedInput {
  const ids = toArray(value, place, maxTokens).map((token, i) => toInteger(token, place.at(i), 0));
  if (ids.length === 0) throw invalid(place, "must hold at least one token.");
  return create(EmbedInputSchema, { kind: { case: "tokens", value: { ids } } });
}
