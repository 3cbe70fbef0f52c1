import { expect, it } from "vitest";
import { beginRequest, Shutdown } from "../../src/domain/begin.ts";
import type { Log } from "../../src/domain/log.ts";
import { createFakeClock } from "../fakes/clock.ts";

const quiet: Log = { debug() {}, info() {}, warn() {}, error() {}, with: () => quiet };

it("the deadline is when the signal aborts, however long the request's body took", () => {
  const clock = createFakeClock();
  const parts = { clock, log: quiet, shutdown: new Shutdown(), newRequestId: () => "req_1" };
  const arrival = { requestId: "req_2", startedMs: clock.nowMs() };
  clock.advance(300);
  // Of 1,000 ms since its arrival.
  const { context } = beginRequest(parts, { operation: "chat", protocol: "grpc", timeoutMs: 700, arrival });
  expect(context.deadlineMs).toBe(1_000);
  clock.advance(699);
  expect(context.signal.aborted).toBe(false);
  clock.advance(1);
  expect(context.signal.reason).toMatchObject({ code: "timeout", detail: { phase: "deadline" } });
});
