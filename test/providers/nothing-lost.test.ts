import { describe, expect, it } from "vitest";
import type { ChatRequest } from "../../gen/trunkline/v1/chat_pb.ts";
import { GatewayError } from "../../src/domain/errors.ts";
import type { Target } from "../../src/domain/target.ts";
import { providerOf } from "../../src/providers/catalog.ts";
import { packageFacts } from "../fakes/facts.ts";
import { everyField, type FieldCase } from "./every-field.ts";

/** Fields that no provider is meant to see, and why. */
const notForProviders: readonly (readonly [path: RegExp, why: string])[] = [
  [/^model$/, "routing turns it into the target"],
  [/^(loss_policy|fallback_models|include|routing\..*|cache\.gateway_cache)$/, "is the gateway's own"],
  [/^messages\.parts\.audio\.(transcript|id|expires_at)$/, "tells of a model's audio, which goes back by its id"],
  [/^messages\.parts\.tool_result\.name$/, "repeats the name of the call, which the id leads to"],
  [/^messages\.parts\.opaque\.type$/, "repeats what the part's own JSON says"],
  [/^response_format\.json_schema\.name$/, "is a label for providers that need one"],
  [/^response_format\.text$/, "is how answers are anyway"],
];
/** What a provider does in any case: enforce schemas, show reasoning, cache prefixes, cite documents. */
const ofCourse: Readonly<Record<string, RegExp>> = {
  vertex: /^(response_format\.json_schema\.strict|reasoning\.(summary|include_text)|cache\.mode)$/,
  bedrock: /^(response_format\.json_schema\.strict|reasoning\.(summary|include_text))$/,
  anthropic: /^(response_format\.json_schema\.strict|reasoning\.(summary|include_text))$/,
  deepseek: /^reasoning\.include_text$/,
  mistral: /^reasoning\.include_text$/,
  xai: /^reasoning\.include_text$/,
  cohere:
    /^(response_format\.json_schema\.strict|reasoning\.include_text|messages\.parts\.search_result\.citations_enabled)$/,
  ollama: /^(response_format\.json_schema\.strict|reasoning\.include_text)$/,
  gemini: /^(response_format\.json_schema\.strict|cache\.mode)$/,
};

const cases = everyField().filter(({ path }) => !notForProviders.some(([pattern]) => pattern.test(path)));

function targetOf(provider: string, model: string, wire: Target["wire"]): Target {
  return {
    name: `${provider}/${model}`,
    instance: provider,
    provider,
    model,
    wire,
    facts: packageFacts(provider, model),
  };
}

/** What becomes of a request: the body that is sent and the fields that are reported; or null when it is refused. */
function translated(request: ChatRequest, target: Target): { body: string | null; reported: readonly string[] } | null {
  try {
    const { body, headers, losses } = providerOf(target.provider).toRequest({ request, stream: true }, target);
    const reported = losses.map(({ field }) => field.replaceAll(/\[[^\]]*\]/g, ""));
    return { body: JSON.stringify([body, headers]), reported };
  } catch (error) {
    if (error instanceof GatewayError) return null;
    throw error;
  }
}

/** Whether a field is sent, or it or what it is a part of is reported or refused. */
function isHonest({ path, without, with: withIt }: FieldCase, target: Target): boolean {
  const after = translated(withIt, target);
  if (ofCourse[target.provider]?.test(path)) return true;
  if (after === null || after.reported.some((field) => path === field || path.startsWith(`${field}.`))) return true;
  return after.body !== translated(without, target)?.body;
}

it("there is a case for each field", () => {
  expect(cases.length).toBeGreaterThan(140);
  expect(new Set(cases.map(({ path }) => path)).size).toBe(cases.length);
});

describe.each([
  targetOf("openai", "gpt-4o", "exact"),
  targetOf("openai", "gpt-5.4", "exact"),
  targetOf("openai", "some-model", "repair"),
  targetOf("groq", "openai/gpt-oss-120b", "repair"),
  targetOf("groq", "llama-3.3-70b-versatile", "repair"),
  targetOf("xai", "grok-4.3", "repair"),
  targetOf("xai", "grok-4", "repair"),
  targetOf("deepseek", "deepseek-v4", "repair"),
  targetOf("deepseek", "deepseek-chat", "repair"),
  targetOf("openrouter", "anthropic/claude-sonnet-4.5", "repair"),
  targetOf("mistral", "magistral-medium-latest", "repair"),
  targetOf("mistral", "mistral-large-latest", "repair"),
  targetOf("vllm", "qwen3", "repair"),
  targetOf("openai", "gpt-5-pro", "exact"),
  targetOf("azure", "gpt-4o", "repair"),
  targetOf("azure", "gpt-5.4", "repair"),
  targetOf("azure", "gpt-5-pro", "repair"),
  { ...targetOf("openai", "other-model", "repair"), facts: { api: "responses" as const } },
  targetOf("bedrock", "us.anthropic.claude-opus-5-v1:0", "repair"),
  targetOf("bedrock", "anthropic.claude-sonnet-4-5-20250929-v1:0", "repair"),
  targetOf("bedrock", "amazon.nova-2-lite-v1:0", "repair"),
  targetOf("bedrock", "meta.llama3-3-70b-instruct-v1:0", "repair"),
  targetOf("vertex", "claude-opus-5@20260201", "repair"),
  targetOf("vertex", "gemini-3-pro-preview", "repair"),
  targetOf("vertex", "gemini-2.5-flash", "repair"),
  targetOf("anthropic", "claude-opus-5", "exact"),
  targetOf("anthropic", "claude-sonnet-4-5", "exact"),
  targetOf("cohere", "command-a-03-2025", "repair"),
  targetOf("cohere", "command-a-reasoning-08-2025", "repair"),
  targetOf("ollama", "qwen3", "repair"),
  targetOf("ollama", "gpt-oss:20b", "repair"),
  targetOf("gemini", "gemini-3-pro-preview", "exact"),
  targetOf("gemini", "gemini-2.5-flash", "exact"),
  targetOf("gemini", "gemini-2.0-flash", "exact"),
])("a field that is set is sent, reported or refused by $name ($wire)", (target) => {
  it.each(cases)("$path", (one) => {
    expect(isHonest(one, target)).toBe(true);
  });
});
