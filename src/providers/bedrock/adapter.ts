import type { AwsIdentity } from "../../domain/aws-identity.ts";
import type { Provider, Unsigned } from "../provider.ts";
import { fromEmbedResponse, toEmbedRequest } from "./embeddings.ts";
import { fromError } from "./errors.ts";
import { takesIssuer } from "./models.ts";
import { toRequest } from "./request.ts";
import { createDecoder, fromResponse } from "./response.ts";
import { sign } from "./sigv4.ts";

/** Amazon Bedrock's Converse. Base URL: `https://bedrock-runtime.<region>.amazonaws.com`. */
export const bedrock: Provider = {
  kind: "bedrock",
  toRequest,
  fromResponse,
  createDecoder,
  takesProof: (issuer, _, { model }) => takesIssuer(issuer, model),
  fromError,
  // A key of Bedrock's own; everybody else signs.
  authHeaders: (apiKey) => ({ authorization: `Bearer ${apiKey}` }),
  sign: signed,
  embeddings: { toRequest: toEmbedRequest, fromResponse: fromEmbedResponse },
};

function signed({ body, ...request }: Unsigned, identity: AwsIdentity, wallMs: number) {
  const { region, accessKeyId, secretAccessKey, sessionToken } = identity;
  const signer = {
    region,
    service: "bedrock",
    accessKeyId: accessKeyId.reveal(),
    secretAccessKey: secretAccessKey.reveal(),
    sessionToken: sessionToken?.reveal() ?? null,
  };
  return sign({ ...request, body: body ?? "" }, signer, wallMs);
}
