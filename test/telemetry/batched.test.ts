import { expect, it } from "vitest";
import { batched } from "../../src/telemetry/batched.ts";

function collect() {
  const writes: string[] = [];
  return { writes, log: batched({ write: (text) => writes.push(text) }) };
}

const aMoment = () => new Promise((resolve) => setTimeout(resolve, 60));

it("writes the lines of a moment together, in their order", async () => {
  const { writes, log } = collect();
  log.write("a\n");
  log.write("b\n");
  expect(writes).toEqual([]);
  await aMoment();
  log.write("c\n");
  await aMoment();
  expect(writes).toEqual(["a\nb\n", "c\n"]);
});

it("does not hold back without bound", () => {
  const { writes, log } = collect();
  for (let i = 0; i < 700; i++) log.write("x".repeat(100));
  expect(writes.length).toBeGreaterThan(0);
});

it("keeps each write below what it is told, a longer line alone", () => {
  const writes: string[] = [];
  const log = batched({ write: (text) => writes.push(text) }, 100);
  for (let i = 0; i < 50; i++) log.write(`${"é".repeat(i % 20)}\n`);
  log.write(`${"x".repeat(200)}\n`);
  for (const text of writes.slice(0, -1)) expect(Buffer.byteLength(text)).toBeLessThanOrEqual(100);
  expect(writes.at(-1)).toBe(`${"x".repeat(200)}\n`);
  for (const text of writes) expect(text.endsWith("\n")).toBe(true);
});
