import { request } from "node:http";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { ChatService } from "../../gen/trunkline/v1/chat_pb.ts";
import { Role } from "../../gen/trunkline/v1/message_pb.ts";

export interface Asked {
  readonly model?: string;
  readonly content: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Default: true. */
  readonly stream?: boolean;
}

/** What a caller got, over a connection of its own. */
export interface Got {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
  /** How the connection broke before the answer was whole; null when it did not. */
  readonly broken: string | null;
}

export interface Asking {
  /** Resolves with the first piece of the answer. */
  readonly begun: Promise<void>;
  readonly got: Promise<Got>;
}

/** Asks by REST. */
export function askRest(
  url: string,
  { model = "simulator/echo", content, headers = {}, stream = true }: Asked,
): Asking {
  const begun = Promise.withResolvers<void>();
  const got = Promise.withResolvers<Got>();
  const options = {
    method: "POST",
    agent: false,
    headers: { "content-type": "application/json", ...headers },
  } as const;
  const asking = request(`${url}/v1/chat/completions`, options, (response) => {
    let text = "";
    const settle = (broken: string | null) => {
      begun.resolve();
      got.resolve({ status: response.statusCode ?? 0, headers: response.headers, text, broken });
    };
    response.setEncoding("utf8").on("data", (piece: string) => {
      text += piece;
      begun.resolve();
    });
    response.on("end", () => settle(null)).on("error", (error) => settle(error.message));
  });
  asking.on("error", (error) => {
    begun.resolve();
    got.resolve({ status: 0, headers: {}, text: "", broken: error.message });
  });
  asking.end(JSON.stringify({ model, stream, messages: [{ role: "user", content }] }));
  return { begun: begun.promise, got: got.promise };
}

export interface GotRpc {
  readonly text: string;
  readonly isComplete: boolean;
  readonly error: ConnectError | null;
}

/** Asks by gRPC. */
export function askRpc(url: string, { model = "simulator/echo", content, headers = {} }: Asked) {
  const client = createClient(ChatService, createGrpcTransport({ baseUrl: url }));
  const begun = Promise.withResolvers<void>();
  const read = async (): Promise<GotRpc> => {
    const messages = [{ role: Role.USER, parts: [{ kind: { case: "text" as const, value: content } }] }];
    let text = "";
    let isComplete = false;
    try {
      for await (const { event } of client.streamChat({ request: { model, messages } }, { headers })) {
        if (event.case === "textDelta") text += event.value;
        if (event.case === "completed") isComplete = true;
        begun.resolve();
      }
      return { text, isComplete, error: null };
    } catch (error) {
      begun.resolve();
      return { text, isComplete, error: ConnectError.from(error, Code.Unknown) };
    }
  };
  return { begun: begun.promise, got: read() };
}
