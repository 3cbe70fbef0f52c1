import { type ChatRequest, LossPolicy } from "../../../gen/trunkline/v1/chat_pb.ts";
import { GatewayError } from "../../domain/errors.ts";
import { LossReport } from "../../domain/loss.ts";
import type { Target } from "../../domain/target.ts";

/** What every part of the translation of one request needs. */
export interface Draft {
  readonly request: ChatRequest;
  readonly target: Target;
  readonly losses: LossReport;
}

export function createDraft(request: ChatRequest, target: Target): Draft {
  return { request, target, losses: new LossReport(request.lossPolicy === LossPolicy.REFUSE) };
}

/** A valid value that this provider cannot serve, and that may not be left out either. */
export function unsupported(field: string, rule: string): GatewayError {
  return new GatewayError("unsupported_value", `${field} ${rule}`, { field });
}
