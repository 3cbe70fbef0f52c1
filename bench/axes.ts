import { quickModel } from "./agreed.ts";
import type { Bench, Cell } from "./bench.ts";
import { createCase, restCase } from "./cases.ts";
import { type Server, startBare, startGateway } from "./servers.ts";
import { hasWorkers, startWorkers } from "./workers.ts";

/** Who is measured at a point of an axis. The bare pass-through knows nothing of models and keys. */
export type Subject = "bare" | "gateway";

/** One quantity that is varied, while all others stay as they usually are. */
export interface Axis {
  readonly name: string;
  readonly title: string;
  /** What its values count. */
  readonly unit: string;
  /** What one measured thing is. */
  readonly what: "request" | "stream";
  readonly values: readonly number[];
  readonly subjects: readonly Subject[];
  /** Whether each value needs servers of its own. */
  readonly startsServers: boolean;
  cells(bench: Bench, own: Own): Promise<readonly (Omit<Cell, "name"> & Point)[]>;
}

export interface Point {
  readonly value: number;
  readonly subject: Subject;
}

/** The gateway with its usual configuration, and a keeper of what an axis starts. */
export interface Own {
  readonly gateway: Server;
  keep(server: Server): Server;
}

const both: readonly Subject[] = ["bare", "gateway"];
const connectionCounts = [1, 4, 16, 64, 256, 1_024];
const eventCounts = [1, 10, 100, 500, 2_000];
const counts = [1, 10, 100, 1_000];

/** An axis whose points differ in what is sent. */
function sent(
  about: Pick<Axis, "name" | "title" | "unit" | "what" | "values">,
  cell: (bench: Bench, value: number) => Pick<Cell, "case" | "load">,
): Axis {
  return {
    ...about,
    subjects: both,
    startsServers: false,
    cells: async (bench, { gateway }) =>
      about.values.flatMap((value) => {
        const one = cell(bench, value);
        return both.map((subject) => ({ ...one, value, subject, server: subject === "bare" ? bench.bare : gateway }));
      }),
  };
}

/** An axis whose points differ in how the gateway is configured. The last name that was configured is asked for. */
function configured(
  about: Pick<Axis, "name" | "title" | "unit" | "values">,
  configure: (bench: Bench, value: number) => Promise<{ readonly server: Server; readonly model: string }>,
): Axis {
  return {
    ...about,
    what: "request",
    subjects: ["gateway"],
    startsServers: true,
    cells: (bench, { keep }) =>
      Promise.all(
        about.values.map(async (value) => {
          const { server, model } = await configure(bench, value);
          return { value, subject: "gateway", server: keep(server), case: restCase(bench.folder, { model }) };
        }),
      ),
  };
}

const names = (count: number, what: string) => Array.from({ length: count }, (_, at) => `${what}-${at + 1}`);

const modelsAxis = configured(
  { name: "models", title: "Configured models", unit: "models", values: counts },
  async ({ upstream, folder }, value) => {
    const env = { OPENAI_MODELS: names(value, "model").join(",") };
    return { server: await startGateway(upstream, { dataDir: folder, env }), model: `model-${value}` };
  },
);

const virtualModelsAxis = configured(
  { name: "virtual-models", title: "Virtual models", unit: "virtual models", values: counts },
  async ({ upstream, folder }, value) => {
    const route = { targets: [`openai/${quickModel}`, `openai/${quickModel}-d20`] };
    const models = Object.fromEntries(names(value, "route").map((name) => [name, route]));
    return { server: await startGateway(upstream, { dataDir: folder, config: { models } }), model: `route-${value}` };
  },
);

const keysAxis = configured(
  { name: "keys", title: "Keys of one provider", unit: "keys", values: [1, 8, 64] },
  async ({ upstream, folder }, value) => {
    const keys = names(value, "key").map((name) => ({ name, secret: "env://OPENAI_API_KEY" }));
    const provider = { type: "openai", base_url: `${upstream.url}/v1`, models: [quickModel], keys };
    const config = { providers: { many: provider } };
    return { server: await startGateway(upstream, { dataDir: folder, config }), model: `many/${quickModel}` };
  },
);

function workersAxis(kind: "unary" | "streams"): Axis {
  const values = hasWorkers() ? [1, 2] : [1];
  return {
    name: `workers-${kind}`,
    title: `Workers, ${kind}`,
    unit: "workers",
    what: kind === "unary" ? "request" : "stream",
    values,
    subjects: both,
    startsServers: true,
    cells: async (bench, { keep, gateway }) => {
      const one = { case: createCase(bench.folder, "REST", kind), load: { connections: 128 } };
      const points = values.map(async (value) => [
        { ...one, value, subject: "bare" as const, server: keep(await startBare(bench.upstream, { workers: value })) },
        {
          ...one,
          value,
          subject: "gateway" as const,
          server: value === 1 ? gateway : keep(await startWorkers(bench, value)),
        },
      ]);
      return (await Promise.all(points)).flat();
    },
  };
}

/** All axes of the long run. */
export function createAxes(): readonly Axis[] {
  return [
    sent(
      {
        name: "connections-unary",
        title: "Connections",
        unit: "connections",
        what: "request",
        values: connectionCounts,
      },
      ({ folder }, connections) => ({ case: createCase(folder, "REST", "unary"), load: { connections } }),
    ),
    sent(
      {
        name: "connections-streams",
        title: "Connections, streams of 64 events",
        unit: "connections",
        what: "stream",
        values: connectionCounts,
      },
      // A thousand streams take more than a second.
      ({ folder }, connections) => ({
        case: createCase(folder, "REST", "streams"),
        load: { connections, warmSeconds: connections > 64 ? 1 : 0.3 },
      }),
    ),
    sent(
      { name: "prompt", title: "Prompt", unit: "KiB", what: "request", values: [1, 10, 100, 1_024] },
      ({ folder }, kib) => ({ case: restCase(folder, { promptBytes: kib * 1_024 }), load: { connections: 16 } }),
    ),
    sent(
      { name: "events", title: "Events of a stream", unit: "events", what: "stream", values: eventCounts },
      ({ folder }, events) => ({
        case: restCase(folder, { model: `${quickModel}-n${events}`, events, stream: true }),
        load: { connections: 16 },
      }),
    ),
    sent(
      { name: "pace", title: "Pause between events, 200 streams of 64", unit: "ms", what: "stream", values: [0, 20] },
      ({ folder }, ms) => ({
        case: createCase(folder, "REST", ms === 0 ? "streams" : "paced"),
        load: { connections: 200, warmSeconds: 1.5, rampSeconds: ms === 0 ? 0 : 1.26 },
      }),
    ),
    modelsAxis,
    virtualModelsAxis,
    keysAxis,
    workersAxis("unary"),
    workersAxis("streams"),
  ];
}

/** Models that the points of the axes ask for, beside the usual ones. */
export const sweptModels: readonly string[] = eventCounts.map((events) => `${quickModel}-n${events}`);
