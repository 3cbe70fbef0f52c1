import { GatewayError } from "../../domain/errors.ts";
import { type Incoming, single } from "../http.ts";
import { exposedHeaders } from "./answer-headers.ts";

export interface OriginOptions {
  /** Origins whose pages may call, such as `https://app.example`. Empty turns CORS off. */
  readonly corsOrigins: readonly string[];
  /**
   * Names that `Host` may have while no key protects the gateway, without port; null when a key does. A page of any
   * site can send requests to this machine, under a name of its own that resolves here: with no key, the name and the
   * origin are all that tells it apart (design 15.15).
   */
  readonly openHosts: readonly string[] | null;
}

/** What the caller's origin means for its answer. */
export interface OriginVerdict {
  readonly refusal: GatewayError | null;
  /** Headers for every answer. */
  readonly headers: Readonly<Record<string, string>>;
  /** Further headers for a preflight request. */
  readonly preflight: Readonly<Record<string, string>>;
}

export function createOriginPolicy({ corsOrigins, openHosts }: OriginOptions): (req: Incoming) => OriginVerdict {
  const listed = new Set(corsOrigins);
  const hosts = openHosts && new Set(openHosts.map((host) => host.toLowerCase()));
  const varying = listed.size > 0 ? { vary: "origin" } : {};

  return (req) => {
    const origin = single(req.headers, "origin");
    const host = hostOf(req);
    if (hosts) {
      if (!hosts.has(hostName(host))) return refused("This host name is not served without a key.", varying);
      if (origin !== undefined && !listed.has(origin) && !isSameOrigin(origin, host)) {
        return refused("Pages of this origin may not call a gateway without a key.", varying);
      }
    }
    if (origin === undefined || !listed.has(origin)) return { refusal: null, headers: varying, preflight: {} };
    const headers = {
      ...varying,
      "access-control-allow-origin": origin,
      "access-control-expose-headers": exposedHeaders.join(", "),
    };
    return { refusal: null, headers, preflight: preflightHeaders(req) };
  };
}

function refused(message: string, headers: Readonly<Record<string, string>>): OriginVerdict {
  return { refusal: new GatewayError("permission_denied", message), headers, preflight: {} };
}

const maxRequestedHeaders = 1_024;

/** A listed origin may send what headers it likes: none of them means more than it would from anywhere else. */
function preflightHeaders(req: Incoming): Record<string, string> {
  if (req.method !== "OPTIONS") return {};
  const wanted = single(req.headers, "access-control-request-headers") ?? "";
  const allowed = wanted.length <= maxRequestedHeaders && /^[a-z0-9-]+(?: *, *[a-z0-9-]+)*$/i.test(wanted);
  return {
    "access-control-allow-methods": "GET, POST, DELETE",
    ...(allowed && { "access-control-allow-headers": wanted }),
    "access-control-max-age": "600",
  };
}

function hostOf(req: Incoming): string {
  return (single(req.headers, ":authority") ?? req.headers.host ?? "").toLowerCase();
}

/** Without the port; an IPv6 address keeps its brackets. */
function hostName(host: string): string {
  return host.replace(/:\d{1,5}$/, "");
}

function isSameOrigin(origin: string, host: string): boolean {
  const url = URL.parse(origin);
  return url !== null && url.host === host;
}
