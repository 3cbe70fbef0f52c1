import type { ChatRequest } from "../../../gen/trunkline/v1/chat_pb.ts";
import type { MemberReader, MemberTable, ParseNotes } from "../json-read.ts";
import type { JsonSlice } from "../json-slice.ts";

/** A request that is being read: what is known so far, and what the readers of single members must see beside it. */
export interface MessagesDraft extends ParseNotes {
  readonly request: ChatRequest;
  /** The caller's JSON as text, for values that parsing would change. */
  readonly json: JsonSlice;
  stream: boolean;
  /** Members that the contract has no field for and this dialect's provider knows: their JSON text by name. */
  readonly native: Map<string, string>;
  /** Names of the tools that were called, by call id. */
  readonly calls: Map<string, string>;
}

export type MessagesTable = MemberTable<MessagesDraft, MessagesDraft>;
export type MessagesReader = MemberReader<MessagesDraft, MessagesDraft>;
