import type { ChatRequest } from "../../../gen/trunkline/v1/chat_pb.ts";
import { GatewayError } from "../../domain/errors.ts";
import type { LossReport } from "../../domain/loss.ts";
import type { Target } from "../../domain/target.ts";
import { createNames, type Names } from "../legal-names.ts";
import { type GeminiRules, rulesOf } from "./models.ts";

/** Who serves the models: Google's Developer API or Vertex. A few fields are known to one of them only. */
export type Platform = "developer" | "vertex";

/** What every part of the translation of one request needs. */
export interface Draft {
  readonly request: ChatRequest;
  readonly platform: Platform;
  /** Provider kind: whose `provider_options` are meant. */
  readonly kind: string;
  readonly rules: GeminiRules;
  readonly losses: LossReport;
  readonly names: Names;
}

export function createDraft(request: ChatRequest, target: Target, platform: Platform, losses: LossReport): Draft {
  const rules = rulesOf(target.model, target.facts);
  return { request, platform, kind: target.provider, rules, losses, names: toolNames(request, rules.maxNameLength) };
}

/** The names of all tools of a request, also of those that only its history knows. */
function toolNames({ tools, messages }: ChatRequest, maxLength: number): Names {
  const offered = tools.flatMap(({ kind }) =>
    kind.case === "function" || kind.case === "custom" ? [kind.value.name] : [],
  );
  const called = messages.flatMap(({ parts }) =>
    parts.flatMap(({ kind }) => (kind.case === "toolCall" ? [kind.value.name] : [])),
  );
  return createNames([...offered, ...called], {
    legal: /^[A-Za-z_][A-Za-z0-9_.:-]*$/,
    maxLength,
    clean: (original) => original.replaceAll(/[^A-Za-z0-9_.:-]/g, "_").replace(/^(?![A-Za-z_])/, "_"),
  });
}

/** A valid value that this provider cannot serve, and that may not be left out either. */
export function unsupported(field: string, rule: string): GatewayError {
  return new GatewayError("unsupported_value", `${field} ${rule}`, { field });
}
