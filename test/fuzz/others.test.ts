import { toBinary, toJsonString } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { CountTokensResponseSchema } from "../../gen/trunkline/v1/chat_pb.ts";
import { EmbedResponseSchema } from "../../gen/trunkline/v1/embeddings_pb.ts";
import { ModelSchema } from "../../gen/trunkline/v1/models_pb.ts";
import { encodeEmbeddings } from "../../src/dialects/openai-embeddings/encode-embeddings.ts";
import { parseEmbeddingsRequest } from "../../src/dialects/openai-embeddings/parse-embeddings.ts";
import { encodeModelList } from "../../src/dialects/openai-models/encode-models.ts";
import { toWellFormedJson } from "../../src/dialects/well-formed-json.ts";
import { check } from "../../src/domain/check.ts";
import type { ModelFacts } from "../../src/domain/model-facts.ts";
import { providerOf } from "../../src/providers/catalog.ts";
import { createModels } from "../../src/routing/models.ts";
import type { Random } from "../domain/random-messages.ts";
import { below, pick } from "./mutate-json.ts";
import { mutateBytes, mutateText } from "./mutate-stream.ts";
import { adapterKinds } from "./recordings.ts";
import { parsed, unlessRefused } from "./requests.ts";
import { fuzz } from "./seeds.ts";
import { plainInstance, plainTarget, type SimulatedAnswers, simulatedAnswers } from "./simulated.ts";

const answers = await simulatedAnswers(adapterKinds);

describe.each(adapterKinds)("what %s says beside chats", (kind) => {
  const { models, embeddings, countTokens } = providerOf(kind);
  const memory = { target: plainTarget(kind), stream: false };

  /** An answer of this provider, now and then of another, changed; as the gateway reads it. */
  function reply(name: keyof SimulatedAnswers, random: Random) {
    const others = [...answers.values()].flatMap((all) => all[name] ?? []);
    const own = answers.get(kind)?.[name];
    const text = own !== undefined && random() < 0.9 ? own : pick(others, random);
    const changed =
      random() < 0.1 ? mutateBytes(Buffer.from(text), random).toString() : mutateText(text, random, below(4, random));
    return { status: 200, headers: {}, body: toWellFormedJson(changed) };
  }

  if (models) {
    fuzz(`${kind}: lists of models`, 100, async (random) => {
      const page = unlessRefused(() => models.fromResponse(reply("models", random)));
      for (const { id, facts } of page?.models ?? []) {
        expect(id).toBeTypeOf("string");
        await tellModel(kind, facts);
      }
      expect(page?.next ?? null).toSatisfy((next) => next === null || /^\/[!-~]*$/.test(next));
    });
  }
  const detail = models?.detail;
  if (detail) {
    fuzz(`${kind}: what is told of one model`, 100, (random) => {
      return tellModel(kind, unlessRefused(() => detail.fromResponse(reply("modelDetail", random))) ?? {});
    });
  }
  if (embeddings) {
    fuzz(`${kind}: embeddings`, 100, (random) => {
      const response = unlessRefused(() => embeddings.fromResponse(reply("embeddings", random), memory));
      if (response === null) return;
      toBinary(EmbedResponseSchema, response);
      toJsonString(EmbedResponseSchema, response);
      JSON.parse(encodeEmbeddings(response, "float"));
      JSON.parse(encodeEmbeddings(response, "base64"));
    });
  }
  if (countTokens) {
    fuzz(`${kind}: counts of tokens`, 100, (random) => {
      const response = unlessRefused(() => countTokens.fromResponse(reply("tokens", random), memory));
      if (response) toBinary(CountTokensResponseSchema, response);
    });
  }
});

/** Facts as callers of the models' list get them. */
async function tellModel(kind: string, facts: ModelFacts): Promise<void> {
  const listed = new Map([["m", { facts, source: "provider" as const }]]);
  const models = createModels({
    aliases: [],
    listings: () => [{ instance: plainInstance(kind, "http://any"), models: listed, complete: true }],
    isOut: () => false,
    ready: () => Promise.resolve(),
  });
  const list = await models.list();
  for (const model of list) {
    toBinary(ModelSchema, model);
    toJsonString(ModelSchema, model);
  }
  JSON.parse(encodeModelList(list));
}

describe("requests for embeddings", () => {
  const bodies = [
    { model: "m", input: "a", encoding_format: "base64", dimensions: 3, user: "u" },
    { model: "m", input: ["a", "b"] },
    { model: "m", input: [[1, 2], [3]], from_the_future: {} },
    { model: "m", input: [1, 2] },
  ].map((body) => JSON.stringify(body));

  fuzz("embeddings: bodies that are changed, to every kind of provider", 400, (random) => {
    const text = mutateText(pick(bodies, random), random, below(3, random));
    const bytes = random() < 0.1 ? mutateBytes(Buffer.from(text), random) : Buffer.from(text);
    const asked = parsed(bytes, parseEmbeddingsRequest);
    if (asked === null) return;
    const { request } = asked;
    if (unlessRefused(() => check({ kind: "embeddings", request }) ?? true) === null) return;
    for (const kind of adapterKinds) {
      const sent = unlessRefused(() => providerOf(kind).embeddings?.toRequest(request, plainTarget(kind)) ?? null);
      if (sent !== null) JSON.parse(String(sent.body));
    }
  });

  it("are answered by the simulator of the providers that make them", () => {
    const makers = adapterKinds.filter((kind) => providerOf(kind).embeddings);
    expect(makers.filter((kind) => answers.get(kind)?.embeddings !== undefined).length).toBeGreaterThan(3);
  });
});
