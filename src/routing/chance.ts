import { createHash } from "node:crypto";

/**
 * Exponential race: whoever has the smallest place wins with a probability proportional to its weight, and so on for the
 * places behind it.
 * @param share in [0, 1)
 */
export function placeOf(share: number, weight = 1): number {
  return weight <= 0 ? Number.POSITIVE_INFINITY : -Math.log(1 - share) / weight;
}

/**
 * Rendezvous hashing: each pair of conversation and name has a share of its own, the same in every process, so that a
 * target that goes moves only its own conversations. The conversation is digested once, since it is the caller's to
 * choose; names are the operator's, and cheap to mix in.
 * @returns the share of a name, in [0, 1)
 */
export function sharesOf(stickTo: string): (name: string) => number {
  const digest = createHash("sha256").update(stickTo).digest();
  const [one, other] = [digest.readUInt32BE(0), digest.readUInt32BE(4)];
  return (name) => (mixed(mixed(fnv1a(name) ^ one) ^ other) >>> 0) / 2 ** 32;
}

/** FNV-1a over UTF-16 units. */
function fnv1a(text: string): number {
  let hash = 0x81_1c_9d_c5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01_00_01_93);
  return hash;
}

/** The finalizer of MurmurHash3: every bit of the input changes half of the output's. */
function mixed(bits: number): number {
  let hash = bits;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85_eb_ca_6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2_b2_ae_35);
  return hash ^ (hash >>> 16);
}
