import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type Model, ModelSchema } from "../../gen/trunkline/v1/models_pb.ts";
import type { ModelFacts } from "../domain/target.ts";
import { type Alias, type Listing, notFound } from "./resolve.ts";

export interface ModelsParts {
  readonly aliases: readonly Alias[];
  /** The listings as they are now, in the configured order. */
  listings(): readonly (Omit<Listing, "models"> & {
    readonly models: ReadonlyMap<string, { readonly facts: ModelFacts; readonly source: string }>;
  })[];
  /** Waits until the lists were read once, however that went. */
  ready(): Promise<void>;
}

/** What callers are told of the models: aliases first, then every listed model as `instance/model`, sorted. */
export function createModels(parts: ModelsParts) {
  async function list(): Promise<readonly Model[]> {
    await parts.ready();
    const aliases = parts.aliases.map(({ name }) => create(ModelSchema, { name, available: true, source: "alias" }));
    const listed = parts
      .listings()
      .flatMap(({ instance, models }) =>
        [...models].map(([id, { facts, source }]) => toModel(instance.name, id, facts, source)),
      );
    return [...aliases.sort(byName), ...listed.sort(byName)];
  }

  /** By alias, by `instance/model`, or by a bare id: then the first instance that lists it. */
  async function get(name: string): Promise<Model> {
    const models = await list();
    const found = models.find((model) => model.name === name) ?? models.find(({ aliases }) => aliases.includes(name));
    if (!found) throw notFound(name);
    return found;
  }

  return { list, get };
}

function toModel(instance: string, id: string, facts: ModelFacts, source: string): Model {
  const { contextWindow, maxOutputTokens, createdAtMs, shutdownAtMs } = facts;
  return create(ModelSchema, {
    name: `${instance}/${id}`,
    provider: instance,
    aliases: [id],
    displayName: facts.displayName ?? id,
    inputModalities: [...(facts.inputModalities ?? [])],
    outputModalities: [...(facts.outputModalities ?? [])],
    capabilities: [...(facts.capabilities ?? [])],
    efforts: [...(facts.efforts ?? [])],
    parametersRefused: [...(facts.parametersRefused ?? [])],
    available: true,
    source,
    ...(contextWindow === undefined ? {} : { contextWindow }),
    ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }),
    ...(createdAtMs === undefined ? {} : { created: timestampFromMs(createdAtMs) }),
    ...(shutdownAtMs === undefined ? {} : { shutdownAt: timestampFromMs(shutdownAtMs) }),
  });
}

function byName(a: Model, b: Model): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}
