import { createHash } from "node:crypto";
import { toJson } from "@bufbuild/protobuf";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import {
  type ListModelsRequest,
  type ListModelsResponse,
  ListModelsResponseSchema,
  type Model,
  type ModelsService,
} from "../../../gen/trunkline/v1/models_pb.ts";
import { GatewayError } from "../../domain/errors.ts";
import type { Gateway } from "../../gateway.ts";
import type { Calls } from "./call.ts";

/** Models a page at most, and where none is asked for. */
const maxPageSize = 1_000;

export function createModelsService(gateway: Gateway, calls: Calls): ServiceImpl<typeof ModelsService> {
  return {
    listModels: (request: ListModelsRequest, rpc: HandlerContext) =>
      calls.unary(rpc, "models", async ({ caller, context }) => {
        const models = await gateway.listModels(caller, context);
        rpc.responseHeader.set("etag", entityTag(models, rpc.url));
        return page(models, request);
      }),
    getModel: ({ name }, rpc) =>
      calls.unary(rpc, "models", async ({ caller, context }) => {
        const model = await gateway.getModel(name, caller, context);
        rpc.responseHeader.set("etag", entityTag(await gateway.listModels(caller, context), rpc.url));
        return { model };
      }),
  };
}

/** Changes when any model does: then every page may have, and lists are short. Differs by what was asked. */
function entityTag(models: readonly Model[], url: string): string {
  const json = toJson(ListModelsResponseSchema, {
    $typeName: "trunkline.v1.ListModelsResponse",
    models: [...models],
    nextPageToken: "",
  });
  const { pathname, search } = new URL(url, "http://localhost");
  const hash = createHash("sha256").update(JSON.stringify(json)).update(pathname).update(search);
  return `"${hash.digest("base64url").slice(0, 22)}"`;
}

function page(models: readonly Model[], request: ListModelsRequest): ListModelsResponse {
  const { pageSize, pageToken, provider } = request;
  if (pageSize < 0) throw invalid("page_size", "must not be negative.");
  const size = pageSize === 0 ? maxPageSize : Math.min(pageSize, maxPageSize);
  const chosen = provider === "" ? models : models.filter((model) => model.provider === provider);
  // The token is the name after which the page begins: it stays good while models come and go.
  const after = pageToken === "" ? "" : readToken(pageToken);
  const start = after === "" ? 0 : chosen.findIndex(({ name }) => name === after) + 1;
  if (after !== "" && start === 0) throw invalid("page_token", "is of another list, or the model it stood at is gone.");
  const shown = chosen.slice(start, start + size);
  const last = shown.at(-1);
  const more = start + size < chosen.length && last !== undefined;
  return {
    $typeName: "trunkline.v1.ListModelsResponse",
    models: shown,
    nextPageToken: more ? Buffer.from(`m1:${last.name}`).toString("base64url") : "",
  };
}

function readToken(token: string): string {
  const text = Buffer.from(token, "base64url").toString("utf8");
  if (!text.startsWith("m1:")) throw invalid("page_token", "must be a next_page_token of this method.");
  return text.slice(3);
}

function invalid(field: string, rule: string): GatewayError {
  return new GatewayError("invalid_value", `${field} ${rule}`, { field });
}
