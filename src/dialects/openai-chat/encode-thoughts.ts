import type { Part, Proof } from "../../../gen/trunkline/v1/message_pb.ts";
import type { LossReport } from "../../domain/loss.ts";
import type { JsonMembers } from "../json-text.ts";
import { proofText, wireFormatOf } from "./proofs.ts";
import type { ChatQuirks } from "./quirks.ts";

/** Reasoning of an earlier turn: members beside the message's content, and parts before it. */
export interface EncodedThoughts {
  readonly members: JsonMembers;
  readonly content: readonly JsonMembers[];
}

/**
 * What a model thought, for a server that reads it. A proof goes only to whom issued it or passed it on; the text of a
 * thought with another's proof stays out too, since nobody can stand for it.
 */
export function encodeThoughts(
  parts: readonly Part[],
  field: string,
  quirks: ChatQuirks,
  losses: LossReport,
): EncodedThoughts {
  const { proofs, reasoningField } = quirks;
  const texts: string[] = [];
  const details: JsonMembers[] = [];
  // Details are for proofs; text alone has a simpler place.
  const asDetails = proofs?.form === "reasoning_details" && parts.some(({ proof }) => proof);
  const content: JsonMembers[] = [];
  const sealed = parts.some(({ proof }) => proof?.format === "encrypted");
  for (const [i, part] of parts.entries()) {
    if (part.kind.case !== "reasoning") continue;
    const { text, summary, redacted } = part.kind.value;
    const isText = summary.length === 0 && !redacted;
    const ours = part.proof === undefined || proofs?.issuers.includes(part.proof.issuer);
    if (proofs?.form === "thinking_parts" && ours && isText) content.push(thinkingPart(text, part.proof));
    else if (asDetails && ours) details.push(detail(part, details.length, sealed));
    else if (reasoningField !== null && !part.proof && isText) texts.push(text);
    else losses.drop(`${field}.parts[${i}]`, "reasoning of earlier turns is not taken by this provider.");
  }
  const thought = texts.join("");
  return {
    members: {
      ...(reasoningField !== null && thought !== "" && { [reasoningField]: thought }),
      ...(details.length > 0 && { reasoning_details: details }),
    },
    content,
  };
}

function thinkingPart(text: string, proof: Proof | undefined): JsonMembers {
  const signature = proof && { signature: proofText(proof) };
  return { type: "thinking", thinking: [{ type: "text", text }], closed: true, ...signature };
}

/**
 * An entry of OpenRouter's `reasoning_details`, as it was given.
 * @param sealed whether the thought itself is encrypted beside it: what can be read then is its summary
 */
function detail({ kind, proof, id }: Part, index: number, sealed: boolean): JsonMembers {
  const { text, summary } = kind.case === "reasoning" ? kind.value : { text: "", summary: [] };
  const place = { ...(id !== "" && { id }), ...(proof && { format: wireFormatOf(proof.issuer) }), index };
  if (proof && proof.format !== "signature") {
    return { type: "reasoning.encrypted", data: proofText(proof), ...place };
  }
  if (!proof && (sealed || summary.length > 0)) {
    return { type: "reasoning.summary", summary: summary.join("\n") || text, ...place };
  }
  return { type: "reasoning.text", text, ...(proof && { signature: proofText(proof) }), ...place };
}
