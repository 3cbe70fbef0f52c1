import { expect, it } from "vitest";
import type { ModelFacts } from "../../../src/domain/model-facts.ts";
import { azure } from "../../../src/providers/azure/adapter.ts";
import { place } from "../../../src/providers/azure/place.ts";
import type { ProviderRequest } from "../../../src/providers/provider.ts";

function request(path: string, facts: ModelFacts = {}): ProviderRequest {
  const target = { name: "", instance: "azure", provider: "azure", model: "gpt-4o", wire: "repair" as const, facts };
  return { method: "POST", path, headers: {}, body: null, losses: [], memory: { target, stream: false } };
}

it.each([
  ["", "/openai/v1/chat/completions"],
  ["/openai", "/openai/v1/chat/completions"],
  ["/openai/v1", "/openai/v1/chat/completions"],
  ["/front/llm/v1", "/front/llm/v1/chat/completions"],
])("a resource given as %j is asked by its current interface", (basePath, expected) => {
  expect(place(request("/chat/completions"), basePath, {})).toBe(expected);
});

it("a dated version asks the deployment", () => {
  const dated = { apiVersion: "2024-10-21" };
  const own = request("/chat/completions", { deployment: "my gpt" });
  expect(place(own, "/openai", dated)).toBe("/openai/deployments/my%20gpt/chat/completions?api-version=2024-10-21");
  expect(place(request("/embeddings"), "", dated)).toBe("/openai/deployments/gpt-4o/embeddings?api-version=2024-10-21");
  expect(place(request("/responses"), "/openai/v1", dated)).toBe("/openai/responses?api-version=2024-10-21");
});

it("a version that is no date is told to the current interface", () => {
  expect(place(request("/responses"), "", { apiVersion: "preview" })).toBe("/openai/v1/responses?api-version=preview");
});

it("keys and tokens of Entra go in different headers", () => {
  expect(azure.authHeaders("0123abc")).toEqual({ "api-key": "0123abc" });
  expect(azure.authHeaders("eyJhbGciOi.eyJhdWQi.c2ln")).toEqual({
    authorization: "Bearer eyJhbGciOi.eyJhdWQi.c2ln",
  });
});
