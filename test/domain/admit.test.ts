import { describe, expect, it } from "vitest";
import { createAdmit } from "../../src/domain/admit.ts";
import type { RequestHead } from "../../src/domain/context.ts";
import { GatewayError } from "../../src/domain/errors.ts";
import { Secret } from "../../src/domain/secret.ts";

const key = "sk-master-0123456789";

function head(authorization: string | readonly string[] | undefined, more: Record<string, string> = {}): RequestHead {
  return {
    path: "/v1/chat/completions",
    header: (name) => (name === "authorization" ? authorization : more[name]),
    peerAddress: "127.0.0.1",
  };
}

function refused(authorization: string | readonly string[] | undefined, more?: Record<string, string>): GatewayError {
  try {
    createAdmit(new Secret(key))(head(authorization, more));
  } catch (error) {
    if (error instanceof GatewayError) return error;
    throw error;
  }
  throw new Error("it was let in");
}

describe("createAdmit", () => {
  it("lets the master key in", () => {
    expect(createAdmit(new Secret(key))(head(`Bearer ${key}`))).toMatchObject({ name: "master" });
  });

  it("reads the scheme in any case and one header given as a list", () => {
    const admit = createAdmit(new Secret(key));
    expect(admit(head(`bearer  ${key}`)).name).toBe("master");
    expect(admit(head([`Bearer ${key}`])).name).toBe("master");
  });

  it("lets everyone in as open when there is no key", () => {
    const admit = createAdmit(null);
    expect(admit(head(undefined))).toEqual({ name: "open", id: "open" });
    expect(admit(head("Bearer whatever"))).toEqual({ name: "open", id: "open" });
  });

  it.each([
    ["no header", undefined],
    ["an empty header", ""],
    ["a scheme without a key", "Bearer"],
    ["a scheme with spaces only", "Bearer    "],
    ["another scheme", `Basic ${key}`],
    ["a scheme that no document names", `Token ${key}`],
    ["the key without a scheme", key],
    ["a tab after the scheme", `bearer\t${key}`],
    ["a wrong key", "Bearer nope"],
    ["the key's beginning", `Bearer ${key.slice(0, -1)}`],
    ["the key and more", `Bearer ${key}0`],
    ["two keys in one header", `Bearer ${key}, Bearer ${key}`],
    ["two headers, both right", [`Bearer ${key}`, `Bearer ${key}`]],
    ["two headers, one right", [`Bearer ${key}`, "Bearer nope"]],
    ["no header at all in a list", []],
    ["the key's digest", "Bearer 5a0f"],
    ["a key beyond the header limit", `Bearer ${"x".repeat(10_000)}`],
    ["characters outside ASCII", `Bearer ${key}é`],
  ])("refuses %s, and says the same each time", (_, authorization) => {
    const error = refused(authorization);
    expect(error.code).toBe("invalid_api_key");
    expect(error.message).toBe(refused(undefined).message);
    expect(error.detail).toEqual(refused(undefined).detail);
  });

  it.each(["x-api-key", "x-goog-api-key"])("lets the master key in as %s, which has no scheme", (name) => {
    const admit = createAdmit(new Secret(key));
    expect(admit(head(undefined, { [name]: key })).id).toBe(admit(head(`Bearer ${key}`)).id);
    for (const wrong of [`Bearer ${key}`, `${key} `, key.slice(1), `${key}, ${key}`, `${key}é`, "x".repeat(10_000)]) {
      expect(refused(undefined, { [name]: wrong }).message).toBe(refused(undefined).message);
    }
  });

  it("takes the same key twice, and an empty header for none", () => {
    const admit = createAdmit(new Secret(key));
    expect(admit(head(`Bearer ${key}`, { "x-api-key": key })).name).toBe("master");
    expect(admit(head(`Bearer ${key}`, { "x-api-key": "" })).name).toBe("master");
    expect(refused(undefined, { "x-api-key": "" }).code).toBe("invalid_api_key");
  });

  it.each([
    ["a wrong key beside it", `Bearer ${key}`, { "x-api-key": "nope" }],
    ["a wrong bearer beside it", "Bearer nope", { "x-api-key": key }],
    ["another scheme beside it", `Basic ${key}`, { "x-goog-api-key": key }],
    ["a third key", `Bearer ${key}`, { "x-api-key": key, "x-goog-api-key": "nope" }],
  ])("refuses the master key with %s", (_, authorization, more) => {
    expect(refused(authorization, more).code).toBe("invalid_api_key");
  });

  it("does not take the key from other headers", () => {
    expect(refused(undefined, { "api-key": key, cookie: `authorization=${key}` }).code).toBe("invalid_api_key");
  });
});
