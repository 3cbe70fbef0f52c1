import { errorFace } from "../src/dialects/openai-chat/error-body.ts";
import { errorCodes, GatewayError } from "../src/domain/errors.ts";

/** The table of errors in docs/api.md: every stable code with its faces on RPC and REST. */
export function renderErrors(): string {
  const rows = errorCodes.map((code) => {
    const face = errorFace(new GatewayError(code, ""));
    return `| \`${code.toUpperCase()}\` | ${face.status} | \`${face.type}\` | \`${face.code ?? code}\` |`;
  });
  return `A failed call carries exactly one \`google.rpc.ErrorInfo\` of the domain \`trunkline\`. Its \`reason\` is stable; the
message is for people and may change. REST answers the same failure in OpenAI's JSON. \`RetryInfo\` and \`Retry-After\`
are there only where waiting can help.

| Reason | REST status | REST \`type\` | REST \`code\` |
|---|---|---|---|
${rows.join("\n")}`;
}
