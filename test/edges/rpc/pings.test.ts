import { connect, createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { ChatService } from "../../../gen/trunkline/v1/chat_pb.ts";
import { createAdapter } from "../../../src/edges/rpc/adapter.ts";
import { arrive } from "../../../src/edges/rpc/arrival.ts";
import type { NodeRequest } from "../../../src/edges/rpc/node.ts";
import { createFakeClock } from "../../fakes/clock.ts";

/** A server whose bodies may take for ever, and one connection to it. */
async function start() {
  const clock = createFakeClock();
  const calls: NodeRequest[] = [];
  const server = createServer(
    createAdapter({
      routes: (router) => router.service(ChatService, {}),
      arrive(req) {
        calls.push(req);
        return arrive(req, { clock, newRequestId: () => "req_1" });
      },
      clock,
      bodyTimeoutMs: 1_000_000,
      keepaliveMs: 100,
      refuse: (error) => error,
      fallback: (_, res) => void res.end(),
    }),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const session = connect(`http://127.0.0.1:${port}`);
  onTestFinished(() => {
    session.destroy();
    server.close();
  });
  let pinged = 0;
  session.on("ping", () => pinged++);
  const call = async (type = "application/grpc") => {
    const stream = session.request({
      ":method": "POST",
      ":path": `/${ChatService.typeName}/${ChatService.method.chat.name}`,
      "content-type": type,
    });
    stream.on("error", () => {});
    await expect.poll(() => calls.length).toBeGreaterThan(0);
    const req = calls.pop();
    const left = new Promise((resolve) => req?.once("close", resolve));
    return async () => {
      stream.close(8);
      await left;
    };
  };
  /** Everything that was sent before has arrived when our own PING comes back. */
  const received = async () => {
    await new Promise((resolve) => session.ping(resolve));
    return pinged;
  };
  return { clock, session, call, received };
}

it("a connection with calls is pinged at each interval, once for all of them", async () => {
  const { clock, call, received } = await start();
  await call();
  await call();
  clock.advance(99);
  expect(await received()).toBe(0);
  clock.advance(1);
  expect(await received()).toBe(1);
  clock.advance(100);
  expect(await received()).toBe(2);
  // Two of them wait for the bodies.
  expect(clock.timers).toBe(3);
});

it("a connection whose calls are Connect's is not", async () => {
  const { clock, call, received } = await start();
  await call("application/json");
  clock.advance(1_000);
  expect(await received()).toBe(0);
});

it("a connection without calls is left alone, until it has one again", async () => {
  const { clock, call, received } = await start();
  const leave = await call();
  await leave();
  clock.advance(1_000);
  expect([await received(), clock.timers]).toEqual([0, 0]);
  await call();
  clock.advance(100);
  expect(await received()).toBe(1);
});

it("a connection that is closed keeps no timer", async () => {
  const { clock, session, call } = await start();
  await call();
  session.destroy();
  await expect.poll(() => clock.timers).toBe(0);
});
