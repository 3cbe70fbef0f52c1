import { describe, expect, it } from "vitest";
import { errorCodes, GatewayError } from "../../src/domain/errors.ts";
import { providerOf } from "../../src/providers/catalog.ts";
import { classOf, failureTable } from "../../src/routing/failure-table.ts";
import { targetNamed } from "./parts.ts";

const kinds = ["openai", "anthropic"];
const rows = Object.values(failureTable);
const statuses = rows.flatMap(({ name, statuses }) => statuses.map((status) => [status, name] as const));

describe("the table of failures", () => {
  it.each(statuses.flatMap(([status, name]) => kinds.map((kind) => [status, kind, name] as const)))(
    "has HTTP %i of %s as %s",
    (status, kind, name) => {
      const target = targetNamed("a/m", { provider: kind });
      const error = providerOf(kind).fromError({ status, headers: {}, body: "{}" }, { target, stream: true });
      expect(classOf(error).name).toBe(name);
    },
  );

  it("has a place for every status that tells of an error", () => {
    const target = targetNamed("a/m");
    for (const kind of kinds) {
      for (let status = 400; status < 600; status++) {
        const error = providerOf(kind).fromError({ status, headers: {}, body: "{}" }, { target, stream: true });
        const { again, elsewhere } = classOf(error);
        // What the table does not name: the caller's mistake below 500, the provider's failure from there on.
        if (status < 500 && !statuses.some(([known]) => known === status))
          expect([again, elsewhere]).toEqual(["no", null]);
        if (status >= 500) expect([status, elsewhere]).toEqual([status, "outage"]);
      }
    }
  });

  it("names each class once, and never sends a mistake of the caller or a spent quota to the same target again", () => {
    expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length);
    for (const { again, elsewhere } of rows) if (elsewhere === null) expect(again).toBe("no");
    for (const code of ["insufficient_quota", "upstream_auth", "invalid_value", "canceled"] as const) {
      expect(classOf(new GatewayError(code, "x")).again).toBe("no");
    }
  });

  it("tells what was sent from what was not", () => {
    const of = (...error: ConstructorParameters<typeof GatewayError>) => classOf(new GatewayError(...error)).name;
    expect(of("service_unavailable", "refused")).toBe("unreachable");
    expect(of("timeout", "x", { phase: "connect" })).toBe("unreachable");
    expect(of("timeout", "x", { phase: "first_byte" })).toBe("lost");
    expect(of("timeout", "x", { phase: "deadline" })).toBe("final");
    expect(of("upstream_error", "reset")).toBe("lost");
    expect(of("upstream_error", "error event", { upstreamCode: "api_error" })).toBe("failed");
    for (const code of errorCodes) expect(() => classOf(new GatewayError(code, "x"))).not.toThrow();
  });
});
