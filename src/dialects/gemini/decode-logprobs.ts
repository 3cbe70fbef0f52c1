import { create } from "@bufbuild/protobuf";
import { type TokenLogprob, TokenLogprobSchema } from "../../../gen/trunkline/v1/usage_pb.ts";
import { countOf, type Fields, listOf, textOf } from "../openai-chat/wire.ts";

/** `logprobsResult`: the chosen tokens and, in a list of the same length, the likeliest ones at each place. */
export function decodeLogprobs(result: Fields): TokenLogprob[] {
  const top = listOf(result, "topCandidates").map((place) => listOf(place, "candidates").map(toToken));
  return listOf(result, "chosenCandidates").map((chosen, i) => {
    const token = toToken(chosen);
    token.top = top[i] ?? [];
    return token;
  });
}

function toToken(candidate: Fields): TokenLogprob {
  const token = textOf(candidate, "token").toWellFormed();
  const tokenId = countOf(candidate, "tokenId");
  const { logProbability } = candidate;
  return create(TokenLogprobSchema, {
    token,
    raw: Buffer.from(token),
    logprob: typeof logProbability === "number" ? logProbability : 0,
    ...(tokenId !== undefined && { tokenId }),
  });
}
