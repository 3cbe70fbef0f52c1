import { count, type Fields, fieldsOrNone, isFields, text } from "../../dialects/anthropic-messages/fields.ts";
import type { ModelFacts } from "../../domain/model-facts.ts";
import type { HttpReply, ModelPage } from "../provider.ts";
import { malformed, parseFields } from "./wire.ts";

/** A Claude model by its name, whatever a platform wrote around it. */
export interface ClaudeName {
  /** `opus`, `sonnet`, `haiku`, `fable`, `mythos`. */
  readonly line: string;
  /** Major and minor version as one comparable number: 4.6 is 406. */
  readonly version: number;
  /** `claude-opus-4-6`: without prefix, date and platform's suffix. */
  readonly family: string;
}

/**
 * Reads names such as `claude-opus-4-7`, `claude-3-5-sonnet-20241022`, `us.anthropic.claude-opus-4-7-v1:0`,
 * `anthropic/claude-opus-4-7` and `claude-opus-4-1@20250805`; null for what is no Claude model.
 */
export function claudeName(model: string): ClaudeName | null {
  const newer = /claude-(opus|sonnet|haiku|fable|mythos)-(\d{1,2}|preview)(?:-(\d{1,2}))?(?![\da-z])/.exec(model);
  const older = newer ? null : /claude-(\d)(?:-(\d))?-(opus|sonnet|haiku)/.exec(model);
  const [line, major, minor] = newer?.slice(1) ?? [older?.[3], older?.[1], older?.[2]];
  if (line === undefined || major === undefined) return null;
  // Previews carry no number; they are newer than what has one.
  const version = major === "preview" ? previewVersion : Number(major) * 100 + Number(minor ?? 0);
  const family = newer ? ["claude", line, major, minor] : ["claude", major, minor, line];
  return { line, version, family: family.filter((piece) => piece !== undefined).join("-") };
}

const previewVersion = 500;

/** Who signs this model's reasoning: provider kind and, where it can be told, model family. */
export function issuerOf(model: string): string {
  const name = claudeName(model);
  return name === null ? "anthropic" : `anthropic/${name.family}`;
}

/** Models a page. The provider allows 1,000. */
const pageSize = 1000;

export const modelsPath = `/v1/models?limit=${pageSize}`;

/** @throws GatewayError `upstream_error` when the body is no list of models */
export function fromModelPage(reply: HttpReply): ModelPage {
  const page = parseFields(reply.body, "a list of models");
  if (!Array.isArray(page.data)) throw malformed("a list of models without data");
  const models = page.data.filter(isFields).filter((model) => text(model, "id") !== "");
  const last = text(page, "last_id");
  // An empty page with has_more would be asked for again and again.
  const more = page.has_more === true && last !== "" && models.length > 0;
  return {
    models: models.map((model) => ({ id: text(model, "id"), facts: listedFacts(model) })),
    next: more ? `${modelsPath}&after_id=${encodeURIComponent(last)}` : null,
  };
}

function listedFacts(model: Fields): ModelFacts {
  const contextWindow = count(model, "max_input_tokens");
  const maxOutput = count(model, "max_tokens");
  const createdAtMs = Date.parse(text(model, "created_at"));
  const shutdownAtMs = Date.parse(text(model, "retires_at"));
  return {
    ...(text(model, "display_name") && { displayName: text(model, "display_name") }),
    ...(contextWindow && { contextWindow }),
    ...(maxOutput && { maxOutputTokens: maxOutput }),
    ...(Number.isNaN(createdAtMs) ? {} : { createdAtMs }),
    ...(Number.isNaN(shutdownAtMs) ? {} : { shutdownAtMs }),
    ...(isFields(model.capabilities) ? listedCapabilities(model.capabilities) : {}),
  };
}

function listedCapabilities(listed: Fields): ModelFacts {
  const has = (from: Fields, name: string) => fieldsOrNone(from, name).supported === true;
  const thinking = fieldsOrNone(listed, "thinking");
  const types = fieldsOrNone(thinking, "types");
  const effort = fieldsOrNone(listed, "effort");
  return {
    capabilities: [
      ...(has(listed, "structured_outputs") ? ["json_schema"] : []),
      ...(has(listed, "batch") ? ["batch"] : []),
      ...(has(listed, "citations") ? ["citations"] : []),
      ...(has(listed, "thinking") ? ["reasoning"] : []),
      ...["adaptive", "enabled", "disabled"].filter((type) => has(types, type)).map((type) => `thinking_${type}`),
    ],
    inputModalities: [
      "text",
      ...(has(listed, "image_input") ? ["image"] : []),
      ...(has(listed, "pdf_input") ? ["document"] : []),
    ],
    efforts: ["low", "medium", "high", "xhigh", "max"].filter((level) => has(effort, level)),
  };
}

/** The list says which fields a model has, but not whether it thinks by itself or takes system turns. */
export function mergeListed(known: ModelFacts, listed: ModelFacts): ModelFacts {
  if (listed.capabilities === undefined) return { ...known, ...listed };
  // Its types of thinking say more than the catalogue's one word.
  const { reasoning: _, ...others } = known;
  const kept = (known.capabilities ?? []).filter((name) => unlisted.has(name));
  return { ...others, ...listed, capabilities: [...kept, ...listed.capabilities] };
}

const unlisted = new Set(["tools", "caching", "thinking_default", "system_turns", "prefill"]);
