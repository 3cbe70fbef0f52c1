import { constants as http2 } from "node:http2";
import {
  Code,
  ConnectError,
  type ConnectRouter,
  type ConnectRouterOptions,
  createConnectRouter,
  createContextValues,
  createMethodImplSpec,
  createServiceImplSpec,
  type MethodImplSpec,
} from "@connectrpc/connect";
import type { UniversalServerResponse } from "@connectrpc/connect/protocol";
import { createMethodUrl } from "@connectrpc/connect/protocol";
import { errorToJsonBytes } from "@connectrpc/connect/protocol-connect";
import { setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
import {
  compressionBrotli,
  compressionGzip,
  universalRequestFromNodeRequest,
  universalResponseToNodeResponse,
} from "@connectrpc/connect-node";
import type { Clock } from "../../domain/clock.ts";
import { type Arrival, arrivalKey } from "./arrival.ts";
import { explain } from "./explain.ts";
import { type ReadBody, reread } from "./lean/body.ts";
import type { MessageWriter } from "./lean/codec.ts";
import { createLeanMethod, type LeanMethod, type LeanOptions } from "./lean/lean.ts";
import type { NodeHandler, NodeRequest, NodeResponse } from "./node.ts";
import { Pings } from "./pings.ts";

/** Of the library's options those that both ways honour; and interceptors, with which there is one way. */
export interface AdapterParts extends LeanOptions, Pick<ConnectRouterOptions, "interceptors"> {
  readonly routes: (router: ConnectRouter) => void;
  /** What the library does not say of a request: when it came, and what it was before it was read. */
  readonly arrive: (req: NodeRequest) => Arrival;
  readonly clock: Clock;
  /** How long a caller may take to send its message, where it sends just one. Milliseconds. */
  readonly bodyTimeoutMs: number;
  /** Longest silence before a caller by gRPC is shown that its answer is being made. Milliseconds. */
  readonly keepaliveMs: number;
  /** Counts a request that the library refuses, and completes its error. */
  readonly refuse: (error: ConnectError, arrival: Arrival) => ConnectError;
  /** Answers what is no RPC. */
  readonly fallback: NodeHandler;
  /** For message types that are written often, by name. */
  readonly writers?: ReadonlyMap<string, MessageWriter>;
  /** Told which way each call goes: the short one, the library's, or from the first to the second (`returned`). */
  readonly onCall?: (way: "lean" | "library" | "returned") => void;
}

/**
 * RPC on Node's servers. Simple calls go a short way of our own (`lean/`); all others are the library's, whose handlers
 * are called as its own adapter calls them, with an answer for every way to fail. A caller sees the same answer either way,
 * but that the short one compresses nothing, and keeps its deadline whatever the method does.
 */
export function createAdapter(parts: AdapterParts): NodeHandler {
  const { routes, arrive, clock, bodyTimeoutMs, keepaliveMs, refuse, fallback, ...more } = parts;
  const { writers = new Map(), onCall, ...options } = more;
  const pings = new Pings({ clock, intervalMs: keepaliveMs });
  const router = createConnectRouter({ acceptCompression: [compressionGzip, compressionBrotli], ...options });
  const lean = new Map<string, LeanMethod>();
  routes(
    recording(router, (spec) => {
      if (spec.kind !== "unary" && spec.kind !== "server_streaming") return;
      lean.set(createMethodUrl("/", spec.method), createLeanMethod(spec, { options, writers, clock, refuse }));
    }),
  );
  // The short way knows no interceptors.
  if (options.interceptors?.length) lean.clear();
  const handlers = new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
  const services = new Set(router.handlers.map(({ service }) => service.typeName));

  return (req, res) => {
    const path = req.url?.split("?", 1)[0] ?? "";
    const handler = handlers.get(path);
    if (!handler) {
      if (isRpc(req, path, services)) refuseUnknown(req, res, refuse(unknownMethod(path), arrive(req)));
      else fallback(req, res);
      return;
    }
    if (hostOf(req) === undefined) {
      // The library takes the address from there, and throws without it.
      res.statusCode = 400;
      res.end();
      return;
    }
    if (handler.method.methodKind !== "bidi_streaming") limitBody(req, res, { clock, bodyTimeoutMs });
    const arrival = arrive(req);
    if (arrival.protocol === "grpc") pings.watch(req);
    const byLibrary = (read: ReadBody | null) => {
      onCall?.(read === null ? "library" : "returned");
      const values = createContextValues().set(arrivalKey, arrival);
      const request = universalRequestFromNodeRequest(req, res, undefined, values);
      // Without a parsed body to hand over, it is always the stream.
      const body = read === null ? (request.body as AsyncIterable<Uint8Array>) : reread(read, req);
      handler({ ...request, body: counted(body, arrival) })
        .then(async (answer) => {
          if (isKnown(req, answer)) return notModified(res, answer);
          if (answer.status === 405) res.setHeader("allow", handler.allowedMethods.join(", "));
          if (answer.status === 415) res.setHeader("accept-post", messageTypes);
          const explained = await explain(answer, (error) => refuse(error, arrival));
          await universalResponseToNodeResponse(explained, res);
        })
        .catch(() => abandon(res));
    };
    if (lean.get(path)?.({ req, res, arrival, byLibrary })) onCall?.("lean");
    else byLibrary(null);
  };
}

/** A router that also tells of each method that it is given; of none that has options of its own. */
function recording(router: ConnectRouter, record: (spec: MethodImplSpec) => void): ConnectRouter {
  const recorder: ConnectRouter = {
    handlers: router.handlers,
    service(service, implementation, options) {
      router.service(service, implementation, options);
      const { methods } = createServiceImplSpec(service, implementation);
      if (options === undefined) for (const spec of Object.values(methods)) record(spec);
      return recorder;
    },
    rpc(method, implementation, options) {
      router.rpc(method, implementation, options);
      if (options === undefined) record(createMethodImplSpec(method, implementation));
      return recorder;
    },
  };
  return recorder;
}

const messageTypes =
  "application/json, application/proto, application/connect+json, application/connect+proto, application/grpc, application/grpc-web";

async function* counted(body: AsyncIterable<Uint8Array>, arrival: Arrival): AsyncIterable<Uint8Array> {
  for await (const chunk of body) {
    arrival.bodyBytes += chunk.byteLength;
    yield chunk;
  }
}

/** Whether the caller of a method without side effects has this very answer already. */
function isKnown({ method, headers }: NodeRequest, { status, header }: UniversalServerResponse): boolean {
  const asked = headers["if-none-match"];
  const tag = header?.get("etag");
  if (method !== "GET" || asked === undefined || status !== 200 || tag == null) return false;
  const known = asked.split(",").map((one) => one.trim().replace(/^W\//, ""));
  return known.includes(tag) || known.includes("*");
}

function notModified(res: NodeResponse, { header }: UniversalServerResponse): void {
  for (const [name, value] of header ?? []) if (!name.startsWith("content-")) res.setHeader(name, value);
  res.statusCode = 304;
  res.end();
}

/** Ends a request whose caller has left, or broke the protocol beyond an answer. */
function abandon(res: NodeResponse): void {
  // An HTTP/2 response that is destroyed leaves its stream open, and the caller waiting.
  if ("stream" in res) res.stream.close(http2.NGHTTP2_INTERNAL_ERROR);
  else res.destroy();
}

function hostOf(req: NodeRequest): string | undefined {
  return "authority" in req ? req.authority : req.headers.host;
}

/** How long the rest of a message is thrown away after its answer. Milliseconds. */
const lingerMs = 1_000;

/** Ends callers that send too slowly, or go on when they have been answered: both would hold a connection for good. */
function limitBody(
  req: NodeRequest,
  res: NodeResponse,
  { clock, bodyTimeoutMs }: Pick<AdapterParts, "clock" | "bodyTimeoutMs">,
): void {
  const end = () => {
    if (req.complete) return;
    if ("stream" in req) req.stream.close();
    else req.destroy();
  };
  let cancel = clock.after(bodyTimeoutMs, end);
  req.once("end", () => cancel()).once("close", () => cancel());
  // An HTTP/2 response finishes when its stream closes, which is when the caller has come to its end as well.
  const answer = "stream" in res ? res.stream : res;
  answer.once("finish", () => {
    cancel();
    if (req.complete) return;
    cancel = clock.after(lingerMs, end);
    req.resume();
  });
}

/** Whether a request that no method takes was meant for one: then it gets an answer that its client understands. */
function isRpc({ headers }: NodeRequest, path: string, services: ReadonlySet<string>): boolean {
  const type = headers["content-type"] ?? "";
  const service = /^\/([\w.]+)\/\w+$/.exec(path)?.[1];
  if (service === undefined) return false;
  return /^application\/(grpc|connect\+)/.test(type) || "connect-protocol-version" in headers || services.has(service);
}

function unknownMethod(path: string): ConnectError {
  return new ConnectError(`There is no method ${path.slice(0, maxShownChars)}.`, Code.Unimplemented);
}

const maxShownChars = 128;

function refuseUnknown({ headers }: NodeRequest, res: NodeResponse, error: ConnectError): void {
  const type = headers["content-type"] ?? "";
  const isGrpc = type.startsWith("application/grpc");
  // gRPC has the status in headers when there is nothing else; Connect asks for 404, and reads the code in the body.
  const status = isGrpc ? 200 : 404;
  const fields = isGrpc
    ? { "content-type": type, ...Object.fromEntries(setTrailerStatus(new Headers(), error)) }
    : { "content-type": "application/json" };
  res.statusCode = status;
  for (const [name, value] of Object.entries(fields)) res.setHeader(name, value);
  if (isGrpc) res.end();
  else res.end(errorToJsonBytes(error, undefined));
}
