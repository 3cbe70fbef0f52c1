import { describe, expect, it } from "vitest";
import { ResponseMemory } from "../../src/cache/response-memory.ts";
import { answerAsk, LinkedResponses, type ResponseAsk } from "../../src/cache/response-stores.ts";
import type { StoredResponse } from "../../src/domain/response-store.ts";
import { createFakeClock } from "../fakes/clock.ts";

const bounds = { maxCount: 100, maxBytes: 1_000_000, ttlMs: 1_000 };
const stored = (id: string, size = 10): StoredResponse => ({
  id,
  response: "r".repeat(size),
  input: "[]",
  itemIds: [`msg_${id}`],
});

describe("kept responses", () => {
  it("belong to who kept them: another caller finds neither the response nor its items", () => {
    const memory = new ResponseMemory(createFakeClock(), bounds);
    memory.put("a", stored("1"));
    expect(memory.get("a", "1")?.id).toBe("1");
    expect(memory.holding("a", "msg_1")?.id).toBe("1");
    expect([memory.get("b", "1"), memory.holding("b", "msg_1"), memory.delete("b", "1")]).toEqual([null, null, false]);
    expect(memory.delete("a", "1")).toBe(true);
    expect([memory.get("a", "1"), memory.holding("a", "msg_1"), memory.delete("a", "1")]).toEqual([null, null, false]);
  });

  it("go when there are too many, oldest first", () => {
    const memory = new ResponseMemory(createFakeClock(), { ...bounds, maxCount: 2 });
    for (const id of ["1", "2", "3"]) memory.put("a", stored(id));
    expect(["1", "2", "3"].map((id) => memory.get("a", id)?.id)).toEqual([undefined, "2", "3"]);
  });

  it("go when they are too large together, and one that is so alone pushes nobody out", () => {
    const memory = new ResponseMemory(createFakeClock(), { ...bounds, maxBytes: 5_000 });
    memory.put("a", stored("1", 1_000));
    memory.put("a", stored("huge", 3_000));
    expect([memory.get("a", "1")?.id, memory.get("a", "huge")]).toEqual(["1", null]);
    memory.put("a", stored("2", 1_000));
    expect([memory.get("a", "1"), memory.get("a", "2")?.id]).toEqual([null, "2"]);
  });

  it("go when they are too old, however often they were looked at", async () => {
    const clock = createFakeClock();
    const memory = new ResponseMemory(clock, bounds);
    memory.put("a", stored("1"));
    await clock.advance(999);
    expect(memory.get("a", "1")?.id).toBe("1");
    await clock.advance(1);
    expect([memory.get("a", "1"), memory.count]).toEqual([null, 0]);
  });

  it("are replaced by later ones of the same id, and bounded by other bounds when these change", () => {
    const memory = new ResponseMemory(createFakeClock(), bounds);
    memory.put("a", stored("1", 10));
    memory.put("a", stored("1", 20));
    expect([memory.count, memory.get("a", "1")?.response.length]).toEqual([1, 20]);
    memory.limit({ ...bounds, maxCount: 0 });
    expect(memory.get("a", "1")).toBeNull();
    memory.put("a", stored("2"));
    expect(memory.count).toBe(0);
  });

  it("are found from any worker, and by none when the primary is gone", async () => {
    const memory = new ResponseMemory(createFakeClock(), bounds);
    const join = () => {
      const asks: ResponseAsk[] = [];
      const store: LinkedResponses = new LinkedResponses((ask) => {
        asks.push(ask);
        store.take(answerAsk(memory, ask));
      });
      return store;
    };
    const [one, two] = [join(), join()];
    await one.put("a", stored("1"));
    expect((await two.get("a", "1"))?.id).toBe("1");
    expect((await two.holding("a", "msg_1"))?.id).toBe("1");
    expect(await two.delete("a", "1")).toBe(true);
    expect(await one.get("a", "1")).toBeNull();
    const silent = new LinkedResponses(() => {});
    const waiting = silent.get("a", "1");
    silent.lose();
    expect([await waiting, await silent.get("a", "1"), await silent.delete("a", "1")]).toEqual([null, null, false]);
  });
});
