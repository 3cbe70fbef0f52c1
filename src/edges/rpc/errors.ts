import { create, type DescMessage, type MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  QuotaFailureSchema,
  RetryInfoSchema,
} from "../../../gen/google/rpc/error_details_pb.ts";
import { AttemptSchema, FailureSchema } from "../../../gen/trunkline/v1/error_pb.ts";
import type { RequestContext, Trail } from "../../domain/context.ts";
import type { ErrorCode, ErrorDetail, GatewayError } from "../../domain/errors.ts";

/** The status of each failure: contract section 2.7 and design 15.8. The compiler finds a forgotten one. */
const statusCodes = {
  invalid_value: Code.InvalidArgument,
  unsupported_parameter: Code.InvalidArgument,
  unsupported_value: Code.InvalidArgument,
  context_length_exceeded: Code.InvalidArgument,
  content_filter: Code.InvalidArgument,
  request_too_large: Code.InvalidArgument,
  message_too_large: Code.ResourceExhausted,
  unsupported_media_type: Code.InvalidArgument,
  request_timeout: Code.DeadlineExceeded,
  invalid_api_key: Code.Unauthenticated,
  key_expired: Code.Unauthenticated,
  permission_denied: Code.PermissionDenied,
  model_not_allowed: Code.PermissionDenied,
  guardrail_blocked: Code.InvalidArgument,
  model_not_found: Code.NotFound,
  file_not_found: Code.NotFound,
  response_not_found: Code.NotFound,
  previous_response_not_found: Code.NotFound,
  unknown_route: Code.Unimplemented,
  method_not_allowed: Code.Unimplemented,
  not_implemented: Code.Unimplemented,
  unknown_method: Code.Unimplemented,
  rate_limit_exceeded: Code.ResourceExhausted,
  insufficient_quota: Code.ResourceExhausted,
  budget_exceeded: Code.ResourceExhausted,
  conflict: Code.Aborted,
  idempotency_key_reused: Code.AlreadyExists,
  timeout: Code.DeadlineExceeded,
  canceled: Code.Canceled,
  service_unavailable: Code.Unavailable,
  overloaded: Code.Unavailable,
  draining: Code.Unavailable,
  upstream_error: Code.Unavailable,
  upstream_auth: Code.Unavailable,
  upstream_cut: Code.Unavailable,
  internal: Code.Internal,
} satisfies Record<ErrorCode, Code>;

/** Once output has reached the caller, what the provider broke cannot be had by asking again as if nothing had been. */
const afterOutput: Partial<Record<ErrorCode, Code>> = {
  upstream_error: Code.DataLoss,
  upstream_cut: Code.DataLoss,
};

const quotas: ReadonlySet<ErrorCode> = new Set(["rate_limit_exceeded", "insufficient_quota", "budget_exceeded"]);

/**
 * A failure as Connect, gRPC and gRPC-Web send it: exactly one ErrorInfo, and the details that help.
 * @param outputStarted whether a part of the answer had reached the caller
 */
export function toConnectError(
  error: GatewayError,
  context: Pick<RequestContext, "requestId" | "trail">,
  outputStarted: boolean,
): ConnectError {
  const { detail } = error;
  const status = (outputStarted ? afterOutput[error.code] : undefined) ?? statusCodes[error.code];
  const details: OutgoingDetail[] = [
    info(ErrorInfoSchema, {
      reason: error.code.toUpperCase(),
      domain: "trunkline",
      metadata: metadataOf(detail, context),
    }),
  ];
  if (status === Code.InvalidArgument && detail.field !== undefined) {
    const fieldViolations = [{ field: detail.field, description: error.message.slice(0, maxDescriptionChars) }];
    details.push(info(BadRequestSchema, { fieldViolations }));
  }
  if (detail.retryAfterMs !== undefined && detail.retryable !== false) {
    details.push(info(RetryInfoSchema, { retryDelay: durationFromMs(Math.ceil(detail.retryAfterMs)) }));
  }
  if (quotas.has(error.code)) {
    const violations = [{ subject: detail.provider ?? "trunkline", description: error.code }];
    details.push(info(QuotaFailureSchema, { violations }));
  }
  if (outputStarted) details.push(info(FailureSchema, failureOf(context.trail)));
  return new ConnectError(error.message, status, undefined, details, error.cause);
}

type OutgoingDetail = { readonly desc: DescMessage; readonly value: MessageInitShape<DescMessage> };

function info<Desc extends DescMessage>(desc: Desc, value: MessageInitShape<Desc>): OutgoingDetail {
  return { desc, value: create(desc, value) };
}

function metadataOf(detail: ErrorDetail, context: Pick<RequestContext, "requestId" | "trail">): Record<string, string> {
  const metadata: Record<string, string> = { request_id: context.requestId };
  const add = (name: string, value: string | number | undefined) => {
    if (value !== undefined) metadata[name] = String(value).slice(0, maxMetadataChars);
  };
  add("provider", detail.provider);
  add("model", detail.model);
  add("upstream_status", detail.upstreamStatus);
  add("upstream_code", detail.upstreamCode);
  add("upstream_request_id", detail.upstreamRequestId);
  add("param", detail.param);
  add("phase", detail.phase);
  const attempts = context.trail.count("attempt");
  if (attempts > 0) add("attempts", attempts);
  return metadata;
}

/** What the request had done and cost before it failed. */
function failureOf(trail: Trail): MessageInitShape<typeof FailureSchema> {
  const usage = trail.last("usage")?.usage;
  const attempts = trail.entries.flatMap((entry) => {
    if (entry.kind !== "attempt_ended") return [];
    const { target, outcome, upstreamStatus } = entry;
    const status = upstreamStatus === undefined ? {} : { upstreamStatus };
    return [create(AttemptSchema, { instance: target.instance, model: target.model, outcome, ...status })];
  });
  return { outputStarted: true, attempts: attempts.slice(-maxAttempts), billed: true, ...(usage && { usage }) };
}

// All details together stay below 4 KiB: proxies and clients bound headers at 8 KiB.
const maxMetadataChars = 256;
const maxDescriptionChars = 512;
const maxAttempts = 8;
