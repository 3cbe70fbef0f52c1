import { type ChatRequest, LossPolicy } from "../../../gen/trunkline/v1/chat_pb.ts";
import type { Names } from "../../dialects/legal-names.ts";
import { GatewayError } from "../../domain/errors.ts";
import { LossReport } from "../../domain/loss.ts";
import type { Target } from "../../domain/target.ts";
import { CacheMarks } from "./cache-marks.ts";
import { type ModelRules, rulesOf } from "./rules.ts";
import { createCallIds, createToolNames } from "./tool-names.ts";

/** What every part of the translation of one request needs. */
export interface Draft {
  readonly request: ChatRequest;
  readonly target: Target;
  readonly rules: ModelRules;
  readonly losses: LossReport;
  readonly names: Names;
  readonly callIds: Names;
  readonly cache: CacheMarks;
}

/** What settings alone need of it: a reseller in another format has a draft of its own. */
export type SettingsDraft = Pick<Draft, "request" | "rules" | "losses">;

export function createDraft(request: ChatRequest, target: Target): Draft {
  const losses = new LossReport(request.lossPolicy === LossPolicy.REFUSE);
  return {
    request,
    target,
    losses,
    rules: rulesOf(target),
    names: createToolNames(request),
    callIds: createCallIds(request),
    cache: new CacheMarks(request.cache, losses),
  };
}

/** A valid value that this provider cannot serve, and that may not be left out either. */
export function unsupported(field: string, rule: string): GatewayError {
  return new GatewayError("unsupported_value", `${field} ${rule}`, { field });
}
