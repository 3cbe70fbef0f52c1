import type { FeatureName } from "./features.ts";

/** A question in no format's words; an inbound writes it in its own. */
export interface Ask {
  readonly feature: FeatureName;
  readonly model: string;
  readonly stream: boolean;
  readonly system: string | null;
  /** Whether the system's text ends with a mark for the provider's prompt cache. */
  readonly cacheMark: boolean;
  readonly turns: readonly Turn[];
  /** Names of functions that take a city. */
  readonly tools: readonly string[];
  /** Names of functions that take nothing, and have no schema. */
  readonly bareTools: readonly string[];
  readonly toolChoice: "required" | "none" | { readonly name: string } | null;
  readonly oneCallAtATime: boolean;
  readonly format: "json" | "schema" | null;
  /** `none` turns it off. */
  readonly effort: string | null;
  /** Tokens of reasoning at most. */
  readonly budget: number | null;
  readonly showThoughts: boolean;
  readonly stop: readonly string[];
  readonly maxTokens: number | null;
  readonly choices: number | null;
  /** Likeliest tokens to tell at each place. */
  readonly topLogprobs: number | null;
  readonly seed: number | null;
  readonly temperature: number | null;
  readonly topP: number | null;
  readonly topK: number | null;
  readonly frequencyPenalty: number | null;
  /** Who asks, for the provider's abuse detection. */
  readonly endUser: string | null;
}

export type Turn =
  | { readonly kind: "user"; readonly parts: readonly AskPart[] }
  /** The model's turn exactly as this inbound gave it. */
  | { readonly kind: "echo"; readonly native: unknown }
  | { readonly kind: "calls"; readonly calls: readonly AskCall[] }
  | {
      readonly kind: "result";
      readonly callId: string;
      readonly name: string;
      readonly failed?: boolean;
      readonly parts: readonly AskPart[];
    };

export interface AskCall {
  readonly id: string;
  readonly name: string;
  /** JSON text. */
  readonly arguments: string;
}

export type AskPart =
  | { readonly kind: "text"; readonly text: string }
  /** Base64. */
  | { readonly kind: "image" | "document" | "audio"; readonly data: string }
  | { readonly kind: "link"; readonly url: string };

/** What every function of the matrix takes. */
export const citySchema = { type: "object", properties: { city: { type: "string" } }, required: ["city"] } as const;

/** What the answer must be where a schema is asked for: a form that every provider enforces. */
export const answerSchema = {
  type: "object",
  properties: { city: { type: "string" }, warm: { type: "boolean" } },
  required: ["city", "warm"],
  additionalProperties: false,
} as const;

/** A pixel of a PNG, an empty PDF and a moment of silence. Base64. */
export const png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/VscvDQAAAABJRU5ErkJggg==";
export const pdf = Buffer.from("%PDF-1.4\n%%EOF\n").toString("base64");
export const wav = Buffer.from(
  "RIFF$\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data\0\0\0\0",
  "latin1",
).toString("base64");
export const pictureUrl = "https://pictures.example/pixel.png";
