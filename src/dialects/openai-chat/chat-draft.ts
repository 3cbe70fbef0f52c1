import type { ChatRequest } from "../../../gen/trunkline/v1/chat_pb.ts";
import type { MemberReader, MemberTable, ParseNotes } from "../json-read.ts";
import type { JsonSlice } from "../json-slice.ts";

/** A request that is being read: what is known so far, and what the readers of single members must see beside it. */
export interface ChatDraft extends ParseNotes {
  readonly request: ChatRequest;
  /** The caller's JSON as text, for values that parsing would change. */
  readonly json: JsonSlice;
  stream: boolean;
  hasStreamOptions: boolean;
  includeUsage: boolean;
  legacyFunctions: boolean;
}

export type ChatTable = MemberTable<ChatDraft, ChatDraft>;
export type ChatReader = MemberReader<ChatDraft, ChatDraft>;
