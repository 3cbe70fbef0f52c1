import { create, type Message } from "@bufbuild/protobuf";
import { type ChatRequest, LossPolicy } from "../../../gen/trunkline/v1/chat_pb.ts";
import { NoticeSchema } from "../../../gen/trunkline/v1/usage_pb.ts";
import type { Frame } from "../../domain/chat.ts";
import type { RequestContext } from "../../domain/context.ts";
import { GatewayError } from "../../domain/errors.ts";

/**
 * Fields of a binary request that are newer than this gateway: they could change what is asked, so the caller is told.
 * (In JSON they are refused when the request is read.)
 * @throws GatewayError `unsupported_parameter` under the REFUSE policy
 */
export function reportUnknown(request: ChatRequest, context: RequestContext): readonly Frame[] {
  const fields = unknownFields(request);
  if (fields.length === 0) return [];
  const message = "is newer than this gateway and was not used.";
  if (request.lossPolicy === LossPolicy.REFUSE) {
    const field = fields[0] ?? "";
    throw new GatewayError("unsupported_parameter", `${field} ${message}`, { field, retryable: false });
  }
  context.trail.note({ kind: "loss", losses: fields.map((field) => ({ field, action: "dropped", message })) });
  return fields.map((field) => ({
    case: "notice",
    value: create(NoticeSchema, { code: "unknown_field", field, message }),
    choice: 0,
    part: 0,
  }));
}

/** Where unknown fields are, such as `messages[2].parts[0]#1001`; none is the rule, so the way there is cheap. */
function unknownFields(request: ChatRequest): readonly string[] {
  const found = numbersOf(request, "");
  for (const [i, message] of request.messages.entries()) {
    found.push(...numbersOf(message, `messages[${i}]`));
    for (const [j, part] of message.parts.entries()) found.push(...numbersOf(part, `messages[${i}].parts[${j}]`));
  }
  for (const [i, tool] of request.tools.entries()) found.push(...numbersOf(tool, `tools[${i}]`));
  return found.slice(0, maxReported);
}

function numbersOf({ $unknown }: Message, path: string): string[] {
  return $unknown ? $unknown.map(({ no }) => `${path}#${no}`) : [];
}

const maxReported = 16;
