import { expect, it } from "vitest";
import { SharedAnswer } from "../../src/cache/shared-answer.ts";
import { text } from "../fakes/frames.ts";
import { collect, contextOf, framesOf } from "../providers/sending.ts";

const turn = () => new Promise((resolve) => setImmediate(resolve));
const piece = "x".repeat(32 * 1024);
const pieces = 200;

async function* long() {
  for (let i = 0; i < pieces; i++) yield [text(piece)];
}

it("holds no more of an answer that nobody can join any more than its readers have still to read", async () => {
  const answer = new SharedAnswer("f", contextOf());
  let most = 0;
  const got = collect(
    (async function* () {
      for await (const frames of answer.read(contextOf())) {
        if (!answer.open) most = Math.max(most, answer.heldBytes);
        yield frames;
      }
    })(),
  );
  await answer.make(long, () => {});
  expect(framesOf(await got)).toHaveLength(pieces);
  expect(answer.bytes).toBeGreaterThan(pieces * piece.length * 2);
  expect(most).toBeGreaterThan(0);
  // The limit that was crossed, and what may be ahead of the slowest reader.
  expect(most).toBeLessThan(5 * 1024 * 1024);
  expect(answer.heldBytes).toBe(0);
});

it("gives a slow reader of such an answer everything, while a fast one waits", async () => {
  const answer = new SharedAnswer("f", contextOf());
  const slow = answer.read(contextOf())[Symbol.asyncIterator]();
  const first = slow.next();
  const fast = collect(answer.read(contextOf()));
  const made = answer.make(long, () => {});
  let read = (await first).done ? 0 : 1;
  for (let next = await slow.next(); !next.done; next = await slow.next()) {
    read++;
    if (read % 50 === 0) await turn();
  }
  await made;
  expect(read).toBe(pieces);
  expect(framesOf(await fast)).toHaveLength(pieces);
});

it("is made by when the last of those who wait for it gives up", async () => {
  const due: (number | null)[] = [];
  const shared = new SharedAnswer("f", contextOf());
  void shared
    .read({ ...contextOf(), deadlineMs: 1_000 })
    [Symbol.asyncIterator]()
    .next();
  await shared.make(
    async function* (own) {
      due.push(own.deadlineMs);
      void shared
        .read({ ...contextOf(), deadlineMs: 3_000 })
        [Symbol.asyncIterator]()
        .next();
      due.push(own.deadlineMs);
      void shared.read(contextOf())[Symbol.asyncIterator]().next();
      due.push(own.deadlineMs);
      yield [text("a")];
    },
    () => {},
  );
  expect(due).toEqual([1_000, 3_000, null]);
});
