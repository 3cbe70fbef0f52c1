import * as z from "zod";
import { host, later, milliseconds, port, secretReference, section, text } from "./fields.ts";
import { aliasName, aliasSchema, instanceName, providerSchema } from "./provider-schema.ts";
import { resilience } from "./resilience-schema.ts";
import { responses } from "./responses-schema.ts";

const path = text(/^[^\0]{1,4096}$/, "a path");

const listen = (listener: string, doc: string, defaultPort: number) =>
  section(doc, {
    host: host(`Address of ${listener}.`),
    port: port(`Port of ${listener}; 0 picks a free one and prints it.`, defaultPort),
  }).prefault({});

const tls = section("Serve TLS (HTTP/1.1 and HTTP/2 by ALPN) instead of plain text.", {
  cert_file: path.describe("Certificate chain, PEM."),
  key_file: path.describe("Private key, PEM."),
  client_ca_file: path.optional().describe("Authority whose certificates callers must show, PEM. Default: none asked."),
});

const server = section("The public listener and what the process does as a whole.", {
  host: host("Address of the public listener. Beyond loopback a master key is required."),
  port: port("Port of REST and RPC; 0 picks a free one and prints it.", 8080),
  workers: z
    .union([z.int().min(1).max(256), z.literal("auto")])
    .default(1)
    .describe("Processes that serve; `auto`: one for each core that the process may use. See docs/workers.md.")
    .meta({ allowed: "a whole number from 1 to 256, or `auto`" }),
  max_body_bytes: z
    .int()
    .min(1024)
    .max(1_073_741_824)
    .default(33_554_432)
    .describe("Largest request body. Larger ones are refused with 413 / RESOURCE_EXHAUSTED.")
    .meta({ unit: "bytes" }),
  drain_ms: milliseconds("How long running requests may take to finish after SIGTERM.", {
    min: 0,
    max: 3_600_000,
    default: 30_000,
  }),
  drain_delay_ms: milliseconds(
    "How long requests are still accepted after readiness went off, so that load balancers notice first.",
    { min: 0, max: 600_000, default: 0 },
  ),
  master_key: secretReference(
    "Bearer key that every request must show. Default: none, allowed on loopback only.",
  ).optional(),
  data_dir: path.default("./data").describe("Folder for what must survive a restart, from the working directory."),
  cors: section("Calls from browsers.", {
    origins: z
      .array(
        z
          .string()
          .refine((origin) => URL.parse(origin)?.origin === origin)
          .meta({ allowed: "an origin such as https://app.example, without a path; `*` is not one" }),
      )
      .max(100)
      .default([])
      .describe("Origins that browsers may call from; none turns CORS off."),
  }).prefault({}),
  tls: tls.optional(),
  admin: listen("the admin listener", "The admin listener. Reserved: this version does not open it.", 8081),
  ops: listen("the ops listener", "The listener of metrics and health details.", 9464),
});

const metricsToken = "Bearer token that scrapers must show as well. Default: none.";

const telemetry = section("What the gateway tells about itself.", {
  metrics: section("Prometheus metrics on the ops listener.", {
    allow_cidrs: z
      .array(z.union([z.cidrv4(), z.cidrv6()]).meta({ allowed: "a network such as 10.0.0.0/8 or ::1/128" }))
      .max(1000)
      .default(["127.0.0.1/32", "::1/128"])
      .describe("Networks that may connect to the ops listener, by the socket's address."),
    token: secretReference(metricsToken).nullable().optional().describe(metricsToken),
  }).prefault({}),
  traces: section("Traces.", {
    otlp_endpoint: z
      .null()
      .default(null)
      .describe("Where spans go. Not supported by this version.")
      .meta({ later: true }),
  }).prefault({}),
  log: section("Log lines on standard error.", {
    level: z.enum(["debug", "info", "warn", "error"]).default("info").describe("Least severe lines that are written."),
    format: z
      .enum(["auto", "json", "pretty"])
      .default("auto")
      .describe("`json`: a JSON object a line. `pretty`: for people. `auto`: pretty on a terminal only."),
  }).prefault({}),
});

/**
 * The configuration: type, default, bounds, unit and documentation of every setting in one place. What is allowed, the
 * error messages, the JSON Schema and docs/configuration.md all come from here.
 */
export const schema = section("Configuration of Trunkline, the content of trunkline.yaml.", {
  server: server.prefault({}),
  strict: z
    .boolean()
    .default(false)
    .describe(
      "Refuse requests with a setting that the target cannot honour, instead of reporting it, unless they say.",
    ),
  providers: z.record(instanceName, providerSchema).default({}).describe("Provider instances by name."),
  simulator: section("The built-in provider that needs no key. Its answers say that they are simulated.", {
    enabled: z.boolean().optional().describe("Whether it is offered. Default: only when there is no other provider."),
    token_delay_ms: milliseconds("Pause between two tokens of a stream.", { min: 0, max: 60_000, default: 20 }),
  }).prefault({}),
  models: z
    .record(aliasName, aliasSchema)
    .default({})
    .describe("Aliases and virtual models: names of your own for one or several models."),
  catalog: section("What is known of models beyond what the package knows. See docs/models.md.", {
    file: path
      .optional()
      .describe("A catalogue file, JSON or YAML: its facts win over those of the package and of `models update`."),
  }).prefault({}),
  resilience: resilience.prefault({}),
  responses: responses.prefault({}),
  telemetry: telemetry.prefault({}),
  tenants: later("Tenants with budgets and limits."),
  keys: later("API keys beside the master key."),
  guardrails: later("Guardrails."),
  cache: later("The answer cache."),
});

/** A configuration file as the schema reads it: its own names, defaults filled in. */
export type FileConfig = z.output<typeof schema>;
