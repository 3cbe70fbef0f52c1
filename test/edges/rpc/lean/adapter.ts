import type { ConnectError, ConnectRouter, ServiceImpl } from "@connectrpc/connect";
import { onTestFinished } from "vitest";
import { ChatService, StreamChatResponseSchema } from "../../../../gen/trunkline/v1/chat_pb.ts";
import { type AdapterParts, createAdapter } from "../../../../src/edges/rpc/adapter.ts";
import { arrive } from "../../../../src/edges/rpc/arrival.ts";
import type { NodeHandler } from "../../../../src/edges/rpc/node.ts";
import { streamEventWriter } from "../../../../src/edges/rpc/write-event.ts";
import { startServer } from "../../../../src/edges/server.ts";
import { createFakeClock, type FakeClock } from "../../../fakes/clock.ts";

/** Methods of the test's own, behind the gateway's adapter and listener, on a clock that stands still. */
export interface TestAdapter {
  readonly port: number;
  readonly clock: FakeClock;
  /** Which way each call went. */
  readonly ways: readonly string[];
  /** Errors that were completed: those that say nothing but their code. */
  readonly refused: readonly ConnectError[];
  /** What the newest call was given by Node. */
  readonly last: { readonly req: Parameters<NodeHandler>[0]; readonly res: Parameters<NodeHandler>[1] };
}

type Options = Partial<
  Pick<AdapterParts, "requestGate" | "interceptors" | "readMaxBytes" | "jsonOptions" | "writers" | "bodyTimeoutMs">
>;

/** After so long without calls a connection of gRPC has no timer any more. Milliseconds. */
export const keepaliveMs = 15_000;

/**
 * Starts one for the test that runs, and stops it after it.
 * @param own options of the service alone
 */
export async function startAdapter(
  chat: Partial<ServiceImpl<typeof ChatService>>,
  options: Options = {},
  own?: Parameters<ConnectRouter["service"]>[2],
): Promise<TestAdapter> {
  const clock = createFakeClock();
  const ways: string[] = [];
  const refused: ConnectError[] = [];
  let last: TestAdapter["last"] | null = null;
  const handler = createAdapter({
    routes: (router) => void router.service(ChatService, chat, own),
    arrive: (req) => arrive(req, { clock, newRequestId: () => "req_test" }),
    clock,
    bodyTimeoutMs: 60_000,
    keepaliveMs,
    refuse: (error) => {
      refused.push(error);
      return error;
    },
    fallback: (_req, res) => {
      res.statusCode = 404;
      res.end();
    },
    writers: new Map([[StreamChatResponseSchema.typeName, streamEventWriter]]),
    onCall: (way) => ways.push(way),
    ...options,
  });
  const server = await startServer({
    host: "127.0.0.1",
    port: 0,
    tls: null,
    handler: (req, res) => {
      last = { req, res };
      handler(req, res);
    },
  });
  onTestFinished(() => server.close());
  return {
    port: server.port,
    clock,
    ways,
    refused,
    get last() {
      if (last === null) throw new Error("nobody has called");
      return last;
    },
  };
}

/** Options with which no call goes the short way. */
export const byLibrary: Options = { interceptors: [(next) => (request) => next(request)] };
