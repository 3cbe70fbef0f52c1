import { describe, expect, it } from "vitest";
import { Admission } from "../../src/accounts/admission.ts";
import { GatewayError } from "../../src/domain/errors.ts";
import { createFakeClock } from "../fakes/clock.ts";
import { contextOf } from "../providers/sending.ts";
import { policy } from "../routing/parts.ts";

function admitting(maxInFlight: number, maxQueued: number) {
  const clock = createFakeClock();
  const admission = new Admission({ clock, maxInFlight, maxQueued });
  const order: string[] = [];
  /** Who has entered, by name; how it leaves. */
  const enter = (name: string, priority = 0, signal?: AbortSignal) => {
    const context = contextOf(signal, clock);
    const entered = admission.enter({ ...policy, queueMs: 1_000, priority }, context).then(
      (leave) => {
        order.push(name);
        return { leave, context };
      },
      (error: unknown) => {
        order.push(`${name}: ${error instanceof GatewayError ? error.code : "?"}`);
        throw error;
      },
    );
    entered.catch(() => {});
    return entered;
  };
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  return { clock, admission, order, enter, settled };
}

describe("admission", () => {
  it("lets so many in at once; the others wait for one to leave, in their order", async () => {
    const { admission, order, enter, settled } = admitting(2, 9);
    const [first, second] = [await enter("a"), await enter("b")];
    void enter("c");
    void enter("d");
    await settled();
    expect([order, admission.inFlight, admission.queued]).toEqual([["a", "b"], 2, 2]);
    first.leave();
    first.leave();
    await settled();
    expect(order).toEqual(["a", "b", "c"]);
    second.leave();
    await settled();
    expect([order, admission.inFlight, admission.queued]).toEqual([["a", "b", "c", "d"], 2, 0]);
  });

  it("lets larger priority in first, and sends smaller away when the queue is full", async () => {
    const { order, enter, settled } = admitting(1, 2);
    const first = await enter("a");
    const low = enter("low", -1);
    void enter("normal");
    const high = enter("high", 5);
    await expect(low).rejects.toMatchObject({ code: "overloaded", detail: { retryAfterMs: 1_000 } });
    await expect(enter("also low", -1)).rejects.toMatchObject({ code: "overloaded" });
    first.leave();
    await settled();
    expect(order.at(-1)).toBe("high");
    (await high).leave();
    await settled();
    expect(order.at(-1)).toBe("normal");
  });

  it("ends a wait that is too long as a timeout of phase queue, and says when to come again", async () => {
    const { clock, admission, enter } = admitting(1, 9);
    const { leave } = await enter("a");
    const waiting = enter("b");
    clock.advance(1_000);
    await expect(waiting).rejects.toMatchObject({ code: "timeout", detail: { phase: "queue", retryAfterMs: 1_000 } });
    leave();
    expect([admission.inFlight, admission.queued, clock.timers]).toEqual([0, 0, 0]);
  });

  it("ends the wait of a caller who leaves, at once", async () => {
    const { clock, admission, enter } = admitting(1, 9);
    await enter("a");
    const caller = new AbortController();
    const waiting = enter("b", 0, caller.signal);
    const gone = new GatewayError("canceled", "gone");
    caller.abort(gone);
    await expect(waiting).rejects.toBe(gone);
    expect([admission.queued, clock.timers]).toEqual([0, 0]);
    await expect(enter("c", 0, caller.signal)).rejects.toBe(gone);
  });

  it("refuses by the head alone what could not even wait", async () => {
    const { admission, enter } = admitting(1, 1);
    admission.checkRoom();
    const { leave } = await enter("a");
    admission.checkRoom();
    const waiting = enter("b");
    expect(() => admission.checkRoom()).toThrow("at its limit");
    leave();
    (await waiting).leave();
    admission.checkRoom();
  });

  it("tells how long a request waited", async () => {
    const { clock, enter } = admitting(1, 9);
    const first = await enter("a");
    expect(first.context.trail.count("queued")).toBe(0);
    const waiting = enter("b");
    clock.advance(300);
    first.leave();
    expect((await waiting).context.trail.last("queued")).toEqual({ kind: "queued", waitedMs: 300 });
  });

  it("under another limit lets in as many more, or nobody until enough have left", async () => {
    const { admission, order, enter, settled } = admitting(1, 9);
    const first = await enter("a");
    const others = [enter("b"), enter("c")];
    admission.limit({ maxInFlight: 2, maxQueued: 9 });
    await settled();
    expect([order, admission.inFlight]).toEqual([["a", "b"], 2]);
    admission.limit({ maxInFlight: 1, maxQueued: 9 });
    first.leave();
    await settled();
    expect([order, admission.inFlight]).toEqual([["a", "b"], 1]);
    (await others[0])?.leave();
    await settled();
    expect([order, admission.inFlight]).toEqual([["a", "b", "c"], 1]);
  });
});
