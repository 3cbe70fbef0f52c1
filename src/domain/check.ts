import type { ChatRequest } from "../../gen/trunkline/v1/chat_pb.ts";
import type { EmbedRequest } from "../../gen/trunkline/v1/embeddings_pb.ts";
import { checkChat } from "./check-chat.ts";
import { checkEmbed } from "./check-embeddings.ts";

/** What an edge asks the gateway for, as far as the contract bounds it. */
type Checked =
  | { readonly kind: "chat" | "count_tokens"; readonly call: { readonly request: ChatRequest } }
  | { readonly kind: "embeddings"; readonly request: EmbedRequest };

/** The contract's bounds, for every edge alike. @throws GatewayError `invalid_value` naming the field */
export function check(work: Checked): void {
  if (work.kind === "embeddings") checkEmbed(work.request);
  else checkChat(work.call.request);
}
