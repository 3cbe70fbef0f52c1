import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Code } from "@connectrpc/connect";
import { describe, expect, it, vi } from "vitest";
import { freePort } from "../tooling/free-port.ts";
import { repository } from "../tooling/repository.ts";
import { askRest, askRpc, type Got, type GotRpc } from "./callers.ts";
import { logLines, type Ready, run, serve } from "./process.ts";

const faulty = join(repository, "test/operation/faulty-main.ts");
const two = ["--workers", "2", "--simulator"];
const slow = "simulator: { token_delay_ms: 100 }\n";

interface Worker {
  readonly worker: number;
  readonly pid: number;
  readonly state: string;
}

async function workersOf({ opsUrl }: Ready): Promise<readonly Worker[]> {
  const details = (await (await fetch(`${opsUrl}/health/ready`)).json()) as { workers: readonly Worker[] };
  return details.workers;
}

/** Asks until it is so. */
async function until<T>(what: () => Promise<T> | T, isSo: (value: T) => boolean): Promise<T> {
  for (let i = 0; i < 2_000; i++) {
    const value = await what();
    if (isSo(value)) return value;
    await pause(10);
  }
  throw new Error("it did not come about");
}

const servingPids = async (gateway: Ready) =>
  (await workersOf(gateway)).flatMap(({ state, pid }) => (state === "serving" ? [pid] : []));

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

const requestLines = (gateway: Ready) => logLines(gateway).filter(({ message }) => message === "request");
const isWhole = (text: string) => text.trimEnd().endsWith("data: [DONE]");

/** Streams that have begun, as many by REST as by gRPC; connections are dealt out in turn, so half of each a worker. */
async function streams(gateway: Ready, count: number, content = "/words 12") {
  const rest: Promise<Got>[] = [];
  const rpc: Promise<GotRpc>[] = [];
  for (let i = 0; i < count; i++) {
    const one = askRest(gateway.url, { content });
    await one.begun;
    rest.push(one.got);
  }
  for (let i = 0; i < count; i++) {
    const one = askRpc(gateway.url, { content });
    await one.begun;
    rpc.push(one.got);
  }
  return { rest: () => Promise.all(rest), rpc: () => Promise.all(rpc) };
}

describe("trunkline serve --workers 2", () => {
  it("listens once, says so once, and deals connections out evenly", async () => {
    const gateway = await serve(two);
    const ready = logLines(gateway).filter(({ message }) => message === "ready");
    expect(ready).toEqual([expect.objectContaining({ url: gateway.url, workers: 2 })]);
    expect(ready[0]).not.toHaveProperty("worker");
    for (let i = 0; i < 4; i++) {
      expect(await askRest(gateway.url, { content: "/say hello" }).got).toMatchObject({ status: 200 });
      expect(await askRpc(gateway.url, { content: "/say hello" }).got).toMatchObject({
        text: "hello",
        isComplete: true,
      });
    }
    const lines = await until(
      () => requestLines(gateway),
      ({ length }) => length === 8,
    );
    expect(lines.map(({ worker }) => worker).sort()).toEqual([1, 1, 1, 1, 2, 2, 2, 2]);
    expect(await workersOf(gateway)).toHaveLength(2);
  });

  it("on SIGTERM it is no longer ready, all streams finish in all workers, and it ends with 0", async () => {
    const gateway = await serve(two, { config: `server: { drain_delay_ms: 300 }\n${slow}` });
    const { rest, rpc } = await streams(gateway, 4);
    gateway.child.kill("SIGTERM");
    await pause(50);
    expect((await fetch(`${gateway.url}/health/ready`)).status).toBe(503);
    expect((await fetch(`${gateway.opsUrl}/health/ready`)).status).toBe(503);
    for (const { text, broken } of await rest()) expect([isWhole(text), broken]).toEqual([true, null]);
    for (const { isComplete, error } of await rpc()) expect([isComplete, error]).toEqual([true, null]);
    expect(await gateway.exited).toBe(0);
  });

  it("streams that outlive the drain end with the typed error", async () => {
    const gateway = await serve(two, { config: "server: { drain_ms: 100 }\nsimulator: { token_delay_ms: 300 }\n" });
    const { rest, rpc } = await streams(gateway, 2);
    gateway.child.kill("SIGTERM");
    for (const { text, broken } of await rest()) {
      expect([text.includes('"code":"draining"'), isWhole(text), broken]).toEqual([true, false, null]);
    }
    for (const { error } of await rpc()) expect(error?.code).toBe(Code.Unavailable);
    expect(await gateway.exited).toBe(0);
  });

  it("a second SIGTERM ends it and all workers at once", async () => {
    const gateway = await serve(two, { config: "server: { drain_delay_ms: 20000 }\n" });
    const pids = await servingPids(gateway);
    gateway.child.kill("SIGTERM");
    await pause(100);
    gateway.child.kill("SIGTERM");
    expect(await gateway.exited).toBe("SIGTERM");
    await until(
      () => pids.filter(isAlive),
      ({ length }) => length === 0,
    );
  });

  it("workers whose primary is killed finish their streams, and go", async () => {
    const gateway = await serve(two, { config: slow });
    const pids = await servingPids(gateway);
    const { rest, rpc } = await streams(gateway, 2);
    gateway.child.kill("SIGKILL");
    for (const { text } of await rest()) expect(isWhole(text)).toBe(true);
    for (const { isComplete } of await rpc()) expect(isComplete).toBe(true);
    await until(
      () => pids.filter(isAlive),
      ({ length }) => length === 0,
    );
  });

  it("a port in use is one sentence and 69", async () => {
    const gateway = await serve(two);
    const env = { PORT: new URL(gateway.url).port, TRUNKLINE_OPS_PORT: "0" };
    const { exited, stderr } = run(["serve", "--log-level", "error", ...two], { env });
    expect(await exited).toBe(69);
    expect(stderr()).toMatch(/^trunkline: Port \d+ on 127\.0\.0\.1 is in use: [^\n]+\n$/);
  });
});

describe("a worker", () => {
  it("that is killed cuts its own streams without a polite end, and is replaced", async () => {
    const gateway = await serve(two, { config: slow });
    const before = await servingPids(gateway);
    const { rest, rpc } = await streams(gateway, 4);
    process.kill(before[0] ?? 0, "SIGKILL");
    const [restGot, rpcGot] = [await rest(), await rpc()];
    expect(restGot.filter(({ text, broken }) => isWhole(text) && broken === null)).toHaveLength(2);
    expect(restGot.filter(({ text, broken }) => !isWhole(text) && broken !== null)).toHaveLength(2);
    expect(rpcGot.filter(({ isComplete }) => isComplete)).toHaveLength(2);
    expect(rpcGot.filter(({ error }) => error !== null)).toHaveLength(2);
    const after = await until(
      () => servingPids(gateway),
      ({ length }) => length === 2,
    );
    expect(after).toContain(before[1]);
    expect(after).not.toContain(before[0]);
    expect(logLines(gateway)).toContainEqual(expect.objectContaining({ message: "worker ended", how: "SIGKILL" }));
    for (let i = 0; i < 4; i++) expect((await askRest(gateway.url, { content: "/say hi" }).got).status).toBe(200);
  });

  it.each([
    ["an exception", "SIGUSR2", "planted exception"],
    ["a rejection", "SIGWINCH", "planted rejection"],
  ] as const)(
    "that has %s nobody caught tells its streams by the typed error, and is replaced",
    async (_, signal, words) => {
      const gateway = await serve(two, { config: slow, program: faulty });
      const before = await servingPids(gateway);
      const { rest, rpc } = await streams(gateway, 4);
      process.kill(before[0] ?? 0, signal);
      const [restGot, rpcGot] = [await rest(), await rpc()];
      expect(restGot.map(({ broken }) => broken)).toEqual([null, null, null, null]);
      expect(restGot.filter(({ text }) => isWhole(text))).toHaveLength(2);
      expect(restGot.filter(({ text }) => !isWhole(text) && text.includes('"code":"draining"'))).toHaveLength(2);
      expect(rpcGot.filter(({ isComplete }) => isComplete)).toHaveLength(2);
      const codes = rpcGot.flatMap(({ error }) => error?.code ?? []);
      expect(codes).toEqual([Code.Unavailable, Code.Unavailable]);
      await until(
        () => servingPids(gateway),
        (pids) => pids.length === 2 && !pids.includes(before[0] ?? 0),
      );
      await until(
        () => before.slice(0, 1).filter(isAlive),
        ({ length }) => length === 0,
      );
      expect(logLines(gateway)).toContainEqual(
        expect.objectContaining({ level: "error", worker: 1, cause: expect.objectContaining({ message: words }) }),
      );
    },
  );

  it("that always ends at its start makes the gateway give up, with the reason", async () => {
    const env = { PORT: "0", TRUNKLINE_OPS_PORT: "0", TRUNKLINE_TEST_FAULT: "yes" };
    const { exited, stderr } = run(["serve", ...two], { env, program: faulty });
    expect(await exited).toBe(70);
    expect(stderr()).toContain("5 workers ended within 30 s of the start");
  });

  it("that cannot start says why in one sentence", async () => {
    const env = { PORT: "0", TRUNKLINE_OPS_PORT: "0", TRUNKLINE_DATA_DIR: "/dev/null/data" };
    const { exited, stderr } = run(["serve", ...two], { env });
    expect(await exited).toBe(70);
    expect(stderr()).toMatch(/\ntrunkline: [^\n]*\/dev\/null\/data[^\n]*\n$/);
  });
});

describe("SIGHUP", () => {
  const rename = (gateway: Ready, config: string) => {
    writeFileSync(join(gateway.folder, "trunkline.yaml"), config);
    gateway.child.kill("SIGHUP");
  };
  const said = (gateway: Ready, start: string) =>
    until(
      () => logLines(gateway).filter(({ message }) => String(message).startsWith(start)),
      ({ length }) => length > 0,
    );
  const alias = "models: { fresh: { targets: [simulator/echo] } }\n";

  it.each([["with workers", two] as const, ["with a single process", ["--simulator"]] as const])(
    "%s puts a new configuration to use: no stream is lost and no request refused",
    async (_, flags) => {
      const gateway = await serve(flags, { config: slow });
      const isMany = flags === two;
      const before = isMany ? await servingPids(gateway) : [];
      const { rest, rpc } = await streams(gateway, 3, "/words 30");
      const meanwhile = { isOver: false };
      const steady = async () => {
        const statuses: number[] = [];
        while (!meanwhile.isOver) statuses.push((await askRest(gateway.url, { content: "/say hi" }).got).status);
        return statuses;
      };
      const statuses = [steady(), steady()];
      rename(gateway, `${alias}${slow}`);
      await said(gateway, "configuration replaced");
      const fresh = await askRest(gateway.url, { model: "fresh", content: "/say hi" }).got;
      expect(fresh.status).toBe(200);
      meanwhile.isOver = true;
      for (const all of await Promise.all(statuses)) expect(new Set(all)).toEqual(new Set([200]));
      for (const { text, broken } of await rest()) expect([isWhole(text), broken]).toEqual([true, null]);
      for (const { isComplete, error } of await rpc()) expect([isComplete, error]).toEqual([true, null]);
      if (!isMany) return;
      const after = await until(
        () => workersOf(gateway),
        ({ length }) => length === 2,
      );
      for (const { pid } of after) expect(before).not.toContain(pid);
    },
  );

  it.each([["with workers", two] as const, ["with a single process", ["--simulator"]] as const])(
    "%s keeps the configuration when the new one is wrong, and says what is wrong where",
    async (_, flags) => {
      const gateway = await serve(flags, { config: `${alias}${slow}` });
      const before = flags === two ? await servingPids(gateway) : [];
      rename(gateway, "server: { drain_ms: soon }\n");
      const [line] = await said(gateway, "configuration not replaced");
      expect(line).toMatchObject({
        level: "error",
        problems: [expect.stringMatching(/trunkline\.yaml:1: server\.drain_ms/)],
      });
      expect((await askRest(gateway.url, { model: "fresh", content: "/say hi" }).got).status).toBe(200);
      if (flags === two) expect(await servingPids(gateway)).toEqual(before);
    },
  );

  it("keeps the workers when new ones do not come up", async () => {
    const gateway = await serve(two, { config: slow, program: faulty });
    const before = await servingPids(gateway);
    writeFileSync(join(gateway.folder, "fault-at-start"), "");
    rename(gateway, `${alias}${slow}`);
    const [line] = await said(gateway, "configuration not replaced");
    expect(line).toMatchObject({ problems: [expect.stringContaining("workers ended within")] });
    // The other new one is told to end, and may take a moment.
    const old = before.map((pid) => expect.objectContaining({ pid, state: "serving" }));
    await vi.waitFor(async () => expect(await workersOf(gateway)).toEqual(old), { timeout: 10_000 });
    expect((await askRest(gateway.url, { content: "/say hi" }).got).status).toBe(200);
  });

  it("moves the ops port to another address, and leaves the public one where it is", async () => {
    const [before, after] = [await freePort(), await freePort()];
    const at = (port: number) => `server: { ops: { port: ${port} } }\n`;
    const gateway = await serve(two, { config: at(before), env: { TRUNKLINE_OPS_PORT: "" } });
    expect(gateway.opsUrl).toBe(`http://127.0.0.1:${before}`);
    rename(gateway, at(after));
    await said(gateway, "configuration replaced");
    expect((await fetch(`http://127.0.0.1:${after}/metrics`)).status).toBe(200);
    await expect(fetch(`http://127.0.0.1:${before}/health/live`)).rejects.toThrow();
    expect((await askRest(gateway.url, { content: "/say hi" }).got).status).toBe(200);
  });

  it("says which settings a single process only takes from its start", async () => {
    const gateway = await serve(["--simulator"], { config: slow });
    rename(gateway, `server: { workers: 4 }\n${slow}`);
    const [line] = await said(gateway, "these settings");
    expect(line).toMatchObject({ level: "warn", settings: ["server.workers"] });
  });
});

describe("what workers share", () => {
  const value = (text: string, series: RegExp) =>
    Number(new RegExp(`^${series.source} (\\S+)$`, "m").exec(text)?.at(-1));
  const scrape = async (gateway: Ready) => (await fetch(`${gateway.opsUrl}/metrics`)).text();

  it("metrics are those of all, and what was counted never goes down when a worker dies", async () => {
    const gateway = await serve(two);
    for (let i = 0; i < 6; i++) await askRest(gateway.url, { content: "/say hi" }).got;
    const requests = /trunkline_requests_total\{[^}]*outcome="ok"\}/;
    const durations = /gen_ai_server_request_duration_count\{[^}]*\}/;
    const text = await scrape(gateway);
    expect(text.match(/^# TYPE trunkline_requests_total counter$/gm)).toHaveLength(1);
    expect([value(text, requests), value(text, durations)]).toEqual([6, 6]);
    expect(value(text, /trunkline_workers_answered/)).toBe(2);
    for (const worker of ["1", "2", "primary"]) {
      expect(value(text, new RegExp(`process_memory_usage\\{trunkline_worker="${worker}"\\}`))).toBeGreaterThan(1e7);
    }
    const [first = 0] = await servingPids(gateway);
    process.kill(first, "SIGKILL");
    const after = await until(
      () => scrape(gateway),
      (now) => value(now, /trunkline_workers_answered/) === 2 && now.includes('how="killed"} 1'),
    );
    expect([value(after, requests), value(after, durations)]).toEqual([6, 6]);
    for (let i = 0; i < 4; i++) await askRest(gateway.url, { content: "/say hi" }).got;
    expect(value(await scrape(gateway), requests)).toBe(10);
  });

  it("limits hold over all of them", async () => {
    const config = `${slow}resilience: { queue: { max_in_flight: 3, max_queued: 1 } }\n`;
    const gateway = await serve(two, { config });
    const running = Array.from({ length: 3 }, () => askRest(gateway.url, { content: "/words 10" }));
    for (const { begun } of running) await begun;
    const waiting = askRest(gateway.url, { content: "/say hi" });
    await until(
      () => scrape(gateway),
      (text) => value(text, /trunkline_queue_size/) === 1,
    );
    for (let i = 0; i < 4; i++) {
      const refused = await askRest(gateway.url, { content: "/say hi" }).got;
      expect([refused.status, refused.text.includes('"code":"overloaded"')]).toEqual([503, true]);
    }
    for (const { got } of running) expect(isWhole((await got).text)).toBe(true);
    expect(isWhole((await waiting.got).text)).toBe(true);
  });

  it("an idempotency key means the same in all of them", async () => {
    const gateway = await serve(two, { config: slow });
    const asked = { content: "/words 8", headers: { "idempotency-key": "k-1" } };
    const first = askRest(gateway.url, asked);
    await first.begun;
    const joined = [askRest(gateway.url, asked), askRest(gateway.url, asked)];
    const other = [0, 1].map(() => askRest(gateway.url, { ...asked, content: "/words 9" }).got);
    for (const { status } of await Promise.all(other)) expect(status).toBe(409);
    const whole = await first.got;
    expect(isWhole(whole.text)).toBe(true);
    for (const { got } of joined) {
      const { text, headers } = await got;
      expect([text, headers["trunkline-replayed"]]).toEqual([whole.text, "joined"]);
    }
    for (let i = 0; i < 2; i++) {
      const { text, headers } = await askRest(gateway.url, asked).got;
      expect([text, headers["trunkline-replayed"]]).toEqual([whole.text, "replayed"]);
    }
    const lines = await until(
      () => requestLines(gateway).filter(({ outcome }) => outcome === "ok"),
      ({ length }) => length === 5,
    );
    expect(new Set(lines.map(({ worker }) => worker))).toEqual(new Set([1, 2]));
    expect(lines.filter(({ replayed }) => replayed === undefined)).toHaveLength(1);
  });

  it("connections on their way to a worker break when it dies before it has them", async () => {
    const gateway = await serve(two);
    const [one] = await workersOf(gateway);
    process.kill(one?.pid ?? 0, "SIGSTOP"); // It takes nothing, and says nothing.
    const asked = Array.from({ length: 6 }, () => {
      const signal = AbortSignal.timeout(20_000);
      return fetch(`${gateway.url}/v1/models`, { headers: { connection: "close" }, signal }).then(
        ({ status }) => String(status),
        (error: Error) => error.name,
      );
    });
    // Every other one is answered by the worker that runs.
    await Promise.any(asked);
    process.kill(one?.pid ?? 0, "SIGKILL");
    const ends = await Promise.all(asked);
    expect(ends.toSorted()).toEqual(["200", "200", "200", "TypeError", "TypeError", "TypeError"]);
  });

  it("a response is found and gone on from in all of them, also when the worker that made it has died", async () => {
    const gateway = await serve(two);
    const ask = (path: string, body?: object) =>
      // Each connection is dealt to the next worker.
      fetch(`${gateway.url}/v1/responses${path}`, {
        ...(body && { method: "POST", body: JSON.stringify(body) }),
        headers: { "content-type": "application/json", connection: "close" },
      }).then(async (reply) => ({ status: reply.status, json: (await reply.json()) as Record<string, unknown> }));
    const model = "simulator/echo";
    const first = await ask("", { model, input: "/say one" });
    const seen = await Promise.all([0, 1, 2, 3].map(() => ask(`/${first.json.id}`)));
    expect(seen.map(({ json }) => json)).toEqual(seen.map(() => first.json));
    const [one] = await workersOf(gateway);
    process.kill(one?.pid ?? 0, "SIGKILL");
    // Until the primary knows that it is dead, connections that it deals to it break.
    await until(
      () => workersOf(gateway),
      (living) => living.length === 2 && living.every(({ pid }) => pid !== one?.pid),
    );
    expect((await ask(`/${first.json.id}`)).json).toEqual(first.json);
    const next = await ask("", { model, input: "/say two", previous_response_id: first.json.id });
    expect(next).toMatchObject({ status: 200, json: { previous_response_id: first.json.id } });
  });

  it("who reads the answer of a worker that dies gets the typed error, and the key can be used again", async () => {
    const gateway = await serve(two, { config: slow });
    const asked = { content: "/words 20", headers: { "idempotency-key": "k-2" } };
    const first = askRest(gateway.url, asked);
    await first.begun;
    const [owner] = await workersOf(gateway);
    const both = [askRest(gateway.url, asked), askRest(gateway.url, asked)];
    for (const { begun } of both) await begun;
    process.kill(owner?.pid ?? 0, "SIGKILL");
    const got = await Promise.all(both.map((one) => one.got));
    const told = got.filter(({ broken }) => broken === null);
    expect(told).toHaveLength(1);
    expect(told[0]?.text).toContain('"code":"service_unavailable"');
    expect(isWhole(told[0]?.text ?? "")).toBe(false);
    const again = await askRest(gateway.url, { ...asked, content: "/say hi" }).got;
    expect([again.status, again.headers["trunkline-replayed"]]).toEqual([200, undefined]);
  });
});
