import { type Fields, isFields } from "../openai-chat/wire.ts";

/** What is told apart in the proofs of this dialect. Octets are the text's UTF-8, as `toProof` makes them. */
export const proofFormats = {
  /** `encrypted_content` of a reasoning item, whose visible text is a summary. */
  summary: "encrypted",
  /** The same of an item whose visible text is the reasoning itself, as open models show it. */
  text: "encrypted_text",
  /** `phase` of a message item: the contract has a place for it on whole turns only. */
  phase: "phase",
} as const;

/** Who issues the proofs of this dialect: encrypted reasoning of one provider means nothing to another. */
export function issuerOf(kind: string): string {
  return `${kind}/responses`;
}

/**
 * Items of tools that the provider runs itself, by type: the tool as the contract names it, and which members are its
 * output. All other members are its input, so that an item can be put together again as it was. Items of tools that
 * the caller has to run (computer, shell, patches, approvals), and those that are not listed, are opaque parts.
 */
export const hostedItems: ReadonlyMap<string, { readonly tool: string; readonly output: readonly string[] }> = new Map([
  ["web_search_call", { tool: "web_search", output: [] }],
  ["file_search_call", { tool: "file_search", output: ["results"] }],
  ["code_interpreter_call", { tool: "code_interpreter", output: ["outputs"] }],
  // Its result is a picture, and shown as one.
  ["image_generation_call", { tool: "image_generation", output: ["result"] }],
  ["mcp_call", { tool: "mcp", output: ["output", "error"] }],
]);

/** Item types of calls that wait for an item of the caller's. */
export const callersItems: ReadonlySet<string> = new Set([
  "computer_call",
  "local_shell_call",
  "shell_call",
  "apply_patch_call",
  "mcp_approval_request",
]);

/** A whole number at a name, 0 or more; undefined where there is none. */
export function indexOf(fields: Fields, name: string): number | undefined {
  const value = fields[name];
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

/** The objects of a list under their own positions; undefined for what is no object. */
export function entriesOf(fields: Fields, name: string): readonly (readonly [number, Fields])[] {
  const value = fields[name];
  if (!Array.isArray(value)) return [];
  return value.flatMap((one: unknown, at) => (isFields(one) ? [[at, one] as const] : []));
}

/** The issuer of OpenAI's own proofs. */
export const ownIssuer = issuerOf("openai");

/** What the gateway's own ids of items have after their prefix. */
export const madeHere = "tl_";

/** Whether an item's id was made by the gateway, for want of one of the provider's. */
export function isMadeHere(id: string): boolean {
  return /^[a-z]+_tl_/.test(id);
}
