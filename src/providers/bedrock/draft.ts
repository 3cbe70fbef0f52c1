import { type ChatRequest, LossPolicy } from "../../../gen/trunkline/v1/chat_pb.ts";
import { createNames, type NameRule, type Names } from "../../dialects/legal-names.ts";
import { GatewayError } from "../../domain/errors.ts";
import { LossReport } from "../../domain/loss.ts";
import type { Target } from "../../domain/target.ts";
import { CachePoints } from "./cache-points.ts";
import { type ModelRules, rulesOf } from "./models.ts";

/** What every part of the translation of one request needs. */
export interface Draft {
  readonly request: ChatRequest;
  readonly target: Target;
  readonly rules: ModelRules;
  readonly losses: LossReport;
  readonly toolNames: Names;
  readonly callIds: Names;
  readonly documents: DocumentNames;
  readonly cache: CachePoints;
}

export function createDraft(request: ChatRequest, target: Target): Draft {
  const losses = new LossReport(request.lossPolicy === LossPolicy.REFUSE);
  const rules = rulesOf(target);
  const calls = request.messages.flatMap(({ parts }) =>
    parts.flatMap(({ kind }) => (kind.case === "toolCall" ? [kind.value] : [])),
  );
  const tools = request.tools.flatMap(({ kind }) =>
    kind.case === "function" || kind.case === "custom" ? [kind.value.name] : [],
  );
  return {
    request,
    target,
    rules,
    losses,
    toolNames: createNames([...tools, ...calls.map(({ name }) => name)], callRule),
    callIds: createNames(
      calls.map(({ id }) => id),
      callRule,
    ),
    documents: new DocumentNames(),
    cache: new CachePoints(request, rules.caches, losses),
  };
}

const callRule: NameRule = {
  legal: /^[a-zA-Z0-9_-]+$/,
  maxLength: 64,
  clean: (original) => original.replaceAll(/[^a-zA-Z0-9_-]/g, "_") || "_",
};

/** Converse takes few characters in the name of a document, and no two documents of one name. */
class DocumentNames {
  readonly #taken = new Set<string>();

  name(wanted: string): string {
    const legal = wanted
      .replaceAll(/[^a-zA-Z0-9 ()[\]-]/g, "-")
      .replaceAll(/ +/g, " ")
      .trim();
    const base = legal.slice(0, maxDocumentName) || "document";
    let name = base;
    for (let number = 2; this.#taken.has(name); number++) name = `${base} (${number})`;
    this.#taken.add(name);
    return name;
  }
}

/** AWS: 200 characters, a number included. */
const maxDocumentName = 190;

/** A valid value that this provider cannot serve, and that may not be left out either. */
export function unsupported(field: string, rule: string): GatewayError {
  return new GatewayError("unsupported_value", `${field} ${rule}`, { field, retryable: false });
}
