import type { ChatRequest } from "../../../gen/trunkline/v1/chat_pb.ts";
import type { Part } from "../../../gen/trunkline/v1/message_pb.ts";
import { GatewayError } from "../../domain/errors.ts";

/**
 * An error with its field also in the words of chat completions. One chat message is one message of the contract, but
 * its parts come from several members: `messages[1].parts[2].tool_call.arguments` may be
 * `messages[1].tool_calls[0].function.arguments`.
 */
export function withParam(error: GatewayError, request: ChatRequest): GatewayError {
  const { field, param } = error.detail;
  if (field === undefined || param !== undefined) return error;
  const [, message, number, rest = ""] = /^(messages\[(\d+)\])\.parts\[(\d+)\]/.exec(field) ?? [];
  if (message === undefined) return error;
  const parts = request.messages[Number(number)]?.parts ?? [];
  const at = Number(rest);
  const part = parts[at];
  if (!part) return error;
  const inner = field.slice(`${message}.parts[${at}]`.length);
  return new GatewayError(
    error.code,
    error.message,
    { ...error.detail, param: message + placeOf(part, parts.slice(0, at)) + namesOf(part, inner) },
    { cause: error.cause },
  );
}

function placeOf({ kind }: Part, before: readonly Part[]): string {
  if (kind.case === "toolCall") return `.tool_calls[${before.filter((part) => part.kind.case === "toolCall").length}]`;
  if (kind.case === "toolResult") return "";
  if (kind.case === "reasoning") return ".reasoning_content";
  const content = before.filter(({ kind: { case: name } }) => name !== "reasoning" && name !== "toolCall");
  return `.content[${content.length}]`;
}

/** What is inside a part, by the names that both sides have for it. */
function namesOf({ kind }: Part, inner: string): string {
  switch (kind.case) {
    case "toolCall":
      return inner.replace(/^\.tool_call\.(arguments|name)$/, ".function.$1").replace(/^\.tool_call/, "");
    case "toolResult":
      return inner
        .replace(/^\.tool_result\.call_id$/, ".tool_call_id")
        .replace(/^\.tool_result(?:\.parts)?/, ".content");
    case "image":
      return /^\.image(?:\.media.*)?$/.test(inner) ? ".image_url.url" : inner.replace(/^\.image\b/, ".image_url");
    case "audio":
      return inner.replace(/^\.audio.*$/, ".input_audio");
    case "file":
      return inner.replace(/^\.file\.media.*$/, ".file.file_data");
    case "video":
      return inner.replace(/^\.video.*$/, ".video_url");
    default:
      return inner;
  }
}
