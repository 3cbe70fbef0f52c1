import { expect, it } from "vitest";
import { ConfigError } from "../src/config/problems.ts";
import { createReload } from "../src/reload.ts";

/** What is put to use, one at a time, when the test lets it. */
function reloading(load: () => string = () => "new") {
  const lines: [string, unknown][] = [];
  const write = (message: string, fields?: unknown) => void lines.push([message, fields]);
  const log = { debug: write, info: write, warn: write, error: write, with: () => log };
  const used: { what: string; done: () => void; fail: (error: Error) => void }[] = [];
  const use = (what: string) => new Promise<void>((done, fail) => used.push({ what, done, fail }));
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  return { lines, used, turn, reload: createReload({ log, load, use }) };
}

it("one time after the other: calls while one is under way mean once more", async () => {
  const { reload, used, turn, lines } = reloading();
  for (let i = 0; i < 5; i++) reload();
  await turn();
  expect(used).toHaveLength(1);
  used[0]?.done();
  await turn();
  expect(used).toHaveLength(2);
  used[1]?.done();
  await turn();
  expect(used).toHaveLength(2);
  expect(lines.map(([message]) => message)).toEqual(["configuration replaced", "configuration replaced"]);
});

it("what is wrong is logged with its problems, and nothing is put to use", async () => {
  const { reload, used, turn, lines } = reloading(() => {
    throw new ConfigError(["a: server.port is x", "b: other"]);
  });
  reload();
  await turn();
  expect(used).toEqual([]);
  expect(lines).toEqual([[expect.stringContaining("not replaced"), { problems: ["a: server.port is x", "b: other"] }]]);
});

it("what cannot be put to use is logged, and the next call tries again", async () => {
  const { reload, used, turn, lines } = reloading();
  reload();
  await turn();
  used[0]?.fail(new Error("no port"));
  await turn();
  expect(lines).toEqual([[expect.stringContaining("not replaced"), { problems: ["no port"] }]]);
  reload();
  await turn();
  expect(used).toHaveLength(2);
});
