import { Code } from "@connectrpc/connect";
import { errorFace } from "../src/dialects/openai-chat/error-body.ts";
import { Trail } from "../src/domain/context.ts";
import { errorCodes, GatewayError } from "../src/domain/errors.ts";
import { toConnectError } from "../src/edges/rpc/errors.ts";

/** The table of errors in docs/api.md: every stable code with its faces on RPC and REST. */
export function renderErrors(): string {
  const rows = errorCodes.map((code) => {
    const error = new GatewayError(code, "");
    const before = statusName(error, false);
    const after = statusName(error, true);
    const status = before === after ? before : `${before}, ${after} once output was sent`;
    const face = errorFace(error);
    return `| \`${code.toUpperCase()}\` | ${status} | ${face.status} | \`${face.type}\` | \`${face.code ?? code}\` |`;
  });
  return `A failed call carries exactly one \`google.rpc.ErrorInfo\` of the domain \`trunkline\`. Its \`reason\` is stable; the
message is for people and may change. REST answers the same failure in OpenAI's JSON. \`RetryInfo\` and \`Retry-After\`
are there only where waiting can help.

| Reason | RPC status | REST status | REST \`type\` | REST \`code\` |
|---|---|---|---|---|
${rows.join("\n")}`;
}

function statusName(error: GatewayError, outputStarted: boolean): string {
  const { code } = toConnectError(error, { requestId: "", trail: new Trail() }, outputStarted);
  return Code[code].replaceAll(/(?<=[a-z])(?=[A-Z])/g, "_").toUpperCase();
}
