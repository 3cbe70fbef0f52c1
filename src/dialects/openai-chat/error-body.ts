import type { ErrorCode, GatewayError } from "../../domain/errors.ts";

/** How an error looks on a route of OpenAI's dialect. */
export interface ErrorFace {
  /** HTTP status. */
  readonly status: number;
  /** OpenAI's `error.type`. */
  readonly type: string;
  /** OpenAI's `error.code`, where it is not the gateway's own code. */
  readonly code?: string;
  /** Whether a retry can help at all, where the failure itself does not say. SDKs retry 408, 409, 429 and 5xx unasked. */
  readonly retry?: false;
}

const badRequest = { status: 400, type: "invalid_request_error" } as const;
const overloaded = { status: 503, type: "overloaded_error" } as const;
const upstream = { status: 502, type: "upstream_error" } as const;
const spent = { status: 429, type: "insufficient_quota", code: "insufficient_quota", retry: false } as const;

/** wire.md §18, with design 15.7 and 15.8 above it. */
const faces = {
  invalid_value: badRequest,
  unsupported_parameter: badRequest,
  unsupported_value: badRequest,
  context_length_exceeded: badRequest,
  content_filter: badRequest,
  // Clients of OpenAI know one code for a blocked prompt, whoever blocked it.
  guardrail_blocked: { ...badRequest, code: "content_filter" },
  request_too_large: { status: 413, type: "invalid_request_error" },
  message_too_large: { status: 413, type: "invalid_request_error" },
  unsupported_media_type: { status: 415, type: "invalid_request_error" },
  // A body that came too slowly comes no faster the second time.
  request_timeout: { status: 408, type: "timeout_error", retry: false },
  invalid_api_key: { status: 401, type: "authentication_error" },
  key_expired: { status: 401, type: "authentication_error" },
  permission_denied: { status: 403, type: "permission_error" },
  model_not_allowed: { status: 403, type: "permission_error" },
  model_not_found: { status: 404, type: "invalid_request_error" },
  file_not_found: { status: 404, type: "invalid_request_error" },
  response_not_found: { status: 404, type: "invalid_request_error" },
  previous_response_not_found: badRequest,
  unknown_route: { status: 404, type: "invalid_request_error", code: "unknown_url" },
  unknown_method: { status: 404, type: "invalid_request_error", code: "unknown_url" },
  method_not_allowed: { status: 405, type: "invalid_request_error" },
  not_implemented: { status: 501, type: "invalid_request_error", retry: false },
  rate_limit_exceeded: { status: 429, type: "rate_limit_error" },
  insufficient_quota: spent,
  budget_exceeded: spent,
  conflict: { status: 409, type: "conflict_error" },
  idempotency_key_reused: { status: 409, type: "conflict_error", retry: false },
  timeout: { status: 504, type: "timeout_error" },
  canceled: { status: 499, type: "canceled_error", retry: false },
  service_unavailable: overloaded,
  overloaded,
  draining: overloaded,
  upstream_error: upstream,
  upstream_auth: { ...upstream, retry: false },
  upstream_cut: upstream,
  internal: { status: 500, type: "server_error" },
} as const satisfies Record<ErrorCode, ErrorFace>;

export function errorFace(error: GatewayError): ErrorFace {
  return faces[error.code];
}

/**
 * `{"error":{message,type,param,code}}`, with `phase` (the bound that passed) where it is a time-out, as text without line ends: fits a body and an SSE event alike.
 */
export function encodeErrorBody(error: GatewayError): string {
  const face = errorFace(error);
  const { field, phase } = error.detail;
  const param = error.detail.param ?? (field === undefined ? null : paramOf(field));
  return JSON.stringify({
    error: { message: inOwnWords(error, param), type: face.type, param, code: face.code ?? error.code, phase },
  });
}

/** A message that begins with the field by its name in the contract begins with the caller's own name for it. */
function inOwnWords({ message, detail: { field } }: GatewayError, param: string | null): string {
  if (field === undefined || param === null || !message.startsWith(`${field} `)) return message;
  return param + message.slice(field.length);
}

/** Settings whose name in the contract is not OpenAI's. */
const params: Readonly<Record<string, string>> = {
  max_output_tokens: "max_completion_tokens",
  choice_count: "n",
  end_user_id: "safety_identifier",
  "reasoning.effort": "reasoning_effort",
  "reasoning.budget_tokens": "reasoning",
  "cache.key": "prompt_cache_key",
  "output.modalities": "modalities",
  "output.audio": "audio",
  web_search: "web_search_options",
};

/** The nearest path in OpenAI's words, for errors of stages that know only the contract. */
function paramOf(field: string): string {
  const renamed = params[field];
  if (renamed !== undefined) return renamed;
  return field.replace(/^(messages\[\d+\])\.parts\b/, "$1.content");
}
