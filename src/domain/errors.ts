/**
 * Every way in which a request can fail, as the stable code that callers branch on. The upper-case form is the
 * `reason` of google.rpc.ErrorInfo, the lower-case form the `code` of REST error bodies. Codes are never renamed.
 */
export const errorCodes = [
  // The request itself.
  "invalid_value",
  "unsupported_parameter",
  "unsupported_value",
  "context_length_exceeded",
  "content_filter",
  "request_too_large",
  "message_too_large",
  "unsupported_media_type",
  "request_timeout",
  // Who asks, and for what.
  "invalid_api_key",
  "key_expired",
  "permission_denied",
  "model_not_allowed",
  "guardrail_blocked",
  "model_not_found",
  "file_not_found",
  "response_not_found",
  "previous_response_not_found",
  "unknown_route",
  "method_not_allowed",
  "not_implemented",
  "unknown_method",
  // How much.
  "rate_limit_exceeded",
  "insufficient_quota",
  "budget_exceeded",
  // Collisions.
  "conflict",
  "idempotency_key_reused",
  // Time.
  "timeout",
  "canceled",
  // The provider, and the gateway itself.
  "service_unavailable",
  "overloaded",
  "draining",
  "upstream_error",
  "upstream_auth",
  "upstream_cut",
  "internal",
] as const;

export type ErrorCode = (typeof errorCodes)[number];

/** The bound that a `timeout` crossed. */
export type TimeoutPhase = "queue" | "connect" | "first_byte" | "first_token" | "idle" | "total" | "deadline";

/** Facts about a failure that are safe to show to the caller. */
export interface ErrorDetail {
  /** Path of the offending field in the contract, such as `messages[3].parts[0].image`. */
  readonly field?: string;
  /** The same path in the caller's own dialect, such as `messages[3].content[0].image_url`. */
  readonly param?: string;
  /** How long to wait before a retry can help. Milliseconds. Absent when waiting does not help or is not known. */
  readonly retryAfterMs?: number;
  /** False tells clients not to retry at all (`x-should-retry: false`). */
  readonly retryable?: boolean;
  readonly phase?: TimeoutPhase;
  /** Configured instance that failed, such as `anthropic-east`. */
  readonly provider?: string;
  /** The provider's model name. */
  readonly model?: string;
  readonly upstreamStatus?: number;
  /** The provider's own error code or type. */
  readonly upstreamCode?: string;
  readonly upstreamRequestId?: string;
}

/**
 * The only error that crosses a folder. `message` and `detail` reach the caller, so they hold no secret and no prompt;
 * `cause` is for the log alone.
 */
export class GatewayError extends Error {
  override readonly name = "GatewayError";
  readonly code: ErrorCode;
  readonly detail: ErrorDetail;

  constructor(code: ErrorCode, message: string, detail: ErrorDetail = {}, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
    this.detail = detail;
  }

  /** The same failure with more facts; facts already known win. */
  with(detail: ErrorDetail): GatewayError {
    return new GatewayError(this.code, this.message, { ...detail, ...this.detail }, { cause: this.cause });
  }
}

/**
 * Turns whatever was thrown into a GatewayError. Anything unforeseen becomes `internal` with a message that says
 * nothing about the inside; the original stays as `cause`.
 */
export function toGatewayError(thrown: unknown): GatewayError {
  if (thrown instanceof GatewayError) return thrown;
  return new GatewayError("internal", "The gateway failed to handle this request.", {}, { cause: thrown });
}
