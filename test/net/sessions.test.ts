import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { getCACertificates, setDefaultCACertificates, type TLSSocket } from "node:tls";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../src/domain/clock.ts";
import { createDialer, type Dialer } from "../../src/net/dial.ts";
import { makeCertificate } from "../fakes/certificates.ts";

const certificate = makeCertificate("provider");
setDefaultCACertificates([...getCACertificates("default"), certificate.cert]);
setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void; // Exposed by the line above.

/** A provider that closes each connection after one answer, and notes whether its TLS session was an earlier one's. */
async function startProvider(maxVersion: "TLSv1.2" | "TLSv1.3") {
  const reused: boolean[] = [];
  const server = createServer({ ...certificate, maxVersion }, (_request, response) => {
    response.writeHead(200, { connection: "close" }).end("x");
  });
  server.on("secureConnection", (socket: TLSSocket) => reused.push(socket.isSessionReused()));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return { reused, port: (server.address() as AddressInfo).port }; // It listens on a port.
}

/** For it, every name is 127.0.0.1. */
function createTestDialer(): Dialer {
  const dialer = createDialer({
    clock: systemClock,
    maxConnections: 1,
    maxQueued: 8,
    lookup: (_name, _options, callback) => callback(null, [{ address: "127.0.0.1", family: 4 }]),
  });
  onTestFinished(() => dialer.close());
  return dialer;
}

async function ask(dialer: Dialer, origin: string): Promise<void> {
  const request = { origin, socketPath: null, method: "GET", path: "/", headers: {}, body: null } as const;
  const incoming = await dialer.open({ ...request, connectTimeoutMs: 5_000 }, new AbortController().signal);
  for await (const _ of incoming.body);
}

describe.each(["TLSv1.2", "TLSv1.3"] as const)("a TLS session (%s)", (version) => {
  it.each(["127.0.0.1", "localhost"])("of %s is taken up by the next connection", async (host) => {
    const { reused, port } = await startProvider(version);
    const dialer = createTestDialer();
    for (let call = 0; call < 3; call++) await ask(dialer, `https://${host}:${port}`);
    expect(reused).toEqual([false, true, true]);
  });

  it("outlives a collection of garbage between the connections", async () => {
    const { reused, port } = await startProvider(version);
    const dialer = createTestDialer();
    for (let call = 0; call < 2; call++) {
      await ask(dialer, `https://127.0.0.1:${port}`);
      for (let turn = 0; turn < 5; turn++) {
        await new Promise((resolve) => setImmediate(resolve)); // What the call itself still holds is let go.
        collectGarbage();
      }
    }
    expect(reused).toEqual([false, true]);
  });

  it("is not carried to another origin", async () => {
    const [one, other] = [await startProvider(version), await startProvider(version)];
    const dialer = createTestDialer();
    await ask(dialer, `https://127.0.0.1:${one.port}`);
    await ask(dialer, `https://127.0.0.1:${other.port}`);
    expect(other.reused).toEqual([false]);
  });

  it("is never a way around the check of the name: Node leaves that out for a session that is taken up", async () => {
    const { port } = await startProvider(version);
    const dialer = createTestDialer();
    for (let call = 0; call < 3; call++) {
      await expect(ask(dialer, `https://another.test:${port}`)).rejects.toMatchObject({
        code: "service_unavailable",
        cause: { code: "ERR_TLS_CERT_ALTNAME_INVALID" },
      });
    }
  });
});
