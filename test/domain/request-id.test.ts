import { expect, it } from "vitest";
import { createRequestIds } from "../../src/domain/request-id.ts";

it("request ids are 96 random bits behind a prefix, and never come twice", () => {
  const newId = createRequestIds();
  const ids = Array.from({ length: 2_000 }, newId);
  for (const id of ids) expect(id).toMatch(/^req_[0-9a-f]{24}$/);
  expect(new Set(ids).size).toBe(ids.length);
  expect(createRequestIds()()).not.toBe(ids[0]);
});
