import { createServer, type ServerResponse } from "node:http";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { repository, toolCache } from "../tooling/repository.ts";
import { mustRun } from "../tooling/run-tool.ts";

const buildMs = 300_000;
const program = join(toolCache, "bench/load-under-test");

beforeAll(async () => {
  const cwd = join(repository, "bench/load");
  await mustRun("go", ["build", "-o", program, "."], { cwd, timeoutMs: buildMs });
}, buildMs);

describe("an open loop", () => {
  const stallMs = 500;

  it("counts the wait of every request that was due while nothing was answered, over one connection too", async () => {
    await using server = await startStalling(stallMs);
    const args = ["-url", server.url, "-body", "{}", "-c", "1", "-warm", "0s", "-d", "1s", "-rate", "200"];
    const { stdout } = await mustRun(program, args, { timeoutMs: 60_000 });
    const measured = JSON.parse(stdout);
    expect(measured).toMatchObject({ errors: 0, unfinished: 0 });
    // Half of the requests were due within the stall, and one of them would be all that a closed loop sees.
    expect(measured.p95_us).toBeGreaterThan((stallMs / 2) * 1_000);
  });

  it("owes an answer to all that it has started, those that end late too", async () => {
    await using server = await startStalling(stallMs, 1);
    const args = ["-url", server.url, "-body", "{}", "-c", "64", "-warm", "0s", "-d", "300ms", "-rate", "100"];
    const { stdout } = await mustRun(program, args, { timeoutMs: 60_000 });
    const measured = JSON.parse(stdout);
    // No answer comes within the measured time.
    expect(measured.n).toBeGreaterThan(10);
    expect(measured).toMatchObject({ errors: 0, unfinished: 0 });
  });
});

it.each(["load", "mock"])("the tests of bench/%s hold", async (name) => {
  await mustRun("go", ["test", "./..."], { cwd: join(repository, "bench", name), timeoutMs: buildMs });
});

/** Answers at once, but for a while from request number `from` on, when it answers nobody. */
async function startStalling(stallMs: number, from = 20): Promise<AsyncDisposable & { readonly url: string }> {
  let asked = 0;
  const held: ServerResponse[] = [];
  let isStalled = false;
  const server = createServer((req, res) => {
    req.resume();
    if (++asked === from) {
      isStalled = true;
      void pause(stallMs).then(() => {
        isStalled = false;
        for (const one of held) one.end("{}");
      });
    }
    if (isStalled) held.push(res);
    else res.end("{}");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("a TCP listener has a port");
  return {
    url: `http://127.0.0.1:${address.port}/`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
