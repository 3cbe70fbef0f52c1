import type { EventEmitter } from "node:events";
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { expect, it } from "vitest";
import { StreamChatResponseSchema } from "../../../../gen/trunkline/v1/chat_pb.ts";
import { keepaliveMs, startAdapter } from "./adapter.ts";
import { bodyOf, bodyWith, forms, headOf } from "./forms.ts";
import { ask, connectTo } from "./raw-call.ts";

const calls = 2_000;
/** Calls after which everything is there that stays. */
const warmUp = 100;

const textEvent = (value: string) => create(StreamChatResponseSchema, { event: { case: "textDelta", value } });

function fail(model: string | undefined): void {
  if (model === "fail") throw new ConnectError("told to", Code.Aborted);
}

/** How many listeners an emitter has for each event. */
function listeners(emitter: EventEmitter): Record<string, number> {
  return Object.fromEntries(emitter.eventNames().map((name) => [String(name), emitter.listenerCount(name)]));
}

it.each(["1.1", "2"] as const)(
  `${calls} calls over one connection of HTTP/%s leave nothing behind`,
  async (version) => {
    let signals = 0;
    const aborted = new Set<number>();
    const minding = (signal: AbortSignal) => {
      const call = signals++;
      signal.addEventListener("abort", () => aborted.add(call));
    };
    const adapter = await startAdapter({
      chat({ model }, { signal }) {
        minding(signal);
        fail(model);
        return { model };
      },
      async *streamChat({ request }, { signal }) {
        minding(signal);
        yield textEvent("one");
        fail(request?.model);
        yield textEvent("two");
      },
    });
    const connected = connectTo(adapter.port, version);
    const used = forms.filter((form) => form.version === version);
    const emitters = () => {
      const { req } = adapter.last;
      const { socket } = req;
      return "stream" in req ? [req.stream.session, socket] : [socket];
    };
    let before: unknown = null;
    let connection: unknown = null;
    for (let i = 0; i < calls; i++) {
      const form = used[i % used.length] ?? used[0];
      if (form === undefined) throw new Error("no form");
      const kind = i % 7;
      const body = kind === 0 ? bodyWith(form, Buffer.from("{")) : bodyOf(form, kind === 1 ? "fail" : "m");
      // Every other one has a deadline, whose timer has to go as well.
      const { whole } = await ask(connected, headOf(form, {}, i % 2 === 0 ? 60_000 : null), body);
      if (!whole) throw new Error("an answer broke off");
      if (i === warmUp) {
        before = emitters().map((one) => one && listeners(one));
        connection = emitters()[0];
      }
    }
    expect(emitters().map((one) => one && listeners(one))).toEqual(before);
    expect(emitters()[0]).toBe(connection);
    adapter.clock.advance(keepaliveMs);
    expect(adapter.clock.timers).toBe(0);
    // Signals tell each method that its call is over, so that what it holds is let go.
    expect(aborted.size).toBe(signals);
    const count = (way: string) => adapter.ways.filter((one) => one === way).length;
    expect([count("lean"), count("returned")]).toEqual([calls, Math.ceil(calls / 7)]);
  },
);
