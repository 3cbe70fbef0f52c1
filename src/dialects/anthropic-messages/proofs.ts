import { create } from "@bufbuild/protobuf";
import { type Part, type Proof, ProofSchema, ReasoningPartSchema } from "../../../gen/trunkline/v1/message_pb.ts";
import { partOf } from "../../domain/blank.ts";
import type { Place } from "../json-read.ts";
import { unwrapPart, wrapPart } from "../wrapped-parts.ts";

/*
 * Messages has two places whose text clients send back unread: the signature of a thinking block and the data of a
 * redacted one. Anthropic's own proofs stand there as Anthropic wrote them. What another provider wants back stands
 * there wrapped, so that it survives a client that knows Messages only.
 */

/** Whether a proof is in Anthropic's words, whichever of its models made it. */
export function isAnthropic(issuer: string): boolean {
  return issuer === "anthropic" || issuer.startsWith("anthropic/");
}

/** The signature of a reasoning part; empty where nothing proves it. */
export function toSignature(part: Part): string {
  const { proof, kind } = part;
  if (!proof) return "";
  if (isAnthropic(proof.issuer)) return decoder.decode(proof.data);
  const { summary, redacted } = kind.case === "reasoning" ? kind.value : { summary: [], redacted: false };
  const reasoning = create(ReasoningPartSchema, { summary, redacted });
  return wrapPart({ ...part, kind: { case: "reasoning", value: reasoning } });
}

/** The reasoning part of a thinking block. */
export function fromSignature(thinking: string, signature: string, place: Place): Part {
  const wrapped = unwrapPart(signature, place);
  const part =
    wrapped?.kind.case === "reasoning" ? wrapped : partOf({ case: "reasoning", value: create(ReasoningPartSchema) });
  const reasoning = part.kind.case === "reasoning" ? part.kind.value : create(ReasoningPartSchema);
  // Summaries are what the block shows as its text.
  if (reasoning.summary.length === 0) reasoning.text = thinking;
  if (wrapped === null && signature !== "") part.proof = ownProof("signature", signature);
  return part;
}

/** A proof that came from Anthropic's place for it. Which model made it, clients of Messages do not know. */
export function ownProof(format: string, text: string): Proof {
  return create(ProofSchema, { issuer: "anthropic", format, data: encoder.encode(text) });
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();
