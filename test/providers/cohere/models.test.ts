import { describe, expect, it } from "vitest";
import { fromModelPage } from "../../../src/providers/cohere/models.ts";

const reply = (body: object) => ({ status: 200, headers: {}, body: JSON.stringify(body) });

import { packageFacts } from "../../fakes/facts.ts";

describe("Cohere's models", () => {
  it("are read page by page, until an empty page or no token", () => {
    const models = [
      { name: "command-a", endpoints: ["chat"], features: ["tools", "vision", "odd"], context_length: 9 },
    ];
    expect(fromModelPage(reply({ models, next_page_token: "a b" }))).toEqual({
      models: [
        {
          id: "command-a",
          facts: { contextWindow: 9, capabilities: ["citations", "tools"], inputModalities: ["text", "image"] },
        },
      ],
      next: "/v1/models?page_size=1000&page_token=a%20b",
    });
    expect(fromModelPage(reply({ models: [], next_page_token: "x" })).next).toBeNull();
    expect(fromModelPage(reply({ models: [{ name: "embed-x", endpoints: ["embed"] }, {}] })).models).toEqual([
      { id: "embed-x", facts: { capabilities: ["embeddings"] } },
    ]);
  });

  it("are known by their family where they are known", () => {
    expect(packageFacts("cohere", "command-a-reasoning-08-2025").capabilities).toContain("reasoning");
    expect(packageFacts("cohere", "command-r7b-12-2024").prices).toMatchObject({
      inputNanoUsd: 37_500_000,
      outputNanoUsd: 150_000_000,
    });
    expect(packageFacts("cohere", "north-1")).toEqual({});
  });
});
