import { type Client, Code, ConnectError, createClient, type Interceptor } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { ChatService } from "../../gen/trunkline/v1/chat_pb.ts";
import { ModelsService } from "../../gen/trunkline/v1/models_pb.ts";
import { CliError, exitCodes } from "./exit.ts";
import { badKey, type GatewayAddress, unreachable } from "./gateway-address.ts";

/** The gateway's typed services. */
export interface RpcClient {
  readonly chat: Client<typeof ChatService>;
  readonly models: Client<typeof ModelsService>;
}

export function createRpcClient({ url, key }: GatewayAddress): RpcClient {
  const authorize: Interceptor = (next) => (request) => {
    if (key !== null) request.header.set("authorization", `Bearer ${key.reveal()}`);
    return next(request);
  };
  const transport = createConnectTransport({ baseUrl: url.origin, httpVersion: "1.1", interceptors: [authorize] });
  return { chat: createClient(ChatService, transport), models: createClient(ModelsService, transport) };
}

/** What went wrong with a call, in one sentence. */
export function explainCall(thrown: unknown, address: GatewayAddress): CliError {
  const error = ConnectError.from(thrown);
  if (error.code === Code.Unauthenticated) return badKey(address, error);
  // A gateway that answers says why; without an answer there is only the socket's error.
  const socketCode = error.cause instanceof Error && "code" in error.cause ? String(error.cause.code) : null;
  if (socketCode !== null && /^E[A-Z_]+$/.test(socketCode)) return unreachable(address, error.rawMessage, error);
  return new CliError(error.rawMessage, exitCodes.failed, { cause: error });
}
