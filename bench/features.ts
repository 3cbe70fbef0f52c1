import { quickModel, usualEvents } from "./agreed.ts";
import { type Bench, say } from "./bench.ts";
import { type RestAsk, restCase } from "./cases.ts";
import { type GatewayToMeasure, type Server, startGateway } from "./servers.ts";

/** Something that can be on or off, by itself. */
export interface Feature {
  readonly name: string;
  /** What it is compared with: `usual` for the gateway as it usually is, or another feature. */
  readonly comparedWith: string;
  readonly gateway?: Omit<GatewayToMeasure, "dataDir">;
  readonly ask?: RestAsk;
  readonly kinds: readonly ("unary" | "streams")[];
  /** Reads the metrics once a second meanwhile, as Prometheus would more rarely. */
  readonly isScraped?: boolean;
}

export const usual = "usual";
/** The name of a virtual model in each configuration that has one. */
const route = "routed";
const plainRoute = "virtual model, ordered";
const kinds = ["unary", "streams"] as const;

const withUsage: RestAsk = { members: { stream_options: { include_usage: true } } };

/** A virtual model over two instances of the same provider. */
function routed(name: string, settings: Readonly<Record<string, unknown>>, more: Partial<Feature> = {}): Feature {
  return { name, comparedWith: plainRoute, kinds, ask: { model: route }, gateway: { config: settings }, ...more };
}

/** All features that exist, each beside what it is compared with. */
export const features: readonly Feature[] = [
  { name: usual, comparedWith: usual, kinds },
  { name: "master key off", comparedWith: usual, kinds: ["unary"], gateway: { env: { TRUNKLINE_MASTER_KEY: "" } } },
  { name: "request log off", comparedWith: usual, kinds, gateway: { env: { TRUNKLINE_LOG_LEVEL: "warn" } } },
  { name: "metrics read each second", comparedWith: usual, kinds: ["unary"], isScraped: true },
  { name: "include_usage", comparedWith: usual, kinds: ["streams"], ask: withUsage },
  { name: "idempotency key", comparedWith: usual, kinds, ask: { headers: ["Idempotency-Key: {unique}"] } },
  { name: "session id", comparedWith: usual, kinds: ["unary"], ask: { headers: ["Trunkline-Session-Id: {unique}"] } },
  routed(plainRoute, {}, { comparedWith: usual }),
  routed("strategy weighted", { strategy: "weighted" }),
  routed("strategy least-latency", { strategy: "least-latency" }),
  routed("strategy least-busy", { strategy: "least-busy" }),
  routed("strategy cheapest", { strategy: "cheapest" }),
  routed("hedge, never needed", { hedge: { after_ms: 60_000 } }),
  routed("on_cut: continue", { on_cut: "continue" }, { kinds: ["streams"] }),
  routed("single_flight", { single_flight: true }, { kinds: ["unary"] }),
  // Two processes of the same gateway differ by more than two rounds of one: this row says by how much.
  { name: "usual again (A/A)", comparedWith: usual, kinds },
];

/** The gateway of a feature, and its requests. */
export async function startFeature({ upstream, folder }: Bench, { gateway = {}, ask, isScraped = false }: Feature) {
  const config = ask?.model === route ? { config: routedConfig(upstream.url, gateway.config) } : {};
  const started = await startGateway(upstream, { ...gateway, ...config, dataDir: folder });
  const server = isScraped ? scraped(started) : started;
  const caseOf = (kind: "unary" | "streams") =>
    restCase(folder, { ...ask, ...(kind === "streams" && { stream: true, events: usualEvents }) });
  return { server, caseOf };
}

/** Read as a scraper does, as long as it runs. */
function scraped(server: Server & { readonly opsUrl: string }): Server {
  const timer = setInterval(() => {
    fetch(`${server.opsUrl}/metrics`)
      .then((answer) => answer.text())
      .catch((error: unknown) => say(`metrics could not be read: ${String(error)}`));
  }, 1_000);
  const stop = () => {
    clearInterval(timer);
    return server.stop();
  };
  return { ...server, stop };
}

function routedConfig(url: string, settings: unknown): unknown {
  const priced = { id: quickModel, price: { input: 1, output: 2 } };
  const provider = { type: "openai", api_key: "env://OPENAI_API_KEY", base_url: `${url}/v1`, models: [priced] };
  return {
    providers: { east: provider, west: provider },
    models: { [route]: { targets: [`east/${quickModel}`, `west/${quickModel}`], ...Object(settings) } },
  };
}
