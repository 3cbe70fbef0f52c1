import type { ProviderInstance } from "../domain/instance.ts";
import type { Secret } from "../domain/secret.ts";
import type { Outgoing } from "../net/dial.ts";
import type { Provider, ProviderRequest } from "./provider.ts";

/** A translated request as it goes out: with address, credential and the instance's own headers. */
export function outgoing(
  instance: ProviderInstance,
  provider: Provider,
  request: ProviderRequest,
  { key, token, connectTimeoutMs, wallMs }: Sending,
): Outgoing {
  const { origin, pathname } = baseOf(instance, provider);
  const path = provider.place?.(request, pathname, instance) ?? pathname + request.path;
  const credential = key === undefined ? instance.keys[0] : instance.keys.find(({ name }) => name === key);
  const secret = credential?.secret ?? token;
  return {
    origin,
    socketPath: instance.socketPath,
    http2: instance.http2 ?? false,
    method: request.method,
    path,
    headers: {
      ...(request.body === null ? {} : { "content-type": "application/json" }),
      "accept-encoding": "identity", // A compressed stream would come in lumps.
      "user-agent": "trunkline",
      ...provider.headers,
      ...instance.headers,
      ...request.headers,
      ...(secret === undefined
        ? signature(instance, provider, { ...request, path }, wallMs)
        : provider.authHeaders(secret.reveal())),
    },
    body: request.body,
    connectTimeoutMs,
  };
}

interface Sending {
  /** Name of the instance's key to ask with; its first where undefined. */
  readonly key: string | undefined;
  /** An access token of the instance's identity, where it has one instead of keys. */
  readonly token?: Secret | undefined;
  readonly connectTimeoutMs: number;
  /** Signatures hold for minutes only. Milliseconds since 1970. */
  readonly wallMs: number;
}

/** The request's own headers are signed, and its type: what else goes out may be changed by those in between. */
function signature(
  { aws, baseUrl }: ProviderInstance,
  { sign }: Provider,
  { method, path, headers, body }: ProviderRequest,
  wallMs: number,
): Readonly<Record<string, string>> {
  if (aws === undefined || sign === undefined) return {};
  const signed = { ...headers, ...(body !== null && { "content-type": "application/json" }) };
  return sign({ method, host: new URL(baseUrl).host, path, headers: signed, body }, aws, wallMs);
}

interface Base {
  readonly origin: string;
  /** Without a slash at its end. */
  readonly pathname: string;
}

/** Parsed once for each instance: a URL costs as much as a small request's JSON. */
const bases = new WeakMap<ProviderInstance, Base>();

function baseOf(instance: ProviderInstance, { apiVersions: versions }: Provider): Base {
  let base = bases.get(instance);
  if (!base) {
    const { origin, pathname } = new URL(instance.baseUrl);
    const path = pathname.replace(/\/$/, "");
    const hasVersion = !versions || versions.some((version) => path.endsWith(`/${version}`));
    base = { origin, pathname: hasVersion ? path : `${path}/${versions[0]}` };
    bases.set(instance, base);
  }
  return base;
}
