import type { ErrorCode, GatewayError } from "../../domain/errors.ts";

/** How an error looks on a route of Google's dialect. */
export interface GeminiErrorFace {
  /** HTTP status, which is `error.code` too. */
  readonly status: number;
  /** Google's `error.status`. */
  readonly word: string;
  /** Whether a retry can help at all, where the failure itself does not say. SDKs retry 408, 429 and 5xx when asked to. */
  readonly retry?: false;
}

const badRequest = { status: 400, word: "INVALID_ARGUMENT" } as const;
const notFound = { status: 404, word: "NOT_FOUND" } as const;
const forbidden = { status: 403, word: "PERMISSION_DENIED" } as const;
const unauthenticated = { status: 401, word: "UNAUTHENTICATED" } as const;
const exhausted = { status: 429, word: "RESOURCE_EXHAUSTED" } as const;
const unavailable = { status: 503, word: "UNAVAILABLE" } as const;
const upstream = { status: 502, word: "UNAVAILABLE" } as const;
const aborted = { status: 409, word: "ABORTED" } as const;

/** wire.md §18, with design 15.7 and 15.8 above it. */
const faces = {
  invalid_value: badRequest,
  unsupported_parameter: badRequest,
  unsupported_value: badRequest,
  context_length_exceeded: badRequest,
  content_filter: badRequest,
  guardrail_blocked: badRequest,
  request_too_large: { status: 413, word: "INVALID_ARGUMENT" },
  message_too_large: { status: 413, word: "INVALID_ARGUMENT" },
  unsupported_media_type: { status: 415, word: "INVALID_ARGUMENT" },
  request_timeout: { status: 408, word: "DEADLINE_EXCEEDED", retry: false },
  invalid_api_key: unauthenticated,
  key_expired: unauthenticated,
  permission_denied: forbidden,
  model_not_allowed: forbidden,
  model_not_found: notFound,
  file_not_found: notFound,
  response_not_found: notFound,
  previous_response_not_found: notFound,
  unknown_route: notFound,
  unknown_method: notFound,
  method_not_allowed: { status: 405, word: "UNIMPLEMENTED" },
  not_implemented: { status: 501, word: "UNIMPLEMENTED", retry: false },
  rate_limit_exceeded: exhausted,
  insufficient_quota: { ...exhausted, retry: false },
  budget_exceeded: { ...exhausted, retry: false },
  conflict: aborted,
  idempotency_key_reused: { ...aborted, retry: false },
  timeout: { status: 504, word: "DEADLINE_EXCEEDED" },
  canceled: { status: 499, word: "CANCELLED", retry: false },
  service_unavailable: unavailable,
  overloaded: unavailable,
  draining: unavailable,
  upstream_error: upstream,
  upstream_auth: { ...upstream, retry: false },
  upstream_cut: upstream,
  internal: { status: 500, word: "INTERNAL" },
} as const satisfies Record<ErrorCode, GeminiErrorFace>;

export function geminiErrorFace(error: GatewayError): GeminiErrorFace {
  return faces[error.code];
}

const type = (name: string) => ({ "@type": `type.googleapis.com/google.rpc.${name}` });

/**
 * `{"error":{code,message,status,details}}`, as text without line ends: fits a body, an event and an element of an array
 * alike. The details are Google's: `ErrorInfo` with the gateway's own code as its reason, `BadRequest` with the member at
 * fault, `RetryInfo` with how long to wait, and `RequestInfo`.
 */
export function encodeGeminiError(error: GatewayError, requestId: string): string {
  const { status, word } = geminiErrorFace(error);
  return JSON.stringify({
    error: { code: status, message: error.message, status: word, details: detailsOf(error, requestId) },
  });
}

function detailsOf({ code, message, detail }: GatewayError, requestId: string): readonly object[] {
  const { field, phase, provider, retryAfterMs } = detail;
  const param = detail.param ?? field;
  const metadata = { ...(phase && { phase }), ...(provider && { provider }) };
  return [
    {
      ...type("ErrorInfo"),
      reason: code.toUpperCase(),
      domain: "trunkline",
      ...(Object.keys(metadata).length > 0 && { metadata }),
    },
    ...(param === undefined
      ? []
      : [{ ...type("BadRequest"), fieldViolations: [{ field: param, description: message }] }]),
    ...(retryAfterMs === undefined ? [] : [{ ...type("RetryInfo"), retryDelay: `${retryAfterMs / 1000}s` }]),
    { ...type("RequestInfo"), requestId },
  ];
}
