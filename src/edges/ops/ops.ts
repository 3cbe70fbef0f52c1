import { hash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { Readiness } from "../../domain/readiness.ts";
import type { Secret } from "../../domain/secret.ts";
import { createAddressCheck } from "./cidr.ts";

export interface OpsParts {
  readonly readiness: Readiness;
  /** The metrics in Prometheus' text format. */
  readonly scrape: () => Promise<string>;
  /** What `/health/ready` tells beside the status: JSON values without secrets. */
  readonly details: () => object | Promise<object>;
  /** Networks whose sockets may ask. The peer's own address counts, never a header. */
  readonly allowCidrs: readonly string[];
  /** Bearer token that scrapers must show as well; null asks for none. */
  readonly token: Secret | null;
}

type Request = IncomingMessage | Http2ServerRequest;
type Response = ServerResponse | Http2ServerResponse;

/** Answers the ops listener: metrics and health, for the platform's own machines. */
export function createOpsHandler(parts: OpsParts): (req: Request, res: Response) => void {
  const allowed = createAddressCheck(parts.allowCidrs);
  const expected = parts.token === null ? null : digest(`Bearer ${parts.token.reveal()}`);

  return (req, res) => {
    const path = (req.url ?? "").split("?", 1)[0];
    if (!allowed(req.socket.remoteAddress)) return answer(res, 403, { error: "This address may not ask here." });
    if (path !== "/metrics" && path !== "/health/live" && path !== "/health/ready") {
      return answer(res, 404, { error: "There are /metrics, /health/live and /health/ready." });
    }
    if (req.method !== "GET" && req.method !== "HEAD") {
      res.setHeader("allow", "GET, HEAD");
      return answer(res, 405, { error: "Only GET and HEAD." });
    }
    if (path === "/health/live") return answer(res, 200, { status: "live" });
    const shown = digest(req.headers.authorization ?? "");
    if (expected !== null && !timingSafeEqual(shown, expected)) {
      res.setHeader("www-authenticate", "Bearer");
      return answer(res, 401, { error: "The token is missing or wrong. Send it as `Authorization: Bearer <token>`." });
    }
    return path === "/metrics" ? void scrape(parts, res) : void tellReady(parts, res);
  };
}

async function scrape({ scrape }: OpsParts, res: Response): Promise<void> {
  try {
    const text = await scrape();
    res.setHeader("content-type", "text/plain; version=0.0.4; charset=utf-8");
    res.end(text);
  } catch {
    answer(res, 500, { error: "The metrics could not be loaded." });
  }
}

async function tellReady({ readiness, details }: OpsParts, res: Response): Promise<void> {
  const { ready } = readiness;
  answer(res, ready ? 200 : 503, { status: ready ? "ready" : "not ready", ...(await details()) });
}

/** Digests have one length, so that comparing them tells nothing of the token. */
function digest(text: string): Buffer {
  return hash("sha256", text, "buffer");
}

function answer(res: Response, status: number, body: unknown): void {
  const json = `${JSON.stringify(body)}\n`;
  res.statusCode = status;
  res.setHeader("content-type", "application/json");
  res.setHeader("cache-control", "no-store");
  res.end(json);
}
