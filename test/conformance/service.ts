import { setTimeout as delay } from "node:timers/promises";
import { create, type Message } from "@bufbuild/protobuf";
import { type Any, anyPack } from "@bufbuild/protobuf/wkt";
import { type Code, ConnectError, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import {
  type BidiStreamRequest,
  BidiStreamRequestSchema,
  type ClientStreamRequest,
  ClientStreamRequestSchema,
  type ConformancePayload,
  ConformancePayload_RequestInfoSchema,
  ConformancePayloadSchema,
  type ConformanceService,
  type Header,
  HeaderSchema,
  IdempotentUnaryRequestSchema,
  ServerStreamRequestSchema,
  type StreamResponseDefinition,
  UnaryRequestSchema,
  type UnaryResponseDefinition,
  type Error as WantedError,
} from "./gen/connectrpc/conformance/v1/service_pb.ts";

/** The suite's own service: it answers what each request says that it should be answered. */
export const conformanceService: Partial<ServiceImpl<typeof ConformanceService>> = {
  async unary(request, context) {
    return { payload: await unary(request.responseDefinition, [anyPack(UnaryRequestSchema, request)], context) };
  },
  async idempotentUnary(request, context) {
    const asked = [anyPack(IdempotentUnaryRequestSchema, request)];
    return { payload: await unary(request.responseDefinition, asked, context) };
  },
  async clientStream(requests, context) {
    const asked: ClientStreamRequest[] = [];
    for await (const request of requests) asked.push(request);
    const packed = asked.map((request) => anyPack(ClientStreamRequestSchema, request));
    return { payload: await unary(asked[0]?.responseDefinition, packed, context) };
  },
  async *serverStream(request, context) {
    const { responseDefinition: wanted } = request;
    const info = requestInfo([anyPack(ServerStreamRequestSchema, request)], context);
    setHeaders(context, wanted);
    yield* payloads(wanted, info);
    if (wanted?.error) throw toError(wanted.error, wanted.responseData.length === 0 ? info : undefined);
  },
  bidiStream: bidi,
};

async function* bidi(requests: AsyncIterable<BidiStreamRequest>, context: HandlerContext) {
  const asked: BidiStreamRequest[] = [];
  let wanted: StreamResponseDefinition | undefined;
  let sent = 0;
  for await (const request of requests) {
    asked.push(request);
    if (asked.length === 1) {
      wanted = request.responseDefinition;
      setHeaders(context, wanted);
    }
    const data = wanted?.responseData[sent];
    if (!asked[0]?.fullDuplex) continue;
    if (data === undefined) break;
    const packed = [anyPack(BidiStreamRequestSchema, request)];
    await delay(wanted?.responseDelayMs ?? 0);
    const info =
      sent === 0 ? requestInfo(packed, context) : create(ConformancePayload_RequestInfoSchema, { requests: packed });
    yield { payload: payload(data, info) };
    sent++;
  }
  const packed = asked.map((request) => anyPack(BidiStreamRequestSchema, request));
  const info = requestInfo(packed, context);
  for (const data of wanted?.responseData.slice(sent) ?? []) {
    await delay(wanted?.responseDelayMs ?? 0);
    yield { payload: payload(data, sent === 0 ? info : undefined) };
    sent++;
  }
  if (wanted?.error) throw toError(wanted.error, sent === 0 ? info : undefined);
}

type RequestInfo = NonNullable<ConformancePayload["requestInfo"]>;

async function unary(wanted: UnaryResponseDefinition | undefined, requests: Any[], context: HandlerContext) {
  setHeaders(context, wanted);
  if (wanted) await delay(wanted.responseDelayMs);
  const info = requestInfo(requests, context);
  if (wanted?.response.case === "error") throw toError(wanted.response.value, info);
  return payload(wanted?.response.value ?? new Uint8Array(0), info);
}

async function* payloads(wanted: StreamResponseDefinition | undefined, info: RequestInfo) {
  for (const [i, data] of (wanted?.responseData ?? []).entries()) {
    await delay(wanted?.responseDelayMs ?? 0);
    yield { payload: payload(data, i === 0 ? info : undefined) };
  }
}

function payload(data: Uint8Array, requestInfo: RequestInfo | undefined): ConformancePayload {
  return create(ConformancePayloadSchema, { data, ...(requestInfo && { requestInfo }) });
}

function requestInfo(requests: Any[], context: HandlerContext): RequestInfo {
  const timeoutMs = context.timeoutMs();
  const query = context.requestMethod === "GET" ? new URL(context.url, "http://localhost").searchParams : [];
  return create(ConformancePayload_RequestInfoSchema, {
    requests,
    requestHeaders: toHeaders(context.requestHeader),
    connectGetInfo: { queryParams: toHeaders(query) },
    ...(timeoutMs === undefined ? {} : { timeoutMs: BigInt(Math.trunc(timeoutMs)) }),
  });
}

function toHeaders(entries: Iterable<readonly [string, string]>): Header[] {
  return [...entries].map(([name, value]) => create(HeaderSchema, { name, value: [value] }));
}

interface WantedHeaders {
  readonly responseHeaders: readonly Header[];
  readonly responseTrailers: readonly Header[];
}

function setHeaders(context: HandlerContext, wanted: WantedHeaders | undefined): void {
  for (const { name, value } of wanted?.responseHeaders ?? []) {
    for (const one of value) context.responseHeader.append(name, one);
  }
  for (const { name, value } of wanted?.responseTrailers ?? []) {
    for (const one of value) context.responseTrailer.append(name, one);
  }
}

function toError({ code, message, details }: WantedError, info: Message | undefined): ConnectError {
  // Both enums number the codes as gRPC does.
  const error = new ConnectError(message ?? "", code as number as Code);
  error.details.push(
    ...details.map(({ typeUrl, value }) => ({ type: typeUrl.slice(typeUrl.lastIndexOf("/") + 1), value })),
  );
  if (info) error.details.push({ desc: ConformancePayload_RequestInfoSchema, value: info as RequestInfo });
  return error;
}
