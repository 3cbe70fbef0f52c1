import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import { ModelsService } from "../../../gen/trunkline/v1/models_pb.ts";
import { type Beginnings, beginRequest } from "../../domain/begin.ts";
import type { Gateway } from "../../gateway.ts";
import { entityTag } from "./models.ts";

type Request = IncomingMessage | Http2ServerRequest;

const prefix = `/${ModelsService.typeName}/`;

/** Whether a request might be answered 304: a conditional GET of a method without side effects. */
export function isConditional({ method, url, headers }: Request): boolean {
  return method === "GET" && headers["if-none-match"] !== undefined && (url ?? "").startsWith(prefix);
}

/**
 * The entity tag that the caller already has; null when it must be answered in full, refusals included. The RPC library
 * has no answer without a body, so this one is given before it.
 */
export async function knownTag(req: Request, gateway: Gateway, beginnings: Beginnings): Promise<string | null> {
  const { url = "", headers } = req;
  const begun = beginRequest(beginnings, { operation: "models", protocol: "connect", timeoutMs: null });
  try {
    const peerAddress = req.socket.remoteAddress;
    const caller = gateway.admit({ path: url, header: (name) => headers[name], peerAddress });
    const tag = entityTag(await gateway.listModels(caller, begun.context), url);
    const known = String(headers["if-none-match"])
      .split(",")
      .map((one) => one.trim().replace(/^W\//, ""));
    return known.includes(tag) || known.includes("*") ? tag : null;
  } catch {
    return null; // Whatever is wrong, the method itself says so in full.
  } finally {
    begun.close();
  }
}
