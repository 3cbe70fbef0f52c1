import { membersOf } from "../../dialects/json-splice.ts";
import { type JsonMembers, toJsonText } from "../../dialects/json-text.ts";
import type { ChatCall } from "../../domain/chat.ts";
import type { Target } from "../../domain/target.ts";
import { claudeName } from "../anthropic/models.ts";
import type { ProviderRequest } from "../provider.ts";

/** Whether Anthropic publishes a model, which then speaks Messages. */
export function isClaude(model: string): boolean {
  return claudeName(model) !== null;
}

/** The version of Messages, which at Vertex stands in the body. */
const version = "vertex-2023-10-16";

/** A call as Anthropic's adapter expects it: what is meant for this platform is meant for it. */
export function asAnthropic(call: ChatCall): ChatCall {
  const { vertex, anthropic: _, ...others } = call.request.providerOptions;
  const providerOptions = vertex === undefined ? others : { ...others, anthropic: vertex };
  return { ...call, request: { ...call.request, providerOptions } };
}

/** A Messages request as Vertex takes it: the model stands in the path, the version in the body. */
export function toRawPredict(request: ProviderRequest, target: Target, stream: boolean): ProviderRequest {
  const { model: _, ...members } = membersOf(String(request.body), "body");
  const method = stream ? "streamRawPredict" : "rawPredict";
  return withBody(request, `/publishers/anthropic/models/${encodeURIComponent(target.model)}:${method}`, members);
}

/** The count has a model of its own in the path. */
export function toCount(request: ProviderRequest): ProviderRequest {
  const members = membersOf(String(request.body), "body");
  return withBody(request, "/publishers/anthropic/models/count-tokens:rawPredict", members);
}

function withBody(request: ProviderRequest, path: string, members: JsonMembers): ProviderRequest {
  const { "anthropic-version": _, ...headers } = request.headers;
  return { ...request, path, headers, body: toJsonText({ anthropic_version: version, ...members }) };
}
