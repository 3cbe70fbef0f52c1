import { describe, expect, it } from "vitest";
import { Secret } from "../../src/domain/secret.ts";
import { useGateway } from "../fakes/gateway.ts";

const token = "token-of-this-test";
const plain = useGateway();
const guarded = useGateway({}, (config) => ({ ...config, ops: { ...config.ops, token: new Secret(token) } }));
const elsewhere = useGateway({}, (config) => ({ ...config, ops: { ...config.ops, allowCidrs: ["10.0.0.0/8"] } }));

const authorized = { headers: { authorization: `Bearer ${token}` } };

describe("the ops listener", () => {
  it("shows metrics in Prometheus' text format", async () => {
    const response = await fetch(`${plain.opsUrl}/metrics`);
    expect(response.headers.get("content-type")).toMatch(/^text\/plain/);
    const text = await response.text();
    expect(text).toContain("# TYPE trunkline_build_info gauge");
    expect(text).toMatch(/process_memory_usage\S* \d+/);
  });

  it("tells of health with details, which the public port does not", async () => {
    await (await fetch(`${plain.url}/v1/models`)).text();
    const ready = await fetch(`${plain.opsUrl}/health/ready`);
    expect(ready.status).toBe(200);
    expect(await ready.json()).toMatchObject({
      status: "ready",
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      providers: { simulator: { models: expect.any(Number) }, "simulator-anthropic": { models: expect.any(Number) } },
    });
    expect(await (await fetch(`${plain.opsUrl}/health/live`)).json()).toEqual({ status: "live" });
    const open = await fetch(`${plain.url}/health/ready`);
    expect(await open.json()).toEqual({ status: "ok" });
  });

  it("has no other routes, and the public port has none of its own", async () => {
    expect((await fetch(`${plain.opsUrl}/v1/models`)).status).toBe(404);
    expect((await fetch(`${plain.opsUrl}/`)).status).toBe(404);
    expect((await fetch(`${plain.url}/metrics`)).status).toBe(404);
  });

  it("takes GET and HEAD only", async () => {
    const refused = await fetch(`${plain.opsUrl}/metrics`, { method: "POST", body: "x" });
    expect([refused.status, refused.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
    const head = await fetch(`${plain.opsUrl}/health/ready`, { method: "HEAD" });
    expect([head.status, await head.text()]).toEqual([200, ""]);
  });

  it("asks for its token where one is set, but for liveness", async () => {
    for (const path of ["/metrics", "/health/ready"]) {
      const refused = await fetch(guarded.opsUrl + path);
      expect([refused.status, refused.headers.get("www-authenticate")]).toEqual([401, "Bearer"]);
      const wrong = await fetch(guarded.opsUrl + path, { headers: { authorization: "Bearer wrong" } });
      expect(wrong.status).toBe(401);
      expect((await fetch(guarded.opsUrl + path, authorized)).status).toBe(200);
    }
    expect((await fetch(`${guarded.opsUrl}/health/live`)).status).toBe(200);
  });

  it("answers the networks that it was told of, whatever a header says", async () => {
    const headers = { "x-forwarded-for": "10.1.2.3", forwarded: "for=10.1.2.3", "x-real-ip": "10.1.2.3" };
    for (const path of ["/metrics", "/health/live", "/health/ready", "/nothing"]) {
      expect((await fetch(elsewhere.opsUrl + path, { headers })).status).toBe(403);
    }
  });

  it("is no longer ready when the gateway drains", async () => {
    const before = await fetch(`${guarded.url}/health/ready`);
    expect(before.status).toBe(200);
    await guarded.drain();
    await expect(fetch(`${guarded.url}/health/ready`)).rejects.toThrow();
    await expect(fetch(`${guarded.opsUrl}/health/ready`, authorized)).rejects.toThrow();
  });
});
