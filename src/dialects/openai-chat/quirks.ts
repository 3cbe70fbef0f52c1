import type { JsonMembers } from "../json-text.ts";

/** What encoding a request needs to know of the server. */
export interface ChatQuirks {
  /** Provider kind: whose `provider_options`, proofs and opaque parts are meant. */
  readonly kind: string;
  /** OpenAI itself refuses `max_tokens` for its newer models; others know nothing else. */
  readonly maxTokensName: "max_completion_tokens" | "max_tokens";
  /** OpenAI's word for who asks is new; others know the older one. */
  readonly endUserName: "safety_identifier" | "user";
  /** Whether the role `developer` is known; else it is sent as `system`. */
  readonly developerRole: boolean;
  /** The field that carries reasoning of earlier turns back; null where the server refuses it. */
  readonly reasoningField: "reasoning_content" | "reasoning" | null;
  /** Whether prompt caching takes marks on parts, and how: OpenAI's `prompt_cache_breakpoint` or `cache_control`. */
  readonly cacheMarks: boolean | "cache_control";
  /** Whether fields beyond OpenAI's own (`top_k`, `min_p`, `repetition_penalty`) are taken. */
  readonly extendedSampling: boolean;
  /**
   * The server knows what chat completions had from the beginning, and nothing of what only OpenAI added: custom tools,
   * `allowed_tools`, `phase`, refusals as parts, spoken answers by their id.
   */
  readonly basic?: boolean;
  /** Media that the model takes; absent: whatever chat completions have a part for. */
  readonly media?: readonly Medium[];
  /** Media that a tool's result may hold; absent: text alone, and media follow in a user's message. */
  readonly resultMedia?: readonly Medium[];
  /** Documents are `document_url` parts. */
  readonly documentUrls?: boolean;
  /** Recordings are the base64 text or the address itself, without a format. */
  readonly bareAudio?: boolean;
  /** Types of tools that the server runs itself; absent: any, but for OpenAI's own servers. */
  readonly hostedTools?: readonly string[];
  readonly webSearch?: WebSearchForm;
  readonly jsonSchema?: "in-prompt";
  /** Whether answers can be held to a grammar (`structured_outputs`). */
  readonly grammars?: boolean;
  readonly reasoning?: ReasoningForm;
  readonly messages?: MessageRules;
  readonly proofs?: ProofRules;
}

export type Medium = "image" | "audio" | "file" | "video";

/** How a search of the web is asked for; null where it cannot be. Absent: as OpenAI's `web_search_options`. */
export type WebSearchForm = { readonly tool: string } | "plugin" | "search_parameters" | null;

/** How much a model thinks, in the server's words. */
export interface ReasoningForm {
  /** Members by which callers of the same dialect may say it: left as they are. */
  readonly members: readonly string[];
  /** What each effort of the contract becomes: another word, or members of the server's own. Others are not taken. */
  readonly efforts: Readonly<Record<string, string | JsonMembers>>;
  /** Everything stands in OpenRouter's object `reasoning`, budgets included. */
  readonly object?: boolean;
  /** Reasoning is shown whether or not it is asked for, and cannot be kept back. */
  readonly alwaysShown?: boolean;
  /** What asks for the reasoning to be shown or kept back, where it can be asked. */
  readonly shown?: { readonly yes: JsonMembers; readonly no: JsonMembers };
}

/** What the server asks of a conversation beyond the form of single messages. */
export interface MessageRules {
  /** Content is one text: parts are joined. */
  readonly plainText?: boolean;
  /** Ids of tool calls are of this many letters and digits, and others are replaced. */
  readonly callIdLength?: number;
  /** Results of tools name their tool; other messages have no names. */
  readonly onlyToolsNamed?: boolean;
  /** Said by the model between a tool's result and the next user, where that may not follow. */
  readonly afterTools?: string;
  /** A last message of the model is marked `prefix`, for the answer to go on from it. */
  readonly prefix?: boolean;
  /** Every message of the model has the reasoning field, an empty one if need be. */
  readonly reasoningOnAll?: boolean;
}

/** Proofs of reasoning that the server takes back. */
export interface ProofRules {
  /** Whose proofs: those that the server itself issued or passed on for this model. */
  readonly issuers: readonly string[];
  /** As OpenRouter's `reasoning_details`, or as Mistral's parts of type `thinking`. */
  readonly form: "reasoning_details" | "thinking_parts";
}
