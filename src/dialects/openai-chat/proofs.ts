import { create } from "@bufbuild/protobuf";
import { type Proof, ProofSchema } from "../../../gen/trunkline/v1/message_pb.ts";

/**
 * A proof from its text in JSON. Providers that speak JSON give their proofs as text (base64 mostly); the octets are
 * that text's UTF-8, since decoding base64 and encoding it again need not give the same text.
 */
export function toProof(issuer: string, format: string, text: string): Proof {
  return create(ProofSchema, { issuer, format, data: encoder.encode(text) });
}

/** The text that `toProof` was given. */
export function proofText(proof: Proof): string {
  return decoder.decode(proof.data);
}

/** Who issued a proof, by the `format` of a `reasoning_details` entry: ours names the issuer, OpenRouter's a version. */
export function issuerOf(format: string): string {
  if (format === "") return "unknown";
  return issuers[format] ?? format.slice(0, maxIssuerLength);
}

const maxIssuerLength = 256;
const issuers: Readonly<Record<string, string>> = Object.assign(Object.create(null), {
  "anthropic-claude-v1": "anthropic",
  "google-gemini-v1": "gemini",
  "openai-responses-v1": "openai",
  "xai-responses-v1": "xai",
});

/** OpenRouter's word for the form of an issuer's proofs; the issuer itself where it is no other's. */
export function wireFormatOf(issuer: string): string {
  return Object.keys(issuers).find((format) => issuers[format] === issuer) ?? issuer;
}

/** Issuers whose proofs on tool calls travel as `extra_content.google.thought_signature`, as Google's endpoint has it. */
export function isGoogle(issuer: string): boolean {
  return issuer.startsWith("gemini") || issuer.startsWith("vertex") || issuer.startsWith("google");
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();
