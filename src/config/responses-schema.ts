import * as z from "zod";
import { section } from "./fields.ts";

export const responses = section(
  "Answers of `POST /v1/responses` that are kept in memory, for requests that go on from them.",
  {
    max_count: z
      .int()
      .min(0)
      .max(1_000_000)
      .default(10_000)
      .describe("Answers that are kept, of all callers together; the oldest go first. 0 keeps none.")
      .meta({ unit: "answers" }),
    max_bytes: z
      .int()
      .min(0)
      .max(17_179_869_184)
      .default(134_217_728)
      .describe("Memory for them, the conversations that they answered included; the oldest go first.")
      .meta({ unit: "bytes" }),
    ttl_s: z.int().min(1).max(2_592_000).default(86_400).describe("How long one is kept at most.").meta({ unit: "s" }),
  },
);
