import type { FeatureName } from "../features.ts";
import type { Foreign } from "../foreign.ts";

/** What reached a provider, read from its own wire format and put in no format's words. */
export interface Reached {
  readonly stream: boolean;
  readonly system: string;
  /** Of all turns of the user. */
  readonly text: string;
  /** Base64, an address, or a data URL, wherever in the user's turns it stands. */
  readonly images: readonly string[];
  readonly documents: readonly string[];
  readonly sounds: readonly string[];
  /** Kinds of the parts of the user's turns, in order: `text image text`. */
  readonly order: string;
  readonly results: readonly { readonly text: string; readonly images: readonly string[]; readonly failed: boolean }[];
  /** Calls of earlier turns, as `name arguments`. */
  readonly calls: readonly string[];
  readonly tools: readonly { readonly name: string; readonly schema: unknown }[];
  /** `required`, `none` or a tool's name. */
  readonly choice: string | null;
  readonly oneCallAtATime: boolean;
  readonly schema: unknown;
  readonly isJson: boolean;
  /** Effort, level or budget in the provider's words. */
  readonly effort: string | null;
  readonly budget: unknown;
  /** Whether reasoning is turned off. */
  readonly isOff: boolean;
  /** What gives earlier reasoning back in the way that this provider demands. */
  readonly thoughts: readonly string[];
  readonly stop: readonly string[];
  readonly maxTokens: unknown;
  readonly choices: unknown;
  readonly logprobs: boolean;
  readonly topLogprobs: unknown;
  readonly seed: unknown;
  readonly temperature: unknown;
  readonly topP: unknown;
  readonly topK: unknown;
  readonly frequencyPenalty: unknown;
  readonly endUser: unknown;
}

/** A provider as the simulator plays it. Knows its wire format from the provider's documentation, not from src/. */
export interface Upstream {
  readonly name: string;
  /** Kind of provider and path of its dialect at the simulator. */
  readonly kind: string;
  readonly basePath: string;
  /** The model that a feature is asked of: one that can do it, where the provider has one. */
  model(feature: FeatureName): string;
  /** Whether it is the vendor's own server, which keeps to its dialect to the letter. */
  readonly isExact: boolean;
  /** Whether models that reason do so unasked; efforts then say nothing that is needed. */
  readonly thinksAnyway?: boolean;
  /** Entries of the instance's `models`, where the catalogue alone would not lead there. */
  readonly models?: readonly object[];
  /** Whether prompts are cached from marks on. */
  readonly needsCacheMark: boolean;
  read(body: Foreign, path: string): Reached;
}
