import type { connectNodeAdapter } from "@connectrpc/connect-node";

/** Answers Node's own request, of HTTP/1.1 or HTTP/2, as the RPC library's adapters do. */
export type NodeHandler = ReturnType<typeof connectNodeAdapter>;
export type NodeRequest = Parameters<NodeHandler>[0];
export type NodeResponse = Parameters<NodeHandler>[1];
