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
}

export type Ask = (model: string, stream: boolean) => Promise<Seen>;

/** Callers of each protocol. */
export function callersOf(url: string): Readonly<Record<"REST" | "Connect" | "gRPC" | "gRPC-Web", Ask>> {
  return {
    REST: (model, stream) => askRest(url, model, stream),
    Connect: rpc(createConnectTransport({ baseUrl: url, httpVersion: "1.1" })),
    gRPC: rpc(createGrpcTransport({ baseUrl: url })),
    "gRPC-Web": rpc(createGrpcWebTransport({ baseUrl: url, httpVersion: "1.1" })),
  };
}

async function askRest(url: string, model: string, stream: boolean): Promise<Seen> {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model, stream, messages: [{ role: "user", content: "Hi" }] }),
  });
  const text = await response.text();
  if (!stream || !response.ok) {
    const body = JSON.parse(text);
    return body.error ? { end: endOf(body.error.code, body.error.phase), begun: false } : { end: "ok", begun: true };
  }
  const data = text
    .split("\n\n")
    .flatMap((event) => (event.startsWith("data: ") ? [event.slice("data: ".length)] : []));
  if (data.at(-1) === "[DONE]") return { end: "ok", begun: true };
  const { error } = JSON.parse(data.at(-1) ?? "{}");
  // A stream that ends without an end or an error would be the very lie that this is about.
  return { end: error ? endOf(error.code, error.phase) : "nothing", begun: data.length > 1 };
}

function rpc(transport: Transport): Ask {
  const client = createClient(ChatService, transport);
  return async (model, stream) => {
    const part = { kind: { case: "text" as const, value: "Hi" } };
    const request = { model, messages: [{ role: Role.USER, parts: [part] }] };
    let begun = false;
    let completed = false;
    try {
      if (!stream) {
        await client.chat(request);
        return { end: "ok", begun: true };
      }
      for await (const { event } of client.streamChat({ request })) {
        begun ||= event.case === "textDelta" || event.case === "partStarted";
        completed ||= event.case === "completed";
      }
      return { end: completed ? "ok" : "nothing", begun };
    } catch (thrown) {
      const [info] = ConnectError.from(thrown).findDetails(ErrorInfoSchema);
      return { end: endOf(info?.reason.toLowerCase(), info?.metadata.phase), begun };
    }
  };
}

function endOf(code: string | undefined, phase: string | undefined): string {
  return phase === undefined ? String(code) : `${code}:${phase}`;
}
