import { afterAll } from "vitest";
import { type RunningSimulator, startSimulator } from "../../src/simulator/simulator.ts";
import { useGateway, type WholeGateway, withoutRetries } from "../fakes/gateway.ts";

/** One model of each main provider, and of those that speak dialects of their own. */
export const chatModels = {
  openai: "openai/gpt-4.1",
  anthropic: "anthropic/claude-sonnet-4-5",
  gemini: "gemini/gemini-3-pro",
  ollama: "ollama/llama3.2",
  groq: "groq/openai/gpt-oss-120b",
  mistral: "mistral/mistral-large-latest",
  cohere: "cohere/command-a-03-2025",
} as const;

/** The four main formats: what an application written for one SDK is moved between. */
export const mainModels = [chatModels.openai, chatModels.anthropic, chatModels.gemini, chatModels.ollama] as const;

export interface Behind {
  readonly gateway: WholeGateway;
  /** All of the providers: what they were asked is in its `calls`. */
  readonly simulator: RunningSimulator;
}

/**
 * A gateway over the simulator as every provider of `chatModels`, each in its own wire format; for the tests of a file.
 * One attempt to a question, so that each failure is the one that was asked for.
 * @param more added to the environment that the gateway is configured by
 */
export async function gatewayBefore(more: Readonly<Record<string, string>> = {}): Promise<Behind> {
  const simulator = await startSimulator({ requireKey: true });
  afterAll(() => simulator.close());
  const paths: Readonly<Record<string, string>> = {
    openai: "openai/v1",
    groq: "groq/openai/v1",
    mistral: "mistral/v1",
  };
  const env = Object.keys(chatModels).flatMap((kind) => [
    [`${kind.toUpperCase()}_API_KEY`, "k"],
    [`${kind.toUpperCase()}_BASE_URL`, `${simulator.url}/${paths[kind] ?? kind}`],
  ]);
  return { gateway: useGateway({ ...more, ...Object.fromEntries(env) }, withoutRetries), simulator };
}
