import { create } from "@bufbuild/protobuf";
import { ChatRequestSchema, type StreamChatResponse } from "../../gen/trunkline/v1/chat_pb.ts";
import { ChatMessageSchema, Role } from "../../gen/trunkline/v1/message_pb.ts";
import { type Finished, FinishReason, FinishReasonSchema } from "../../gen/trunkline/v1/stream_pb.ts";
import type { ServedBy, Usage } from "../../gen/trunkline/v1/usage_pb.ts";
import type { ChatClient, ChatPiece, ChatQuestion } from "./chat-client.ts";
import { CliError, exitCodes } from "./exit.ts";
import type { GatewayAddress } from "./gateway-address.ts";
import { createRpcClient, explainCall } from "./rpc-client.ts";

/** Chat by the typed service. */
export function createRpcChat(address: GatewayAddress): ChatClient {
  const client = createRpcClient(address);
  return {
    async firstModel(signal) {
      try {
        const { models } = await client.models.listModels({ pageSize: 1 }, { signal });
        const [first] = models;
        if (first === undefined)
          throw new CliError("The gateway lists no model; name one with --model.", exitCodes.failed);
        return first.name;
      } catch (error) {
        throw error instanceof CliError || signal.aborted ? error : explainCall(error, address);
      }
    },
    async *stream(question, signal) {
      try {
        for await (const event of client.chat.streamChat({ request: toRequest(question) }, { signal })) {
          yield* readEvent(event);
        }
      } catch (error) {
        throw signal.aborted ? error : explainCall(error, address);
      }
    },
  };
}

function toRequest({ model, system, prompt }: ChatQuestion) {
  const message = (role: Role, text: string) =>
    create(ChatMessageSchema, { role, parts: [{ kind: { case: "text", value: text } }] });
  return create(ChatRequestSchema, {
    model,
    messages: [...(system === null ? [] : [message(Role.SYSTEM, system)]), message(Role.USER, prompt)],
  });
}

function* readEvent({ event }: StreamChatResponse): Iterable<ChatPiece> {
  switch (event.case) {
    case "textDelta":
      yield { kind: "text", text: event.value };
      return;
    case "reasoningDelta":
      yield { kind: "reasoning", text: event.value };
      return;
    case "refusalDelta":
      yield { kind: "refusal", text: event.value };
      return;
    case "notice":
      yield { kind: "notice", text: event.value.message };
      return;
    case "started":
      if (event.value.servedBy) yield served(event.value.servedBy);
      return;
    case "usage":
      yield usagePiece(event.value);
      return;
    case "finished":
      yield { kind: "finished", reason: reasonWord(event.value) };
      return;
    case "completed":
      if (event.value.servedBy) yield served(event.value.servedBy);
      if (event.value.usage) yield usagePiece(event.value.usage);
      return;
    default: // parts, citations, media: nothing that a line of text shows
  }
}

/** `stop` for every ordinary end, whatever the provider calls it; else the provider's word, or ours. */
function reasonWord({ reason, native }: Finished): string {
  if (reason === FinishReason.STOP) return "stop";
  return native || (FinishReasonSchema.value[reason]?.localName ?? "unknown").toLowerCase();
}

function served({ instance, provider, model, simulated }: ServedBy): ChatPiece {
  return { kind: "served", by: [instance || provider, model].join("/"), simulated };
}

function usagePiece({ inputTokens, outputTokens }: Usage): ChatPiece {
  return { kind: "usage", inputTokens, outputTokens };
}
