import { describe, expect, it, onTestFinished } from "vitest";
import { GatewayError } from "../../src/domain/errors.ts";
import { startProbes } from "../../src/routing/probes.ts";
import { TargetStates } from "../../src/routing/target-states.ts";
import { createFakeClock } from "../fakes/clock.ts";
import { createTurns } from "../fakes/turns.ts";
import { targetNamed } from "./parts.ts";

const [one, other, healthy] = [targetNamed("a/one"), targetNamed("a/other"), targetNamed("b/m")];

function probing(intervalMs: number | null, isBack: () => boolean) {
  const clock = createFakeClock();
  const turns = createTurns(clock);
  const states = new TargetStates(clock, { failures: 1, openMs: 600_000, slowMs: null });
  const asked: string[] = [];
  const stop = startProbes({
    clock,
    states,
    intervalMs,
    async ask(instance) {
      asked.push(instance);
      return isBack();
    },
  });
  onTestFinished(stop);
  const fail = () => {
    for (const target of [one, other]) states.watch(target, true).failed(new GatewayError("upstream_cut", "cut"));
    states.watch(healthy, true).succeeded();
  };
  return { clock, turns, states, asked, fail, stop };
}

describe("probes", () => {
  it("ask instances with open circuits, each once a round, and nobody else", async () => {
    const { turns, asked, fail } = probing(1_000, () => false);
    await turns.pass(1_000);
    expect(asked).toEqual([]);
    fail();
    await turns.pass(2_000);
    expect(asked).toEqual(["a", "a"]);
  });

  it("let one request pass at once when the instance answers", async () => {
    let back = false;
    const { turns, states, fail } = probing(1_000, () => back);
    fail();
    await turns.pass(1_000);
    expect([states.passable(one), states.passable(other)]).toEqual([false, false]);
    back = true;
    await turns.pass(1_000);
    expect([states.passable(one), states.passable(other)]).toEqual([true, true]);
    expect(states.of(one).circuit.state).toBe("half-open");
  });

  it("are not made unless configured, and end when they are stopped", async () => {
    const none = probing(null, () => true);
    none.fail();
    await none.turns.pass(10_000);
    expect([none.asked, none.clock.timers]).toEqual([[], 0]);
    const ended = probing(1_000, () => true);
    ended.stop();
    expect(ended.clock.timers).toBe(0);
  });
});
