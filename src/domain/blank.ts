import type { ChatRequest, ChatResponse, Choice } from "../../gen/trunkline/v1/chat_pb.ts";
import { type ChatMessage, type Part, Role } from "../../gen/trunkline/v1/message_pb.ts";
import { type Completed, type Finished, FinishReason, type Started } from "../../gen/trunkline/v1/stream_pb.ts";
import type { ServedBy } from "../../gen/trunkline/v1/usage_pb.ts";

/**
 * Empty messages of the types that every request makes, written out: `create` fills its messages member by member from
 * their descriptors, which took a twentieth of a small request's time. A test holds them to `create`.
 */
export function blankChatRequest(): ChatRequest {
  return {
    $typeName: "trunkline.v1.ChatRequest",
    model: "",
    messages: [],
    tools: [],
    stop: [],
    lossPolicy: 0,
    fallbackModels: [],
    logitBias: [],
    safetySettings: [],
    metadata: {},
    providerOptions: {},
    include: [],
  };
}

export function chatMessage(role: Role, parts: Part[]): ChatMessage {
  return { $typeName: "trunkline.v1.ChatMessage", role, parts };
}

export function partOf(kind: Part["kind"]): Part {
  return { $typeName: "trunkline.v1.Part", kind, annotations: [], id: "", status: "" };
}

export function textPart(text: string): Part {
  return partOf({ case: "text", value: text });
}

export function blankChatResponse(): ChatResponse {
  return {
    $typeName: "trunkline.v1.ChatResponse",
    id: "",
    model: "",
    choices: [],
    notices: [],
    moderation: [],
    providerData: {},
    serviceTier: "",
    metadata: {},
    requestId: "",
  };
}

export function blankChoice(index: number): Choice {
  return {
    $typeName: "trunkline.v1.Choice",
    index,
    message: chatMessage(Role.ASSISTANT, []),
    finishReason: FinishReason.UNSPECIFIED,
    nativeFinishReason: "",
    finishMessage: "",
    logprobs: [],
    safetyRatings: [],
  };
}

export function blankStarted(id: string, model: string): Started {
  return { $typeName: "trunkline.v1.Started", id, model };
}

export function blankFinished(reason: FinishReason, native: string): Finished {
  return { $typeName: "trunkline.v1.Finished", reason, native, message: "", safetyRatings: [] };
}

export function blankCompleted(): Completed {
  return { $typeName: "trunkline.v1.Completed", serviceTier: "", moderation: [], providerData: {} };
}

export function blankServedBy(): ServedBy {
  return {
    $typeName: "trunkline.v1.ServedBy",
    provider: "",
    instance: "",
    model: "",
    region: "",
    upstreamRequestId: "",
    cacheStatus: "",
    simulated: false,
  };
}
