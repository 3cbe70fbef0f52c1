import { ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { ChatService } from "../../gen/trunkline/v1/chat_pb.ts";
import { Role } from "../../gen/trunkline/v1/message_pb.ts";

/** How a request looked from outside. */
export interface Seen {
  /** `ok`, or the error's code in lower case, with the bound that passed after a colon. */
  readonly end: string;
  /** Whether a part of the answer had come before the error. */
  readonly begun: boolean;
  /** The text that came. */
  readonly text: string;
  readonly header: (name: string) => string | null;
}

export interface AskOptions {
  readonly signal?: AbortSignal;
  readonly headers?: Readonly<Record<string, string>>;
}

/** @throws what the client throws when its own signal aborts */
export type Ask = (model: string, stream: boolean, options?: AskOptions) => Promise<Seen>;

/** Callers of each protocol. */
export function callersOf(url: string): Readonly<Record<"REST" | "Connect" | "gRPC" | "gRPC-Web", Ask>> {
  return {
    REST: (model, stream, options) => askRest(url, { model, stream }, options),
    Connect: rpc(createConnectTransport({ baseUrl: url, httpVersion: "1.1" })),
    gRPC: rpc(createGrpcTransport({ baseUrl: url })),
    "gRPC-Web": rpc(createGrpcWebTransport({ baseUrl: url, httpVersion: "1.1" })),
  };
}

interface Asked {
  readonly model: string;
  readonly stream: boolean;
}

async function askRest(url: string, asked: Asked, { signal, headers }: AskOptions = {}): Promise<Seen> {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ ...asked, messages: [{ role: "user", content: "Hi" }] }),
    ...(signal && { signal }),
  });
  const header = (name: string) => response.headers.get(name);
  const text = await response.text();
  if (!asked.stream || !response.ok) {
    const { error, choices } = JSON.parse(text);
    if (error) return { end: endOf(error.code, error.phase), begun: false, text: "", header };
    return { end: "ok", begun: true, text: choices[0].message.content, header };
  }
  const data = text
    .split("\n\n")
    .flatMap((event) => (event.startsWith("data: ") ? [event.slice("data: ".length)] : []));
  const isDone = data.at(-1) === "[DONE]";
  const chunks = data.filter((one) => one !== "[DONE]").map((one) => JSON.parse(one));
  const said = chunks.map(({ choices }) => choices?.[0]?.delta?.content ?? "").join("");
  if (isDone) return { end: "ok", begun: true, text: said, header };
  const { error } = chunks.at(-1) ?? {};
  // A stream that ends without an end or an error would be the very lie that this is about.
  const end = error ? endOf(error.code, error.phase) : "nothing";
  return { end, begun: chunks.length > 1, text: said, header };
}

function rpc(transport: Transport): Ask {
  const client = createClient(ChatService, transport);
  return async (model, stream, { signal, headers: requestHeaders } = {}) => {
    const part = { kind: { case: "text" as const, value: "Hi" } };
    const request = { model, messages: [{ role: Role.USER, parts: [part] }] };
    const got = new Headers();
    const header = (name: string) => got.get(name);
    const note = (headers: Headers) => {
      for (const [name, value] of headers) got.set(name, value);
    };
    const options = {
      onHeader: note,
      onTrailer: note,
      ...(signal && { signal }),
      ...(requestHeaders && { headers: requestHeaders }),
    };
    let begun = false;
    let completed = false;
    let text = "";
    try {
      if (!stream) {
        const { choices } = await client.chat(request, options);
        const kind = choices[0]?.message?.parts[0]?.kind;
        return { end: "ok", begun: true, text: kind?.case === "text" ? kind.value : "", header };
      }
      for await (const { event } of client.streamChat({ request }, options)) {
        begun ||= event.case === "textDelta" || event.case === "partStarted";
        completed ||= event.case === "completed";
        if (event.case === "textDelta") text += event.value;
      }
      return { end: completed ? "ok" : "nothing", begun, text, header };
    } catch (thrown) {
      if (signal?.aborted) throw thrown;
      const [info] = ConnectError.from(thrown).findDetails(ErrorInfoSchema);
      return { end: endOf(info?.reason.toLowerCase(), info?.metadata.phase), begun, text, header };
    }
  };
}

function endOf(code: string | undefined, phase: string | undefined): string {
  return phase === undefined ? String(code) : `${code}:${phase}`;
}
