import { create } from "@bufbuild/protobuf";
import { type Part, type Proof, ReasoningPartSchema } from "../../../gen/trunkline/v1/message_pb.ts";
import { partOf } from "../../domain/blank.ts";
import { invalid, type Place } from "../json-read.ts";
import { isGoogle, proofText, toProof } from "../openai-chat/proofs.ts";
import { fromOctets, toOctets } from "../wrapped-parts.ts";

/**
 * `thoughtSignature` is the one place whose content clients of Gemini send back unread. Google's own signatures stand
 * there as Google wrote them. What another provider wants back stands there as a part of the contract behind this mark:
 * base64, since SDKs of typed languages hold octets and encode them anew.
 */
const mark = Buffer.from("trunkline:");

/** More than a proof of the largest size takes. Characters. */
const maxWrappedChars = 6 * 1024 * 1024;

/** Accepted by Google in place of a signature: says that a call is none of its own. Documentation, "Thought signatures". */
export const lostSignature = "skip_thought_signature_validator";

/** The same, by SDKs that take it for octets. */
const lostSignatures: ReadonlySet<string> = new Set([
  lostSignature,
  Buffer.from(lostSignature).toString("base64"),
  Buffer.from(lostSignature).toString("base64url"),
]);

/** The signature of a part whose content stands beside it; undefined where nothing proves it. */
export function signatureOf({ proof, kind }: Part): string | undefined {
  if (!proof) return undefined;
  if (isGoogle(proof.issuer)) return proofText(proof);
  if (kind.case !== "reasoning") return wrapPart({ ...partOf({ case: undefined }), proof });
  const { summary, redacted } = kind.value;
  const value = create(ReasoningPartSchema, { summary, redacted });
  return wrapPart({ ...partOf({ case: "reasoning", value }), proof });
}

/** A part of the contract as a signature. */
export function wrapPart(part: Part): string {
  return Buffer.concat([mark, toOctets(part)]).toString("base64");
}

/** What a signature says: Google's own proof, a part that was wrapped, or nothing. */
export interface Signed {
  readonly proof?: Proof;
  readonly wrapped?: Part;
}

/** @throws GatewayError `invalid_value` when a wrapped part was changed on the way */
export function readSignature(text: string, place: Place): Signed {
  if (text === "" || lostSignatures.has(text)) return {};
  const octets = text.startsWith(markText) ? Buffer.from(text, "base64") : null;
  if (octets === null || !octets.subarray(0, mark.length).equals(mark)) {
    return { proof: toProof("gemini", "signature", text) };
  }
  const wrapped = text.length > maxWrappedChars ? null : fromOctets(octets.subarray(mark.length));
  if (wrapped === null) throw invalid(place, "must be sent back as it was received.");
  return { wrapped };
}

/** The mark's whole groups of three octets, in either alphabet of base64. */
const markText = mark.subarray(0, 9).toString("base64");
