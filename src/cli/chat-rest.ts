import { type ClientReply, sendToGateway } from "../net/local-client.ts";
import type { ChatClient, ChatPiece, ChatQuestion } from "./chat-client.ts";
import { CliError, exitCodes } from "./exit.ts";
import { badKey, type GatewayAddress, unreachable } from "./gateway-address.ts";

/** Largest answer that is not a stream: an error, or the list of models. Characters. */
const maxBodyChars = 8_388_608;

/** Chat by the OpenAI-compatible REST API. */
export function createRestChat(address: GatewayAddress): ChatClient {
  return {
    async firstModel(signal) {
      const reply = await send(address, "GET", "/v1/models", undefined, signal);
      const list = parse(await wholeText(reply)) as { data?: { id?: string }[] } | null;
      const id = list?.data?.[0]?.id;
      if (id === undefined) throw new CliError("The gateway lists no model; name one with --model.", exitCodes.failed);
      return id;
    },
    async *stream(question, signal) {
      const reply = await send(address, "POST", "/v1/chat/completions", toBody(question), signal);
      yield* readServed(reply);
      let done = false;
      for await (const data of eventData(reply.body)) {
        if (data === "[DONE]") done = true;
        else yield* readChunk(parse(data));
      }
      if (!done) throw new CliError("The answer ended before it was complete.", exitCodes.failed);
    },
  };
}

async function send(
  address: GatewayAddress,
  method: "GET" | "POST",
  path: string,
  body: string | undefined,
  signal: AbortSignal,
): Promise<ClientReply> {
  const headers = {
    ...(body === undefined ? {} : { "content-type": "application/json" }),
    ...(address.key === null ? {} : { authorization: `Bearer ${address.key.reveal()}` }),
  };
  let reply: ClientReply;
  try {
    reply = await sendToGateway(new URL(path, address.url), {
      method,
      headers,
      signal,
      ...(body === undefined ? {} : { body }),
    });
  } catch (error) {
    if (signal.aborted) throw error;
    throw unreachable(address, error instanceof Error ? error.message : String(error), error);
  }
  if (reply.status === 401) throw badKey(address);
  if (reply.status !== 200) throw refusal(reply.status, parse(await wholeText(reply)));
  return reply;
}

function toBody({ model, system, prompt }: ChatQuestion): string {
  const messages = [
    ...(system === null ? [] : [{ role: "system", content: system }]),
    { role: "user", content: prompt },
  ];
  return JSON.stringify({ model, messages, stream: true, stream_options: { include_usage: true } });
}

function* readServed({ headers }: ClientReply): Iterable<ChatPiece> {
  const provider = headers["trunkline-provider"];
  const model = headers["trunkline-model"];
  if (typeof provider !== "string") return;
  yield { kind: "served", by: [provider, model].join("/"), simulated: headers["trunkline-simulated"] === "true" };
}

/** The parts of a chat completion chunk that are shown. The gateway is our own, yet versions differ: all is optional. */
interface Chunk {
  readonly error?: { readonly message?: string };
  readonly choices?: readonly {
    readonly delta?: { readonly content?: string; readonly reasoning_content?: string; readonly refusal?: string };
    readonly finish_reason?: string | null;
  }[];
  readonly usage?: { readonly prompt_tokens?: number; readonly completion_tokens?: number } | null;
}

function* readChunk(json: unknown): Iterable<ChatPiece> {
  // Objects only; every field is looked at as possibly absent.
  const chunk = (typeof json === "object" && json !== null ? json : {}) as Chunk;
  if (chunk.error) throw refusal(200, chunk);
  for (const { delta, finish_reason: reason } of chunk.choices ?? []) {
    if (delta?.reasoning_content) yield { kind: "reasoning", text: delta.reasoning_content };
    if (delta?.content) yield { kind: "text", text: delta.content };
    if (delta?.refusal) yield { kind: "refusal", text: delta.refusal };
    if (reason) yield { kind: "finished", reason };
  }
  if (chunk.usage) {
    const { prompt_tokens: inputTokens, completion_tokens: outputTokens } = chunk.usage;
    yield { kind: "usage", inputTokens, outputTokens };
  }
}

function refusal(status: number, json: unknown): CliError {
  const message = typeof json === "object" && json !== null ? (json as Chunk).error?.message : undefined;
  return new CliError(message ?? `The gateway answered with status ${status}.`, exitCodes.failed);
}

/** The data of server-sent events, one line each, as our own gateway writes them. */
async function* eventData(body: AsyncIterable<Uint8Array>): AsyncIterable<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of body) {
    rest += decoder.decode(bytes, { stream: true });
    const lines = rest.split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line.startsWith("data:")) yield line.slice("data:".length).trim();
  }
}

async function wholeText({ body }: ClientReply): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const bytes of body) {
    text += decoder.decode(bytes, { stream: true });
    if (text.length > maxBodyChars) break;
  }
  return text;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
