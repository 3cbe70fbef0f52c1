import { expect, it } from "vitest";
import type { Log } from "../../src/domain/log.ts";
import type { Connection } from "../../src/edges/acceptor.ts";
import type { Member } from "../../src/workers/crew.ts";
import type { Child, ChildListener } from "../../src/workers/fork.ts";
import type { FromWorker, ToWorker } from "../../src/workers/messages.ts";
import { Questions } from "../../src/workers/questions.ts";
import { Supervisor } from "../../src/workers/supervisor.ts";
import { createFakeClock } from "../fakes/clock.ts";

const log: Log = { debug() {}, info() {}, warn() {}, error() {}, with: () => log };
const plan = { count: 2, setup: { file: null, flags: {}, folder: "/" } };
const socket = {} as Connection;

/** A supervisor over processes that do what the test says. */
function supervising(said: string[] = []) {
  const clock = createFakeClock();
  const children: (Child & { heard: ToWorker[]; given: number; isKilled: boolean } & ChildListener)[] = [];
  const gaveUp: string[] = [];
  const lost: string[] = [];
  const seen: Member[] = [];
  const supervisor = new Supervisor({
    clock,
    log: { ...log, error: (message) => void said.push(message) },
    fork: (listener) => {
      const child = {
        ...listener,
        pid: children.length + 1,
        heard: [] as ToWorker[],
        given: 0,
        isKilled: false,
        send: (message: ToWorker) => void child.heard.push(message),
        give: () => void child.given++,
        kill: () => {
          child.isKilled = true;
          listener.exit("SIGKILL");
        },
      };
      children.push(child);
      return child;
    },
    changed: (member) => void seen.push(member),
    message() {},
    lost: (_, how) => void lost.push(how),
    giveUp: (reason) => void gaveUp.push(reason),
  });
  const say = (index: number, message: FromWorker) => children[index]?.message(message);
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  async function started() {
    const starting = supervisor.start(plan, 1_000);
    for (let i = 0; i < plan.count; i++) say(i, { kind: "ready" });
    await starting;
  }
  return { clock, children, gaveUp, lost, supervisor, say, settled, started };
}

it("tells each worker its number, and waits until all of them serve", async () => {
  const { supervisor, children, say, settled } = supervising();
  let isUp = false;
  const starting = supervisor.start(plan, 1_000).then(() => {
    isUp = true;
  });
  for (const index of [0, 1]) say(index, { kind: "hello" });
  expect(children.map(({ heard }) => heard)).toEqual(
    [1, 2].map((number) => [{ kind: "start", setup: { ...plan.setup, number } }]),
  );
  say(0, { kind: "ready" });
  await settled();
  expect([isUp, supervisor.give(socket)]).toEqual([false, false]);
  say(1, { kind: "ready" });
  await starting;
  for (let i = 0; i < 4; i++) expect(supervisor.give(socket)).toBe(true);
  expect(children.map(({ given }) => given)).toEqual([2, 2]);
});

it("fails with what a worker says that cannot start, and leaves none behind", async () => {
  const said: string[] = [];
  const { supervisor, children, say, settled } = supervising(said);
  const starting = supervisor.start(plan, 1_000);
  const failed = starting.catch(() => {});
  say(1, { kind: "failed", sentence: "No.", exitCode: 77 });
  await failed;
  say(0, { kind: "failed", sentence: "No either.", exitCode: 77 });
  await settled();
  expect(said).toEqual([]);
  await expect(starting).rejects.toMatchObject({ message: "No.", exitCode: 77 });
  expect(children.map(({ isKilled }) => isKilled)).toEqual([true, true]);
  expect(supervisor.living).toEqual([]);
});

it("fails when workers do not come up in time", async () => {
  const { supervisor, clock } = supervising();
  const starting = supervisor.start(plan, 1_000);
  clock.advance(60_000);
  await expect(starting).rejects.toMatchObject({ exitCode: 70 });
  expect(supervisor.living).toEqual([]);
});

it("replaces a worker that ends at once, then after pauses that grow, and never spins", async () => {
  const { children, clock, started, lost } = supervising();
  await started();
  clock.advance(30_000);
  children[0]?.exit(1);
  expect(children).toHaveLength(3);
  const pauses: number[] = [];
  for (let i = 0; i < 9; i++) {
    const before = children.length;
    children.at(-1)?.exit("SIGSEGV");
    let waitedMs = 0;
    for (; children.length === before && waitedMs < 20_000; waitedMs += 100) clock.advance(100);
    pauses.push(waitedMs);
  }
  expect(pauses).toEqual([100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000]);
  expect(lost).toEqual(Array(10).fill("killed"));
  clock.advance(60_001);
  const before = children.length;
  children.at(-1)?.exit(1);
  expect(children).toHaveLength(before + 1);
});

it("gives up when workers end again and again right after the start", async () => {
  const { children, clock, started, gaveUp } = supervising();
  await started();
  for (let i = 0; i < 5; i++) {
    children.at(-1)?.exit(1);
    clock.advance(1_000);
  }
  expect(gaveUp).toEqual([expect.stringContaining("5 workers ended within 30 s")]);
  const count = children.length;
  clock.advance(100_000);
  expect(children).toHaveLength(count);
});

it("a worker with a fault of its own gets no more connections, and is replaced before it has ended", async () => {
  const { supervisor, children, say, started, lost } = supervising();
  await started();
  say(0, { kind: "crashing", reason: "oops" });
  expect(children).toHaveLength(3);
  for (let i = 0; i < 4; i++) supervisor.give(socket);
  expect(children.map(({ given }) => given)).toEqual([0, 4, 0]);
  say(2, { kind: "ready" });
  expect(supervisor.serving.map(({ number }) => number)).toEqual([2, 3]);
  children[0]?.exit(70);
  expect(children).toHaveLength(3);
  expect(lost).toEqual(["fault"]);
});

it("a new crew takes over when all of it serves; the old one drains, and is killed when it takes too long", async () => {
  const { supervisor, children, clock, say, started, settled } = supervising();
  await started();
  const next = supervisor.start(plan, 1_000);
  say(2, { kind: "ready" });
  supervisor.give(socket);
  expect(children[0]?.given).toBe(1);
  say(3, { kind: "ready" });
  await next;
  for (let i = 0; i < 4; i++) supervisor.give(socket);
  expect(children.map(({ given }) => given)).toEqual([1, 0, 2, 2]);
  for (const index of [0, 1]) expect(children[index]?.heard.at(-1)).toEqual({ kind: "drain", replaced: true });
  children[0]?.exit(0);
  clock.advance(5_999);
  expect(children[1]?.isKilled).toBe(false);
  clock.advance(1);
  await settled();
  expect(children.map(({ isKilled }) => isKilled)).toEqual([false, true, false, false]);
  expect(supervisor.living.map(({ number }) => number)).toEqual([3, 4]);
});

it("numbers of workers that are gone are given again", async () => {
  const { supervisor, children, clock, started } = supervising();
  await started();
  clock.advance(30_000);
  children[0]?.exit(1);
  expect(supervisor.living.map(({ number }) => number).sort()).toEqual([1, 2]);
});

it("drains everybody, those too who only start, and is done when all are gone", async () => {
  const { supervisor, children, say, started } = supervising();
  await started();
  const next = supervisor.start(plan, 1_000);
  say(2, { kind: "ready" });
  let isDone = false;
  const draining = supervisor.drain(1_000).then(() => {
    isDone = true;
  });
  await expect(next).rejects.toMatchObject({ name: "StartFault" });
  expect(children.map(({ isKilled }) => isKilled)).toEqual([false, false, true, true]);
  children[0]?.exit(0);
  expect(isDone).toBe(false);
  children[1]?.exit(0);
  await draining;
});

it("waits for answers no longer than it says, and still takes those that come later", async () => {
  const { supervisor, children, clock, started } = supervising();
  await started();
  const questions = new Questions(clock);
  const taken: unknown[] = [];
  let isDone = false;
  const asking = questions
    .ask(supervisor.living, "metrics", 500, (member, value) => taken.push([member.number, value]))
    .then(() => {
      isDone = true;
    });
  const [first, second] = supervisor.living;
  if (first === undefined || second === undefined) throw new Error("there are two");
  expect(children[0]?.heard.at(-1)).toEqual({ kind: "ask", id: 1, question: "metrics" });
  questions.answer(first, 1, "a");
  expect(isDone).toBe(false);
  clock.advance(500);
  await asking;
  questions.answer(second, 1, "b");
  questions.answer(second, 1, "again");
  expect(taken).toEqual([
    [1, "a"],
    [2, "b"],
  ]);
});
