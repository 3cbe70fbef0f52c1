import type { ChatRequest } from "../../../gen/trunkline/v1/chat_pb.ts";
import type { ParseNotes } from "../json-read.ts";
import type { JsonMembers } from "../json-text.ts";

/** Where the parts of the contract's messages stand in the caller's words: `contents[2].parts[0]`. */
export type Origins = readonly (readonly string[])[];

/** A call of the conversation that waits for its result. */
export interface OpenCall {
  readonly id: string;
  /** Whether the caller gave the id. */
  readonly given: boolean;
  readonly name: string;
}

/** A request that is being read. */
export interface Parsing extends ParseNotes {
  readonly request: ChatRequest;
  /** Members that the contract has no field for and Google knows, kept for it should its request be built and not patched. */
  readonly native: {
    readonly top: JsonMembers;
    readonly generationConfig: JsonMembers;
    readonly toolConfig: JsonMembers;
    readonly speechConfig: JsonMembers;
    readonly imageConfig: JsonMembers;
    readonly thinkingConfig: JsonMembers;
  };
  /** Calls without a result so far, oldest first. */
  open: OpenCall[];
  /** How many calls came without an id. */
  unnamed: number;
}
