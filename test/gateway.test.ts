import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { ChatRequestSchema } from "../gen/trunkline/v1/chat_pb.ts";
import type { ChatCall, Frame } from "../src/domain/chat.ts";
import { type RequestContext, Trail } from "../src/domain/context.ts";
import { GatewayError } from "../src/domain/errors.ts";
import type { Target } from "../src/domain/target.ts";
import { createGateway, type Stages } from "../src/gateway.ts";
import { routeOf } from "./routing/parts.ts";

const target: Target = { name: "sim/m", instance: "sim", provider: "openai", model: "m", wire: "exact", facts: {} };
const call: ChatCall = { request: create(ChatRequestSchema, { model: "m" }), stream: true };
const caller = { name: "master", id: "m" };
const frame: Frame = { case: "textDelta", value: "hi", choice: 0, part: 0 };

/** Stages that write down when they ran; `fail` names the one that refuses. */
function staged(fail?: string) {
  const ran: string[] = [];
  const step = <T>(name: string, result?: T): T => {
    ran.push(name);
    if (name === fail) throw new GatewayError("invalid_value", `refused by ${name}`);
    // Steps without a result are called for their mark alone.
    return result as T;
  };
  async function* attempt() {
    step("attempt");
    yield [frame];
  }
  const stages: Stages = {
    admit: () => caller,
    check: () => step("check"),
    resolve: async () => step("resolve", routeOf([target])),
    authorize: (route) => step("authorize", route),
    reserve: async () => step("reserve", { settle: async () => step("settle") }),
    screenPrompt: async (work) => step("screenPrompt", work),
    recall: async () => step("recall", null),
    attempt: {
      chat: attempt,
      countTokens: async () => step("attempt", {}) as never,
      embed: async () => step("attempt", {}) as never,
    },
    screenAnswer: (answer) => step("screenAnswer", answer),
    account: {
      stream: (life) => step("account", life),
      single: (life) => {
        step("account");
        return life();
      },
      refused: () => step("refused"),
    },
    async *once(_call, _caller, own, life) {
      step("once");
      yield* life(own);
    },
    responses: {
      put: async () => step("put"),
      get: async () => step("get", null),
      holding: async () => null,
      delete: async () => step("delete", false),
    },
    models: { list: async () => [], get: async () => ({}) as never },
  };
  // Only the trail is read by the stages above.
  const context = { trail: new Trail(), signal: new AbortController().signal } as unknown as RequestContext;
  return { gateway: createGateway(stages), context, ran };
}

async function drain(answer: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of answer);
}

const whole = [
  "account",
  "once",
  "check",
  "resolve",
  "authorize",
  "reserve",
  "screenPrompt",
  "recall",
  "screenAnswer",
  "attempt",
  "settle",
];

describe("the life of a request", () => {
  it("runs every stage once, in order", async () => {
    const { gateway, context, ran } = staged();
    await drain(gateway.chat(call, caller, context));
    expect(ran).toEqual(whole);
    expect(context.trail.last("admitted")?.caller).toBe(caller);
  });

  it("is the same for token counts and embeddings, but for what only answers in words have", async () => {
    const expected = whole.filter((name) => !["once", "recall", "screenAnswer"].includes(name));
    const count = staged();
    await count.gateway.countTokens(call, caller, count.context);
    expect(count.ran).toEqual(expected);
    const embed = staged();
    await embed.gateway.embed({ model: "m" } as never, caller, embed.context);
    expect(embed.ran).toEqual(expected);
  });

  it.each(["once", "check", "resolve", "authorize", "reserve", "screenPrompt", "recall"])(
    "sends nothing when %s refuses",
    async (stage) => {
      const { gateway, context, ran } = staged(stage);
      await expect(drain(gateway.chat(call, caller, context))).rejects.toMatchObject({ code: "invalid_value" });
      expect(ran).not.toContain("attempt");
      expect(ran[0]).toBe("account");
    },
  );

  it.each(["screenPrompt", "recall", "screenAnswer", "attempt"])(
    "settles the reservation once when %s fails",
    async (stage) => {
      const { gateway, context, ran } = staged(stage);
      await expect(drain(gateway.chat(call, caller, context))).rejects.toBeInstanceOf(GatewayError);
      expect(ran.filter((name) => name === "settle")).toHaveLength(1);
    },
  );

  it("settles the reservation when the reader leaves early", async () => {
    const { gateway, context, ran } = staged();
    for await (const _ of gateway.chat(call, caller, context)) break;
    expect(ran.at(-1)).toBe("settle");
  });
});
