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
