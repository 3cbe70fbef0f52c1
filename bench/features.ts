import { quickModel, usualEvents } from "./agreed.ts";
import { type Bench, say } from "./bench.ts";
import { type RestAsk, restCase } from "./cases.ts";
import { type Server, startGateway } from "./servers.ts";

/** Something that can be on or off, by itself. */
export interface Feature {
  readonly name: string;
  /** What it is compared with: the usual request, or another feature. */
  readonly comparedWith: string;
  readonly kinds: readonly ("unary" | "streams")[];
  readonly ask?: RestAsk;
  /** What the virtual model that is asked sets beside its targets. */
  readonly route?: Readonly<Record<string, unknown>>;
  /** Where it is no matter of a request or a model: it takes a gateway of its own, with this environment. */
  readonly ownGateway?: Readonly<Record<string, string>>;
  /** Reads the metrics once a second meanwhile. */
  readonly isScraped?: boolean;
}

const usual = "usual";
const otherProcess = "usual, another process (A/A)";
const plainRoute = "virtual model, ordered";
const kinds = ["unary", "streams"] as const;
const withUsage: RestAsk = { members: { stream_options: { include_usage: true } } };

/** A virtual model over two instances of the same provider. */
function routed(name: string, route: Readonly<Record<string, unknown>>, more: Partial<Feature> = {}): Feature {
  return { name, comparedWith: plainRoute, kinds, route, ...more };
}

/** All features that exist, each beside what it is compared with. */
export const features: readonly Feature[] = [
  { name: usual, comparedWith: usual, kinds },
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
  { name: otherProcess, comparedWith: usual, kinds, ownGateway: {} },
  { name: "master key off", comparedWith: otherProcess, kinds: ["unary"], ownGateway: { TRUNKLINE_MASTER_KEY: "" } },
  { name: "request log off", comparedWith: otherProcess, kinds, ownGateway: { TRUNKLINE_LOG_LEVEL: "warn" } },
  { name: "metrics read each second", comparedWith: otherProcess, kinds: ["unary"], ownGateway: {}, isScraped: true },
];

/** Starts gateways for all features: one for all that differ in requests and models, and those of their own. */
export async function startFeatures({ upstream, folder }: Bench, keep: (server: Server) => Server) {
  const config = routesConfig(upstream.url);
  const shared = keep(await startGateway(upstream, { dataDir: folder, config }));
  const started = [];
  for (const feature of features) {
    const { ask, route, ownGateway, isScraped = false } = feature;
    const own = ownGateway && (await startGateway(upstream, { dataDir: folder, config, env: ownGateway }));
    const server = own === undefined ? shared : keep(isScraped ? scraped(own) : own);
    const model = route === undefined ? quickModel : routeName(feature);
    const caseOf = (kind: "unary" | "streams") => restCase(folder, { model, ...ask, stream: kind === "streams" });
    started.push({ feature, server, caseOf });
  }
  return started;
}

function routeName({ name }: Feature): string {
  return `route-${name.replaceAll(/[^a-z]+/g, "-")}`;
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

/** The virtual models of all features, over two instances whose model has a name that the usual one has not. */
function routesConfig(url: string): unknown {
  const id = `${quickModel}-n${usualEvents}`;
  const models = [{ id, price: { input: 1, output: 2 } }];
  const provider = { type: "openai", api_key: "env://OPENAI_API_KEY", base_url: `${url}/v1`, models };
  const targets = [`east/${id}`, `west/${id}`];
  const routes = features.flatMap((feature) =>
    feature.route === undefined ? [] : [[routeName(feature), { targets, ...feature.route }] as const],
  );
  return { providers: { east: provider, west: provider }, models: Object.fromEntries(routes) };
}
