import { anthropic } from "./anthropic.ts";
import { bedrock } from "./bedrock.ts";
import { chatProviders } from "./chat-providers.ts";
import { cohere } from "./cohere.ts";
import { gemini } from "./gemini.ts";
import { ollama } from "./ollama.ts";
import { responses } from "./responses.ts";
import type { Upstream } from "./upstream.ts";
import { vertex } from "./vertex.ts";

const [openai, azure, ...compatible] = chatProviders;

/** Every provider of the matrix, in the order of its columns. */
export const upstreams: readonly Upstream[] = [
  ...(openai ? [openai] : []),
  responses,
  ...(azure ? [azure] : []),
  anthropic,
  bedrock,
  gemini,
  vertex,
  ...compatible,
  ollama,
  cohere,
];
