/**
 * Who may import whom: domain ← services ← gateway ← edges ← main. test/architecture.test.ts runs these rules and
 * plants one violation per rule, so a rule that catches nothing fails. Changing one takes a page in docs/decisions/.
 */

/** Files in `from` may import nothing of src/ but `allowed`; gen/ and packages are outside this rule. */
const only = (name, from, allowed) => ({
  name,
  severity: "error",
  from: { path: from },
  to: { path: "^src/", pathNot: allowed },
});

/** Only files in `keeper` may import `module`. */
const door = (name, module, keeper) => ({
  name,
  severity: "error",
  from: { path: "^src/", pathNot: keeper },
  to: { path: module },
});

const services = "providers|routing|guardrails|accounts|cache|secrets|storage|telemetry";

module.exports = {
  options: {
    tsConfig: { fileName: "tsconfig.json" },
    tsPreCompilationDeps: true,
    doNotFollow: { path: "node_modules" },
  },
  forbidden: [
    { name: "no-cycles", severity: "error", from: { path: "^src/" }, to: { circular: true } },
    { name: "main-is-last", severity: "error", from: {}, to: { path: "^src/main[.]ts$" } },
    {
      name: "gateway-has-no-edges",
      severity: "error",
      from: { path: "^src/gateway[.]ts$" },
      to: { path: "^src/edges/" },
    },
    {
      name: "dashboard-knows-the-contract",
      severity: "error",
      from: { path: "^dashboard/" },
      to: { path: "^src/" },
    },
    {
      name: "no-dumping-ground",
      severity: "error",
      from: {},
      to: { path: "^src/.*(^|/)(utils?|helpers?|common|misc|index)([.]ts$|/)" },
    },
    only("domain-stands-alone", "^src/domain/", "^src/domain/"),
    only("gateway-knows-domain", "^src/gateway[.]ts$", "^src/domain/"),
    only("config-knows-domain", "^src/config/", "^src/(config|domain)/"),
    only("services-are-strangers", `^src/(${services})/`, "^src/($1|domain|dialects|config|net)/"),
    only("net-is-low", "^src/net/", "^src/(net|domain|config)/"),
    only("simulator-stands-alone", "^src/simulator/", "^src/simulator/"),
    // Adapters may not reach net/ although providers/send.ts may: this rule is the stricter one. What the many providers
    // that speak chat completions have in common is no adapter's own. Resellers stand on those whose formats they resell.
    only(
      "adapters-are-strangers-and-pure",
      "^src/providers/(?!azure/|bedrock/|vertex/)([^/]+)/",
      "^src/(domain/|dialects/|providers/($1/|chat-completions/|provider[.]ts$))",
    ),
    only(
      "azure-resells-openai",
      "^src/providers/azure/",
      "^src/(domain/|dialects/|providers/(azure/|openai/|chat-completions/|provider[.]ts$))",
    ),
    only(
      "bedrock-resells-anthropic",
      "^src/providers/bedrock/",
      "^src/(domain/|dialects/|providers/(bedrock/|anthropic/|provider[.]ts$))",
    ),
    only(
      "vertex-resells-gemini-and-anthropic",
      "^src/providers/vertex/",
      "^src/(domain/|dialects/|providers/(vertex/|gemini/|anthropic/|provider[.]ts$))",
    ),
    only("dialects-are-pure", "^src/dialects/", "^src/(dialects|domain)/"),
    only(
      "edges-see-the-gateway",
      "^src/edges/([^/]+)/",
      "^src/(edges/$1/|edges/[^/]+[.]ts$|domain/|dialects/|config/|gateway[.]ts$)",
    ),
    // The primary serves no request: it knows ports, what workers share, and how to tell of them.
    only(
      "workers-serve-nobody",
      "^src/workers/",
      "^src/(workers|domain|config|accounts|cache|telemetry|edges/ops)/|^src/edges/[^/]+[.]ts$",
    ),
    {
      name: "the-top-is-last",
      severity: "error",
      from: { path: "^src/[^/]+/" },
      to: { path: "^src/(assemble|reload|serving|worker)[.]ts$" },
    },
    door("one-rpc-door", "@connectrpc/", "^src/(edges/(rpc/|admin/|server[.]ts$)|guardrails/external|cli/)"),
    door("one-telemetry-door", "@opentelemetry/", "^src/telemetry/"),
    door("one-socket-door", "^(node:)?(https?|http2|net|tls)$|node_modules/undici/", "^src/(net/|simulator/|edges/)"),
  ],
};
