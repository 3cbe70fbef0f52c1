import * as z from "zod";
import { failoverGroups, stickiness, strategies } from "../domain/route.ts";
import { milliseconds, section } from "./fields.ts";

/** The bounds on the phases of an attempt, in one place: every level that can set them takes the same names. */
const boundNames = {
  connect_timeout_ms: ["Time to connect to a provider, DNS and TLS included.", 600_000, 5_000],
  first_byte_timeout_ms: ["Streams: time until the provider's response headers.", 3_600_000, 30_000],
  first_token_timeout_ms: ["Streams: time until the first content, reasoning or tool call.", 3_600_000, 60_000],
  idle_timeout_ms: ["Streams: time between two network reads.", 3_600_000, 60_000],
  total_timeout_ms: ["Time for a whole attempt.", 86_400_000, 600_000],
} as const;

type BoundName = keyof typeof boundNames;

const bound = (name: BoundName) => {
  const [doc, max, fallback] = boundNames[name];
  return milliseconds(doc, { min: 1, max, default: fallback });
};

const override = (name: BoundName) =>
  z
    .int()
    .min(1)
    .max(boundNames[name][1])
    .meta({ unit: "ms" })
    .optional()
    .describe(
      name === "first_byte_timeout_ms"
        ? `As \`resilience.${name}\`, for this one only; it then holds for answers that come whole as well.`
        : `As \`resilience.${name}\`, for this one only.`,
    );

/** Bounds of a provider, a route or a target, where they differ from those of `resilience`. */
export const boundOverrides = {
  connect_timeout_ms: override("connect_timeout_ms"),
  first_byte_timeout_ms: override("first_byte_timeout_ms"),
  first_token_timeout_ms: override("first_token_timeout_ms"),
  idle_timeout_ms: override("idle_timeout_ms"),
  total_timeout_ms: override("total_timeout_ms"),
};

const attempts = (doc: string) => z.int().min(1).max(16).describe(doc);
const afterSent =
  "Whether a request that was fully sent may be sent again, once, to the same provider when its connection broke or a " +
  "bound passed. It may then be answered, and billed, twice.";

/** What a virtual model may set beside its targets. */
export const routeFields = {
  strategy: z
    .enum(strategies)
    .default("ordered")
    .describe(
      "Who is asked first: the first in the list (`ordered`), by `weight` (`weighted`), the one with the shortest time " +
        "to the first token and the fewest failures of late (`least-latency`), the one with the fewest requests under " +
        "way for its weight (`least-busy`), or the one with the lowest price for the request (`cheapest`).",
    ),
  sticky: z
    .enum(stickiness)
    .default("session")
    .describe(
      "What keeps requests together at one target, whatever the strategy but `ordered`: the session id that the caller " +
        "names (`session`), its `prompt_cache_key`, or `none`.",
    ),
  on_cut: z
    .enum(["error", "continue"])
    .default("error")
    .describe(
      "What happens when a stream breaks off after its first content: a typed error, or a further attempt that goes on " +
        "from there. Both attempts cost.",
    ),
  fail_over: z
    .array(z.enum(failoverGroups))
    .max(failoverGroups.length)
    .default(["outage", "rate_limit", "context_length"])
    .describe("Failures after which another target is asked."),
  hedge: section("A second attempt beside a slow one; the first content wins and the other is aborted.", {
    after_ms: z
      .union([z.literal("p95"), z.int().min(1).max(600_000)])
      .default("p95")
      .describe(
        "How long the first attempt has for its first content: milliseconds, or the 95th percentile of its own target.",
      )
      .meta({ unit: "ms" }),
  }).optional(),
  max_attempts: attempts("Attempts over all targets. Default: as in `resilience`.").optional(),
  retry_after_sent: z.boolean().optional().describe(`${afterSent} Default: as in \`resilience\`.`),
  queue_timeout_ms: z
    .int()
    .min(0)
    .max(600_000)
    .meta({ unit: "ms" })
    .optional()
    .describe("Time to wait for admission. Default: as in `resilience`."),
  priority: z.int().min(-100).max(100).default(0).describe("Larger goes first when requests wait to be admitted."),
  single_flight: z
    .boolean()
    .default(false)
    .describe(
      "Whether identical requests with `temperature` 0 that one caller sends at the same time are answered by one " +
        "attempt.",
    ),
  ...boundOverrides,
};

const breaker = section("Leaving out targets that keep failing.", {
  failures: z.int().min(1).max(1_000).default(5).describe("Failures in a row that open a target's circuit."),
  open_ms: milliseconds("How long an open circuit lets nothing pass; then one request probes.", {
    min: 1,
    max: 3_600_000,
    default: 30_000,
  }),
  slow_ms: z
    .int()
    .min(1)
    .max(3_600_000)
    .meta({ unit: "ms" })
    .nullable()
    .default(null)
    .describe("Streams: a first token later than this counts as a failure. Default: never."),
  probe_interval_ms: z
    .int()
    .min(1_000)
    .max(3_600_000)
    .meta({ unit: "ms" })
    .nullable()
    .default(null)
    .describe(
      "How often instances with an open circuit are asked for their list of models, which costs nothing; one that " +
        "answers gets a request to prove itself at once. Default: never, requests probe after `open_ms`.",
    ),
});

const queue = section("How much runs at once, and how much may wait.", {
  max_in_flight: z.int().min(1).max(1_000_000).default(4_096).describe("Requests that run at the same time."),
  max_queued: z
    .int()
    .min(0)
    .max(1_000_000)
    .default(1_024)
    .describe("Requests that wait beyond those. More are refused with 503 and told when to come again."),
});

const idempotency = section("Requests with an `Idempotency-Key`.", {
  ttl_s: z
    .int()
    .min(0)
    .max(86_400)
    .default(600)
    .describe("How long a complete answer is replayed to whoever sends the same request with the same key.")
    .meta({ unit: "s" }),
  max_bytes: z
    .int()
    .min(0)
    .max(17_179_869_184)
    .default(67_108_864)
    .describe("Memory for answers that may be replayed; the oldest go first.")
    .meta({ unit: "bytes" }),
});

const proofMemory = section("Proofs of reasoning that a client does not send back with the results of its tools.", {
  ttl_s: z
    .int()
    .min(0)
    .max(86_400)
    .default(3_600)
    .describe("How long they are remembered, for the caller who got the answer alone. 0 remembers none.")
    .meta({ unit: "s" }),
  max_bytes: z
    .int()
    .min(0)
    .max(17_179_869_184)
    .default(33_554_432)
    .describe("Memory for them and the reasoning they prove; the oldest go first.")
    .meta({ unit: "bytes" }),
});

export const resilience = section("How long things may take, and how often they are tried.", {
  connect_timeout_ms: bound("connect_timeout_ms"),
  first_byte_timeout_ms: bound("first_byte_timeout_ms"),
  first_token_timeout_ms: bound("first_token_timeout_ms"),
  idle_timeout_ms: bound("idle_timeout_ms"),
  total_timeout_ms: bound("total_timeout_ms"),
  queue_timeout_ms: milliseconds("Time to wait for admission.", { min: 0, max: 600_000, default: 5_000 }),
  keepalive_ms: milliseconds("Longest silence towards the caller before a sign of life is sent.", {
    min: 100,
    max: 600_000,
    default: 15_000,
  }),
  max_attempts: attempts("Attempts over all targets of a request.").default(3),
  retry_wait_ms: milliseconds(
    "Longest wait before a retry. A provider that asks for a longer one is not waited for; its error goes to the caller.",
    { min: 0, max: 600_000, default: 5_000 },
  ),
  retry_after_sent: z.boolean().default(false).describe(afterSent),
  retry_budget: z
    .number()
    .min(0)
    .max(1)
    .default(0.1)
    .describe("Retries for each request to a provider, over ten seconds; three a second are free."),
  breaker: breaker.prefault({}),
  queue: queue.prefault({}),
  idempotency: idempotency.prefault({}),
  proof_memory: proofMemory.prefault({}),
});
