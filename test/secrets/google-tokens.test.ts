import { describe, expect, it } from "vitest";
import type { GoogleIdentity } from "../../src/domain/google-identity.ts";
import type { Dialer, Outgoing } from "../../src/net/dial.ts";
import type { Incoming } from "../../src/net/incoming.ts";
import { createGoogleTokens } from "../../src/secrets/google-tokens.ts";
import { createFakeClock } from "../fakes/clock.ts";

const machine: GoogleIdentity = { kind: "machine", origin: "http://metadata.google.internal" };
const never = new AbortController().signal;

function bench(answers: (() => { status: number; body: string })[]) {
  const clock = createFakeClock();
  const asked: Outgoing[] = [];
  const dialer: Dialer = {
    async open(request) {
      asked.push(request);
      const { status, body } = answers.shift()?.() ?? { status: 500, body: "" };
      const chunks = (async function* () {
        yield [Buffer.from(body)];
      })();
      return { status, headers: {}, body: chunks, release() {}, abort() {} } satisfies Incoming;
    },
    close: async () => {},
  };
  return { clock, asked, tokenOf: createGoogleTokens({ clock, dialer }) };
}
const token =
  (name: string, life = 3_600) =>
  () => ({
    status: 200,
    body: JSON.stringify({ access_token: name, expires_in: life }),
  });

describe("Google's tokens", () => {
  it("are kept until five minutes before their end", async () => {
    const { clock, asked, tokenOf } = bench([token("one"), token("two")]);
    expect((await tokenOf(machine, never)).reveal()).toBe("one");
    clock.advance(54 * 60_000);
    expect((await tokenOf(machine, never)).reveal()).toBe("one");
    clock.advance(61_000);
    expect((await tokenOf(machine, never)).reveal()).toBe("two");
    expect(asked[0]).toMatchObject({ method: "GET", headers: { "metadata-flavor": "Google" } });
  });

  it("are asked for again after a failure, which names no credential", async () => {
    const { tokenOf } = bench([() => ({ status: 400, body: '{"error":"invalid_grant","x":"secret"}' }), token("one")]);
    await expect(tokenOf(machine, never)).rejects.toMatchObject({
      code: "upstream_auth",
      message: "Google's token endpoint answered with HTTP 400.",
    });
    expect((await tokenOf(machine, never)).reveal()).toBe("one");
  });

  it.each(["", "{}", "null", '{"access_token":"two words"}'])("are not taken from %j", async (body) => {
    const { tokenOf } = bench([() => ({ status: 200, body })]);
    await expect(tokenOf(machine, never)).rejects.toMatchObject({ code: "upstream_auth" });
  });

  it("let one caller leave while the others wait", async () => {
    const { asked, tokenOf } = bench([token("one")]);
    const leaving = new AbortController();
    const left = tokenOf(machine, leaving.signal);
    const stayed = tokenOf(machine, never);
    leaving.abort(new Error("gone"));
    await expect(left).rejects.toThrow("gone");
    expect((await stayed).reveal()).toBe("one");
    expect(asked).toHaveLength(1);
  });
});
