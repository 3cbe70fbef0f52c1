import type { HostedCall, HostedResult, Part } from "../../../gen/trunkline/v1/message_pb.ts";
import type { LossReport } from "../../domain/loss.ts";
import { membersOf } from "../json-splice.ts";
import type { JsonMembers, JsonTree } from "../json-text.ts";
import { proofText } from "../openai-chat/proofs.ts";
import type { ResponsesQuirks } from "./encode-content.ts";
import { hostedItems, issuerOf, proofFormats } from "./wire.ts";

/**
 * A reasoning item from the parts that it became. Its proof goes back to whom issued it, and to nobody else; the
 * provider's short name is an issuer too, as other gateways write it.
 * @param i the part's position; a second part of the same item is told with the first
 * @returns null when it is left out and reported, or told with the part before
 */
export function encodeReasoning(
  parts: readonly Part[],
  i: number,
  field: string,
  quirks: ResponsesQuirks,
  losses: LossReport,
): JsonTree | null {
  const part = parts[i];
  if (part?.kind.case !== "reasoning") return null;
  if (isSecond(part, parts[i - 1])) return null;
  const { text, summary, redacted } = part.kind.value;
  const { proof } = part;
  const own = proof && (proof.issuer === issuerOf(quirks.kind) || proof.issuer === quirks.kind);
  if (!own && (proof || redacted || !quirks.openReasoning)) {
    losses.drop(`${field}.reasoning`, "reasoning is only taken back with this provider's own proof.");
    return null;
  }
  const isOpen = own ? proof.format === proofFormats.text : summary.length === 0;
  const next = parts[i + 1];
  const second = next && isSecond(next, part) && next.kind.case === "reasoning" ? next.kind.value.text : "";
  const [shown, other] = isOpen ? [second, text] : [text, second];
  const summaries = [...(shown === "" ? [] : [shown]), ...summary];
  const id = proof?.id ?? part.id;
  return {
    type: "reasoning",
    ...(id !== "" && { id }),
    summary: summaries.map((one) => ({ type: "summary_text", text: one })),
    ...(other !== "" && { content: [{ type: "reasoning_text", text: other }] }),
    ...(own && { encrypted_content: proofText(proof) }),
  };
}

/** An item that shows both a summary and the reasoning itself is two parts with one id; the proof is on the first. */
function isSecond(part: Part, before: Part | undefined): boolean {
  return (
    before?.kind.case === "reasoning" &&
    part.kind.case === "reasoning" &&
    part.id !== "" &&
    part.id === before.id &&
    part.proof === undefined
  );
}

/** An item of this provider's own, as it came. @returns undefined when it is another's */
export function encodeOpaque({ kind }: Part, quirks: ResponsesQuirks): JsonTree | undefined {
  if (kind.case !== "opaque" || kind.value.provider !== quirks.kind) return undefined;
  const { content } = kind.value;
  return content.case === "json" ? membersOf(content.value, "opaque.json") : undefined;
}

/** Calls of tools that the provider ran, put together again with what the tools answered. */
export class HostedCalls {
  readonly #results: ReadonlyMap<string, HostedResult>;
  readonly #calls: ReadonlySet<string>;
  /** Pictures that image generation made, in base64. */
  readonly #pictures: ReadonlyMap<string, string>;
  readonly #losses: LossReport;

  constructor(parts: readonly Part[], losses: LossReport) {
    this.#losses = losses;
    this.#results = new Map(
      parts.flatMap(({ kind }) => (kind.case === "hostedResult" ? [[kind.value.callId, kind.value]] : [])),
    );
    this.#pictures = new Map(
      parts.flatMap(({ kind, id }) => {
        const source = kind.case === "image" ? kind.value.media?.source : undefined;
        return source?.case === "data" ? [[id, Buffer.from(source.value).toString("base64")]] : [];
      }),
    );
    this.#calls = new Set(
      parts.flatMap(({ kind }) => (kind.case === "hostedCall" && itemType(kind.value) ? [kind.value.id] : [])),
    );
  }

  call(call: HostedCall, at: string): JsonTree | null {
    const type = itemType(call);
    if (type === undefined) return this.#foreign(at);
    const result = this.#results.get(call.id);
    const members: JsonMembers = {
      type,
      id: call.id,
      ...(call.status && { status: call.status }),
      ...membersOf(call.inputJson, `${at}.hosted_call.input_json`),
    };
    const picture = this.#pictures.get(call.id);
    if (picture !== undefined) return { ...members, result: picture };
    return result ? { ...members, ...membersOf(result.outputJson, `${at}.hosted_result.output_json`) } : members;
  }

  /**
   * What a tool made: its answer, or a picture.
   * @returns null: it is told with its call, or reported
   */
  result(callId: string, at: string): null {
    return this.#calls.has(callId) ? null : this.#foreign(at);
  }

  #foreign(at: string): null {
    this.#losses.drop(at, "only the provider that made it understands it.");
    return null;
  }
}

/** This provider's ids tell the tool: `ws_…`, `fs_…`, `ci_…`, `mcp_…`. */
const prefixes: Readonly<Record<string, string>> = {
  web_search_call: "ws_",
  file_search_call: "fs_",
  code_interpreter_call: "ci_",
  image_generation_call: "ig_",
  mcp_call: "mcp_",
};

function itemType({ id, type }: HostedCall): string | undefined {
  for (const [name, { tool }] of hostedItems) if (tool === type && id.startsWith(prefixes[name] ?? "\0")) return name;
  return undefined;
}

/** Whether a call is of one of this provider's own tools. */
export function isOwnCall(call: HostedCall): boolean {
  return itemType(call) !== undefined;
}
