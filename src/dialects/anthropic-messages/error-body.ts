import type { ErrorCode, GatewayError } from "../../domain/errors.ts";

/** How an error looks on a route of Anthropic's dialect. */
export interface MessagesErrorFace {
  /** HTTP status. */
  readonly status: number;
  /** Anthropic's `error.type`. */
  readonly type: string;
  /** Whether a retry can help at all, where the failure itself does not say. SDKs retry 408, 409, 429 and 5xx unasked. */
  readonly retry?: false;
}

const badRequest = { status: 400, type: "invalid_request_error" } as const;
const notFound = { status: 404, type: "not_found_error" } as const;
// Where OpenAI's clients know 503, Anthropic's know 529 (edge case 147).
const overloaded = { status: 529, type: "overloaded_error" } as const;
const upstream = { status: 502, type: "api_error" } as const;

/** wire.md §18, with design 15.7 and 15.8 above it. */
const faces = {
  invalid_value: badRequest,
  unsupported_parameter: badRequest,
  unsupported_value: badRequest,
  context_length_exceeded: badRequest,
  content_filter: badRequest,
  guardrail_blocked: badRequest,
  request_too_large: { status: 413, type: "request_too_large" },
  message_too_large: { status: 413, type: "request_too_large" },
  unsupported_media_type: { status: 415, type: "invalid_request_error" },
  request_timeout: { status: 408, type: "timeout_error", retry: false },
  invalid_api_key: { status: 401, type: "authentication_error" },
  key_expired: { status: 401, type: "authentication_error" },
  permission_denied: { status: 403, type: "permission_error" },
  model_not_allowed: { status: 403, type: "permission_error" },
  model_not_found: notFound,
  file_not_found: notFound,
  response_not_found: notFound,
  previous_response_not_found: notFound,
  unknown_route: notFound,
  unknown_method: notFound,
  method_not_allowed: { status: 405, type: "invalid_request_error" },
  not_implemented: { status: 501, type: "api_error", retry: false },
  rate_limit_exceeded: { status: 429, type: "rate_limit_error" },
  insufficient_quota: { status: 402, type: "billing_error", retry: false },
  budget_exceeded: { status: 429, type: "rate_limit_error", retry: false },
  conflict: { status: 409, type: "conflict_error" },
  idempotency_key_reused: { status: 409, type: "conflict_error", retry: false },
  timeout: { status: 504, type: "timeout_error" },
  canceled: { status: 499, type: "api_error", retry: false },
  service_unavailable: overloaded,
  overloaded,
  draining: overloaded,
  upstream_error: upstream,
  upstream_auth: { ...upstream, retry: false },
  upstream_cut: upstream,
  internal: { status: 500, type: "api_error" },
} as const satisfies Record<ErrorCode, MessagesErrorFace>;

export function messagesErrorFace(error: GatewayError): MessagesErrorFace {
  return faces[error.code];
}

/**
 * `{"type":"error","error":{type,message,details},"request_id"}`, as text without line ends: fits a body and an SSE event
 * alike. `details.error_code` is the gateway's own code; `details.param` the member at fault, where one is.
 */
export function encodeMessagesError(error: GatewayError, requestId: string): string {
  const { field, phase } = error.detail;
  const param = error.detail.param ?? field;
  const details = { ...(param === "thread" ? unthreaded : { error_code: error.code }), param, phase };
  const { type } = messagesErrorFace(error);
  return JSON.stringify({
    type: "error",
    error: { type, message: inOwnWords(error, param), details },
    request_id: requestId,
  });
}

/** What makes Anthropic's SDKs send the conversation themselves. */
const unthreaded = { error_code: "thread_unsupported_request", unsupported: [] };

/** Anthropic's messages begin with the path of the member, its steps divided by dots: `messages.0.role: …`. */
function inOwnWords({ message, detail: { field } }: GatewayError, param: string | undefined): string {
  if (param === undefined) return message;
  const named = [param, field].find((path) => path !== undefined && message.startsWith(`${path} `));
  if (named === undefined) return message;
  return `${param.replaceAll(/\[(\d+)\]/g, ".$1")}: ${message.slice(named.length + 1)}`;
}
