import type { WholeReply } from "../exchange.ts";
import { WireError } from "../wire-error.ts";

interface Details {
  /** Google's machine-readable reason. */
  readonly reason?: string;
  /** The member that is wrong. */
  readonly field?: string;
  readonly retrySeconds?: number;
}

/** A refusal in Google's words. */
export class GoogleError extends WireError {
  readonly details: Details;

  constructor(status: number, message: string, details: Details = {}) {
    super(status, statuses[status] ?? "UNKNOWN", message);
    this.details = details;
  }
}

/** A request that is wrong. @param field its path, such as `contents[0].parts` */
export function invalid(message: string, field?: string): GoogleError {
  return new GoogleError(400, message, field === undefined ? {} : { field });
}

export function unknownMember(name: string, at: string): GoogleError {
  const place = at === "" ? "" : ` at '${at}'`;
  return invalid(`Invalid JSON payload received. Unknown name "${name}"${place}: Cannot find field.`, at);
}

export function unknownModel(model: string, version: string, method: string): GoogleError {
  return new GoogleError(
    404,
    `models/${model} is not found for API version ${version}, or is not supported for ${method}. ` +
      "Call ListModels to see the list of available models and their supported methods.",
  );
}

const statuses: Readonly<Record<number, string>> = {
  400: "INVALID_ARGUMENT",
  401: "UNAUTHENTICATED",
  402: "FAILED_PRECONDITION",
  403: "PERMISSION_DENIED",
  404: "NOT_FOUND",
  408: "DEADLINE_EXCEEDED",
  409: "ABORTED",
  413: "INVALID_ARGUMENT",
  429: "RESOURCE_EXHAUSTED",
  500: "INTERNAL",
  502: "UNAVAILABLE",
  503: "UNAVAILABLE",
  504: "DEADLINE_EXCEEDED",
  529: "UNAVAILABLE",
};

export function failureOf(status: number, retryAfterSeconds: number): GoogleError {
  const words = status === 503 ? "The model is overloaded. Please try again later." : "";
  const message = `${words}${words && " "}This failure with status ${status} is simulated.`;
  return new GoogleError(status, message, status === 429 ? { retrySeconds: retryAfterSeconds } : {});
}

/** Google sends no request id and no retry-after: what there is to know stands in the details. */
export function renderError(error: Error): WholeReply {
  const { status, message, headers } =
    error instanceof WireError ? error : new GoogleError(500, "The simulator failed.");
  const details = error instanceof GoogleError ? detailsOf(error.details) : [];
  const word = statuses[status] ?? "UNKNOWN";
  return {
    status,
    headers,
    body: { error: { code: status, message, status: word, ...(details.length > 0 && { details }) } },
  };
}

function detailsOf({ reason, field, retrySeconds }: Details): readonly object[] {
  const type = (name: string) => ({ "@type": `type.googleapis.com/google.rpc.${name}` });
  const quotaId = "GenerateRequestsPerMinutePerProjectPerModel";
  return [
    ...(reason === undefined ? [] : [{ ...type("ErrorInfo"), reason, domain: "googleapis.com" }]),
    ...(field === undefined
      ? []
      : [{ ...type("BadRequest"), fieldViolations: [{ field, description: "Not valid." }] }]),
    ...(retrySeconds === undefined
      ? []
      : [
          { ...type("QuotaFailure"), violations: [{ quotaId, quotaValue: "60" }] },
          { ...type("RetryInfo"), retryDelay: `${retrySeconds}s` },
        ]),
  ];
}
