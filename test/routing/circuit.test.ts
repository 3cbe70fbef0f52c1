import { describe, expect, it } from "vitest";
import { Circuit } from "../../src/routing/circuit.ts";
import { createFakeClock } from "../fakes/clock.ts";

function circuit() {
  const clock = createFakeClock();
  const one = new Circuit(clock, { failures: 3, openMs: 1_000 });
  const fail = () => one.failed(one.enter());
  const succeed = () => {
    one.enter();
    one.succeeded();
  };
  return { clock, one, fail, succeed };
}

describe("a circuit", () => {
  it("opens after so many failures in a row, and a success in between starts the count anew", () => {
    const { one, fail, succeed } = circuit();
    fail();
    fail();
    succeed();
    fail();
    fail();
    expect(one.state).toBe("closed");
    fail();
    expect([one.state, one.passable, one.waitMs]).toEqual(["open", false, 1_000]);
  });

  it("lets one probe pass at a time once it has been open long enough", () => {
    const { clock, one, fail } = circuit();
    for (let i = 0; i < 3; i++) fail();
    clock.advance(999);
    expect([one.state, one.passable]).toEqual(["open", false]);
    clock.advance(1);
    expect([one.state, one.passable]).toEqual(["half-open", true]);
    const probe = one.enter();
    expect(probe).toBe(true);
    expect(one.passable).toBe(false);
    expect(one.waitMs).toBeGreaterThan(0);
    one.succeeded();
    expect([one.state, one.passable, one.failures]).toEqual(["closed", true, 0]);
  });

  it("opens again when the probe fails, and frees the place of one that said nothing", () => {
    const { clock, one, fail } = circuit();
    for (let i = 0; i < 3; i++) fail();
    clock.advance(1_000);
    one.left(one.enter());
    expect(one.passable).toBe(true);
    fail();
    expect([one.state, one.waitMs]).toEqual(["open", 1_000]);
  });

  it("is not kept open by failures of requests that began before it opened, nor robbed of its probe by them", () => {
    const { clock, one, fail } = circuit();
    const late = [one.enter(), one.enter()] as const;
    for (let i = 0; i < 3; i++) fail();
    clock.advance(900);
    one.failed(late[0]);
    clock.advance(100);
    expect(one.state).toBe("half-open");
    one.enter();
    one.left(late[1]);
    expect(one.passable).toBe(false);
  });

  it("is closed by any success, and may be asked before its time when something spoke for it", () => {
    const { one, fail, succeed } = circuit();
    for (let i = 0; i < 3; i++) fail();
    one.letProbe();
    expect(one.state).toBe("half-open");
    succeed();
    expect(one.state).toBe("closed");
    one.letProbe();
    expect(one.state).toBe("closed");
  });
});
