import type { Target } from "../../domain/target.ts";
import { issuerOf as claudeIssuer, claudeName } from "../anthropic/models.ts";
import { type ModelRules as ClaudeRules, rulesOf as claudeRules } from "../anthropic/rules.ts";

/** Who made a model, as ids say it: `anthropic`, `amazon`, `meta`; empty where an ARN does not tell. */
function vendorOf(model: string): string {
  // `arn:aws:bedrock:…:inference-profile/us.anthropic.claude-…`, `us.anthropic.claude-…`, `anthropic.claude-…`
  const id = model.slice(model.lastIndexOf("/") + 1);
  const pieces = id.split(".");
  const at = /^(us|eu|apac|au|jp|ca|sa|global|us-gov)$/.test(pieces[0] ?? "") ? 1 : 0;
  if (claudeName(id) !== null) return "anthropic";
  return pieces.length > at + 1 ? (pieces[at] ?? "") : "";
}

/** Who proves this model's reasoning. Claude's signatures hold on every platform that sells it. */
export function issuerOf(model: string): string {
  if (claudeName(model) !== null) return claudeIssuer(model);
  const vendor = vendorOf(model);
  return vendor === "" ? "bedrock" : `bedrock/${vendor}`;
}

/** Whether proofs of an issuer go to this model. Redacted content is the platform's own form, not the vendor's. */
export function takesIssuer(issuer: string, model: string): boolean {
  const own = issuerOf(model);
  return issuer === own || issuer === "bedrock" || (issuer === "anthropic" && own.startsWith("anthropic/"));
}

/** What the encoder must know of a model. */
export interface ModelRules {
  readonly vendor: string;
  /** What Claude takes; for other models, what the oldest Claude took, which is what Converse has always had. */
  readonly claude: ClaudeRules;
  /** Whether prefixes can be marked to be cached. */
  readonly caches: boolean;
  /** Whether results can say that the tool failed. */
  readonly failedResults: boolean;
  /** Where the number of likely tokens goes in the model's own fields; null where it has none. */
  readonly topK: readonly string[] | null;
  /** How a model other than Claude is told how hard to think; null where it cannot be. */
  readonly effort: "nova" | "openai" | null;
}

export function rulesOf(target: Target): ModelRules {
  const vendor = vendorOf(target.model);
  const isNova = vendor === "amazon" && target.model.includes("nova");
  return {
    vendor,
    claude: claudeRules(target),
    caches: vendor === "anthropic" || isNova,
    failedResults: vendor === "anthropic" || isNova,
    topK: isNova ? ["inferenceConfig", "topK"] : (topKs.get(vendor) ?? null),
    effort: /nova-2|nova-.*-v2/.test(target.model) ? "nova" : vendor === "openai" ? "openai" : null,
  };
}

const topKs: ReadonlyMap<string, readonly string[]> = new Map([
  ["anthropic", ["top_k"]],
  ["mistral", ["top_k"]],
  ["cohere", ["k"]],
]);
