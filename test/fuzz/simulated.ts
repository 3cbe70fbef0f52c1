import { create } from "@bufbuild/protobuf";
import { EmbedRequestSchema } from "../../gen/trunkline/v1/embeddings_pb.ts";
import { Role } from "../../gen/trunkline/v1/message_pb.ts";
import { providerKinds } from "../../src/config/provider-kinds.ts";
import { blankChatRequest, chatMessage, textPart } from "../../src/domain/blank.ts";
import type { ChatCall } from "../../src/domain/chat.ts";
import type { ProviderInstance } from "../../src/domain/instance.ts";
import { Secret } from "../../src/domain/secret.ts";
import type { Target } from "../../src/domain/target.ts";
import { providerOf } from "../../src/providers/catalog.ts";
import { outgoing } from "../../src/providers/outgoing.ts";
import type { ProviderRequest } from "../../src/providers/provider.ts";
import { startSimulator } from "../../src/simulator/simulator.ts";

/** What a provider answers to questions that no golden case asks; those that it has no way to ask are left out. */
export interface SimulatedAnswers {
  readonly models?: string;
  readonly modelDetail?: string;
  readonly embeddings?: string;
  readonly tokens?: string;
}

/** Asks the simulator of each kind. A kind that it does not speak yet, or speaks at another address, has no answers. */
export async function simulatedAnswers(kinds: readonly string[]): Promise<ReadonlyMap<string, SimulatedAnswers>> {
  const simulator = await startSimulator();
  try {
    const asked = kinds.map(async (kind) => [kind, await askAll(kind, simulator.url)] as const);
    return new Map(await Promise.all(asked));
  } finally {
    await simulator.close();
  }
}

/** A target of a kind, for questions about no model in particular. */
export function plainTarget(kind: string, model = "echo"): Target {
  return { name: `${kind}/${model}`, instance: kind, provider: kind, model, wire: "repair", facts: {} };
}

/** An instance of a kind with a key. */
export function plainInstance(kind: string, baseUrl: string): ProviderInstance {
  const keys = [{ name: "any", secret: new Secret("any"), weight: 1 }];
  const where = { name: kind, provider: kind, baseUrl, socketPath: null };
  return { ...where, keys, models: [], headers: {}, wire: "exact", simulated: true };
}

/** Names of the simulator's models where they are not those that most have. */
const simulatedModels: ReadonlyMap<string, { readonly echo: string; readonly embed: string }> = new Map([
  ["anthropic", { echo: "claude-echo", embed: "" }],
  ["gemini", { echo: "gemini-echo", embed: "gemini-embedding-001" }],
  ["cohere", { echo: "command-echo", embed: "embed-v4.0" }],
]);

async function askAll(kind: string, url: string): Promise<SimulatedAnswers> {
  const { models: list, embeddings, countTokens } = providerOf(kind);
  const models = simulatedModels.get(kind) ?? { echo: "echo", embed: "embed" };
  const target = plainTarget(kind, models.echo);
  const request = blankChatRequest();
  request.messages = [chatMessage(Role.USER, [textPart("hi")])];
  const call: ChatCall = { request, stream: false };
  const embed = create(EmbedRequestSchema, { model: "echo", inputs: [{ kind: { case: "text", value: "hi" } }] });
  const about = { headers: {}, losses: [], memory: { target, stream: false } };
  const questions: Readonly<Record<string, ProviderRequest | undefined>> = {
    models: list && { method: "GET", path: list.path, body: null, ...about },
    modelDetail: list?.detail && { ...list.detail.toRequest(models.echo), ...about },
    embeddings: embeddings?.toRequest(embed, plainTarget(kind, models.embed)),
    tokens: countTokens?.toRequest(call, target),
  };
  const answers: Record<string, string> = {};
  for (const [name, question] of Object.entries(questions)) {
    const answer = question && (await ask(kind, url, question));
    if (answer) answers[name] = answer;
  }
  return answers;
}

async function ask(kind: string, url: string, question: ProviderRequest): Promise<string | null> {
  const root = new URL(providerKinds.get(kind)?.baseUrl ?? "http://any/v1").pathname.replace(/\/$/, "");
  const instance = plainInstance(kind, `${url}/${kind}${root}`);
  const { origin, path, method, headers, body } = outgoing(instance, providerOf(kind), question, {
    key: undefined,
    connectTimeoutMs: 1_000,
    wallMs: Date.now(),
  });
  const reply = await fetch(origin + path, { method, headers, body: body === null ? null : String(body) });
  return reply.ok ? reply.text() : null;
}
