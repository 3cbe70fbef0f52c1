import { describe, expect, it } from "vitest";
import { GatewayError } from "../../src/domain/errors.ts";
import { TargetStates } from "../../src/routing/target-states.ts";
import { createFakeClock } from "../fakes/clock.ts";
import { targetNamed } from "./parts.ts";

const target = targetNamed("a/m");
const cut = new GatewayError("upstream_cut", "cut");

function states(slowMs: number | null = null) {
  const clock = createFakeClock();
  const known = new TargetStates(clock, { failures: 2, openMs: 1_000, slowMs });
  const answer = (ms: number, stream = true) => {
    const watch = known.watch(target, stream);
    clock.advance(ms);
    watch.firstToken();
    watch.succeeded();
  };
  return { clock, known, answer };
}

describe("a target's state", () => {
  it("counts an answer whose first token is late as a failure, where that is configured, on streams alone", () => {
    const slow = states(500);
    slow.answer(501);
    slow.answer(501);
    expect(slow.known.of(target).circuit.state).toBe("open");
    const whole = states(500);
    whole.answer(9_000, false);
    whole.answer(9_000, false);
    const unbounded = states();
    unbounded.answer(9_000);
    unbounded.answer(9_000);
    expect([whole, unbounded].map(({ known }) => known.of(target).circuit.state)).toEqual(["closed", "closed"]);
  });

  it.each([
    ["the request's own mistake", new GatewayError("invalid_value", "no", { upstreamStatus: 400 })],
    ["a rate limit", new GatewayError("rate_limit_exceeded", "no", { upstreamStatus: 429 })],
    ["a caller who left", new GatewayError("canceled", "gone")],
    ["a model that it does not have", new GatewayError("model_not_found", "no", { upstreamStatus: 404 })],
  ])("is not changed by %s", (_, error) => {
    const { known } = states();
    for (let i = 0; i < 9; i++) known.watch(target, true).failed(error);
    expect([known.of(target).circuit.failures, known.of(target).inFlight]).toEqual([0, 0]);
  });

  it("ends each attempt once, whatever is said of it afterwards", () => {
    const { known } = states();
    const watch = known.watch(target, true);
    expect(known.of(target).inFlight).toBe(1);
    watch.failed(cut);
    watch.failed(cut);
    watch.left();
    watch.succeeded();
    expect([known.of(target).inFlight, known.of(target).circuit.failures]).toEqual([0, 1]);
  });

  it("cools down for as long as the longest wait that was asked for", () => {
    const { clock, known } = states();
    const limited = (retryAfterMs: number) => new GatewayError("rate_limit_exceeded", "later", { retryAfterMs });
    known.watch(target, true).failed(limited(900));
    known.watch(target, true).failed(limited(100));
    expect(known.coolMs(target)).toBe(900);
    clock.advance(900);
    expect(known.coolMs(target)).toBe(0);
  });

  it("is asked by others again only when its half-open circuit's probe has said something", () => {
    const { clock, known } = states();
    known.watch(target, true).failed(cut);
    known.watch(target, true).failed(cut);
    expect([known.passable(target), known.waitMs(target), known.isOpen("a/m")]).toEqual([false, 1_000, true]);
    clock.advance(1_000);
    const probe = known.watch(target, true);
    expect(known.passable(target)).toBe(false);
    probe.left();
    expect(known.passable(target)).toBe(true);
  });
});

describe("the states of all targets", () => {
  it("are bounded, however many names callers make up; open circuits and running attempts are kept", () => {
    const { known } = states();
    const open = targetNamed("a/open");
    known.watch(open, true).failed(cut);
    known.watch(open, true).failed(cut);
    const running = targetNamed("a/running");
    known.watch(running, true);
    for (let i = 0; i < 12_000; i++) known.watch(targetNamed(`a/made-up-${i}`), true).succeeded();
    for (let i = 0; i < 6_000; i++) known.watch(targetNamed(`a/failing-${i}`), true).failed(cut);
    expect(known.sights().length).toBeLessThanOrEqual(5_000);
    expect(known.isOpen("a/open")).toBe(true);
    expect(known.of(running).inFlight).toBe(1);
  });

  it("forget those first that were not asked for longest, and none that has failed or is cooling down", () => {
    const { known } = states();
    const [failing, cooling, busy] = [targetNamed("a/failing"), targetNamed("a/cooling"), targetNamed("a/busy")];
    known.watch(failing, true).failed(cut);
    known.watch(cooling, true).failed(new GatewayError("rate_limit_exceeded", "later", { retryAfterMs: 9_000 }));
    for (let i = 0; i < 20; i++) known.of(busy).sawFirstToken(100, true);
    for (let i = 0; i < 12_000; i++) {
      known.watch(targetNamed(`a/made-up-${i}`), true).succeeded();
      if (i % 1_000 === 0) known.watch(busy, true).left();
    }
    expect(known.of(failing).circuit.failures).toBe(1);
    expect(known.coolMs(cooling)).toBe(9_000);
    expect(known.of(busy).p95Ms(true)).toBe(100);
  });
});
