import { describe, expect, it } from "vitest";
import { startRest } from "./harness.ts";

const page = "https://app.example";

describe("browsers", () => {
  it("get no permission by default", async () => {
    const rest = await startRest({});
    const { headers } = await rest.ask("/v1/models", { headers: { origin: page } });
    expect(headers["access-control-allow-origin"]).toBeUndefined();
    expect(headers.vary).toBeUndefined();
    const preflight = await rest.ask("/v1/models", {
      method: "OPTIONS",
      headers: { origin: page, "access-control-request-method": "GET" },
    });
    expect(preflight.headers["access-control-allow-origin"]).toBeUndefined();
  });

  it("of a listed origin may read answers, errors included", async () => {
    const rest = await startRest({}, { corsOrigins: [page] });
    for (const path of ["/v1/models", "/nowhere", "/v1/models/none"]) {
      const { headers } = await rest.ask(path, { headers: { origin: page } });
      expect(headers).toMatchObject({ "access-control-allow-origin": page, vary: "origin" });
      expect(headers["access-control-expose-headers"]).toContain("x-request-id");
      expect(headers["access-control-allow-credentials"]).toBeUndefined();
    }
  });

  it("ask first, and are told methods and headers", async () => {
    const rest = await startRest({}, { corsOrigins: [page] });
    const preflight = await rest.ask("/v1/chat/completions", {
      method: "OPTIONS",
      headers: {
        origin: page,
        authorization: "",
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization, content-type, x-stainless-lang",
      },
    });
    expect(preflight).toMatchObject({
      status: 204,
      text: "",
      headers: {
        "access-control-allow-origin": page,
        "access-control-allow-methods": "GET, POST, DELETE",
        "access-control-allow-headers": "authorization, content-type, x-stainless-lang",
        "access-control-max-age": "600",
      },
    });
  });

  it.each(["https://app.example.evil.test", "http://app.example", "https://app.example:8443", "null"])(
    "of %s, which is not listed, get no permission",
    async (origin) => {
      const rest = await startRest({}, { corsOrigins: [page] });
      const { headers } = await rest.ask("/v1/models", { headers: { origin } });
      expect(headers["access-control-allow-origin"]).toBeUndefined();
      expect(headers.vary).toBe("origin");
    },
  );
});

describe("attack 53: a gateway without a key", () => {
  const open = { openHosts: ["localhost", "127.0.0.1", "[::1]"], corsOrigins: [page] };

  it.each([
    [{ host: "localhost:8080" }, 200],
    [{ host: "LOCALHOST" }, 200],
    [{ host: "127.0.0.1:1" }, 200],
    [{ host: "[::1]:8080" }, 200],
    [{ host: "evil.test" }, 403],
    [{ host: "localhost.evil.test" }, 403],
    [{ host: "localhost:80:80" }, 403],
    [{ host: "localhost:8080", origin: "http://localhost:8080" }, 200],
    [{ host: "localhost:8080", origin: page }, 200],
    [{ host: "localhost:8080", origin: "http://localhost:3000" }, 403],
    [{ host: "localhost:8080", origin: "https://evil.test" }, 403],
    [{ host: "localhost:8080", origin: "null" }, 403],
  ])("answers %j with %i", async (headers, status) => {
    const rest = await startRest({}, open);
    expect((await rest.ask("/v1/models", { headers: headers as Record<string, string> })).status).toBe(status);
  });

  it("refuses preflights of foreign pages and says so in JSON", async () => {
    const rest = await startRest({}, open);
    const headers = { host: "localhost", origin: "https://evil.test", "access-control-request-method": "POST" };
    expect(await rest.ask("/v1/chat/completions", { method: "OPTIONS", headers })).toMatchObject({
      status: 403,
      json: { error: { type: "permission_error", code: "permission_denied" } },
    });
  });

  it("tells its health to probes that know it by its address", async () => {
    const rest = await startRest({}, open);
    expect((await rest.ask("/health/live", { headers: { host: "10.0.0.7:8080" } })).status).toBe(200);
  });
});
