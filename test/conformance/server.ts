import { appendFileSync } from "node:fs";
import { create, createRegistry, fromBinary, toBinary } from "@bufbuild/protobuf";
import { systemClock } from "../../src/domain/clock.ts";
import { Secret } from "../../src/domain/secret.ts";
import { createAdapter } from "../../src/edges/rpc/adapter.ts";
import { arrive } from "../../src/edges/rpc/arrival.ts";
import { startServer } from "../../src/edges/server.ts";
import {
  ServerCompatRequestSchema,
  ServerCompatResponseSchema,
} from "./gen/connectrpc/conformance/v1/server_compat_pb.ts";
import {
  ConformanceService,
  file_connectrpc_conformance_v1_service,
} from "./gen/connectrpc/conformance/v1/service_pb.ts";
import { conformanceService } from "./service.ts";

/** The server under test: the suite's service behind the gateway's own adapter and listener, as the suite's runner starts it. */
const chunks: Buffer[] = [];
for await (const chunk of process.stdin) {
  chunks.push(chunk);
  const input = Buffer.concat(chunks);
  if (input.length >= 4 && input.length >= 4 + input.readUInt32BE()) break;
}
const request = fromBinary(ServerCompatRequestSchema, Buffer.concat(chunks).subarray(4));
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();
const creds = request.useTls ? request.serverCreds : undefined;
/** Which way each call went. */
const ways: string[] = [];
const server = await startServer({
  host: "127.0.0.1",
  port: 0,
  tls: creds
    ? {
        cert: text(creds.cert),
        key: new Secret(text(creds.key)),
        clientCa: request.clientTlsCert.length > 0 ? text(request.clientTlsCert) : null,
      }
    : null,
  handler: createAdapter({
    routes: (router) => void router.service(ConformanceService, conformanceService),
    fallback: (_req, res) => {
      res.statusCode = 404;
      res.end();
    },
    clock: systemClock,
    bodyTimeoutMs: 60_000,
    keepaliveMs: 15_000,
    arrive: (req) => arrive(req, { clock: systemClock, newRequestId: () => "req_conformance" }),
    // The suite expects errors as its service made them.
    refuse: (error) => error,
    onCall: (way) => ways.push(way),
    jsonOptions: { registry: createRegistry(file_connectrpc_conformance_v1_service) },
    ...(request.messageReceiveLimit > 0 ? { readMaxBytes: request.messageReceiveLimit } : {}),
  }),
});
process.once("SIGTERM", () => {
  if (process.env.CONFORMANCE_WAYS) appendFileSync(process.env.CONFORMANCE_WAYS, `${ways.join("\n")}\n`);
  void server.close().then(() => process.exit(0));
});

const { host, port } = server;
const response = toBinary(
  ServerCompatResponseSchema,
  create(ServerCompatResponseSchema, { host, port, pemCert: creds?.cert ?? new Uint8Array(0) }),
);
const length = Buffer.alloc(4);
length.writeUInt32BE(response.length);
process.stdout.write(Buffer.concat([length, response]));
