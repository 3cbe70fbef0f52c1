/** What the configuration must know of a kind of provider to accept an instance of it. */
export interface ProviderKind {
  /** Adapter that translates, by its kind in the catalog of providers. */
  readonly adapter: string;
  /** Where its own servers are, as its official SDK takes it; null when every installation has its own. */
  readonly baseUrl: string | null;
  /** Whether those servers speak their dialect to the letter. */
  readonly exact: boolean;
  /** Whether those servers ask for no key. */
  readonly keyless?: boolean;
}

/** Kinds by name. */
export const providerKinds: ReadonlyMap<string, ProviderKind> = new Map([
  ["openai", { adapter: "openai", baseUrl: "https://api.openai.com/v1", exact: true }],
  ["anthropic", { adapter: "anthropic", baseUrl: "https://api.anthropic.com", exact: true }],
  ["gemini", { adapter: "gemini", baseUrl: "https://generativelanguage.googleapis.com", exact: true }],
  ["groq", { adapter: "groq", baseUrl: "https://api.groq.com/openai/v1", exact: false }],
  ["xai", { adapter: "xai", baseUrl: "https://api.x.ai/v1", exact: false }],
  ["ollama", { adapter: "ollama", baseUrl: "http://localhost:11434", exact: false, keyless: true }],
  ["deepseek", { adapter: "deepseek", baseUrl: "https://api.deepseek.com", exact: false }],
  ["openrouter", { adapter: "openrouter", baseUrl: "https://openrouter.ai/api/v1", exact: false }],
  ["mistral", { adapter: "mistral", baseUrl: "https://api.mistral.ai/v1", exact: false }],
  ["azure", { adapter: "azure", baseUrl: null, exact: false }],
  ["bedrock", { adapter: "bedrock", baseUrl: null, exact: false }],
  ["cohere", { adapter: "cohere", baseUrl: "https://api.cohere.com", exact: false }],
  ["vertex", { adapter: "vertex", baseUrl: null, exact: false }],
  ["vllm", { adapter: "vllm", baseUrl: null, exact: false }],
]);

/** Names of the kinds that can be served, for messages. */
export const servedKinds: readonly string[] = [...providerKinds.keys()];

/** The kind that an instance's name begins with: `openai` for `openai-east`; undefined when it names none. */
export function kindOfName(instance: string): string | undefined {
  const prefix = instance.split("-", 1)[0] ?? instance;
  return providerKinds.has(prefix) ? prefix : undefined;
}
