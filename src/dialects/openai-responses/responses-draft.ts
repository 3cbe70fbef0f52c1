import type { MemberReader, MemberTable } from "../json-read.ts";
import type { ChatDraft } from "../openai-chat/chat-draft.ts";

/**
 * A request that is being read. It is a draft of chat completions too: settings that both formats write alike are read
 * by the same readers.
 */
export interface ResponsesDraft extends ChatDraft {
  /** Items of `input` that come from an earlier response; the caller's own follow them. */
  readonly inherited: number;
  /** Names of the tools that were called, by call id. */
  readonly calls: Map<string, string>;
  /** Whether the conversation holds items that this gateway cannot look into, calls among them perhaps. */
  hasOpaque: boolean;
  /** Position of the item that each part of each message was read from. */
  readonly origins: number[][];
}

export type ResponsesTable = MemberTable<ResponsesDraft, ResponsesDraft>;
export type ResponsesReader = MemberReader<ResponsesDraft, ResponsesDraft>;
