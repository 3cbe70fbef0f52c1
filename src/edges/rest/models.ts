import { encodeModelInfo, encodeModelInfos } from "../../dialects/anthropic-models/encode-models.ts";
import { encodeModel, encodeModelList } from "../../dialects/openai-models/encode-models.ts";
import type { Caller } from "../../domain/context.ts";
import { GatewayError } from "../../domain/errors.ts";
import type { Exchange } from "./exchange.ts";
import { pageOf } from "./pages.ts";

/** `GET /v1/models`. */
export async function handleModels(exchange: Exchange, caller: Caller): Promise<void> {
  const models = await exchange.gateway.listModels(caller, exchange.context);
  exchange.answer(encodeModelList(models));
}

/** `GET /v1/models/{id}`; an id may hold slashes, written as such or as `%2F`. */
export async function handleModel(exchange: Exchange, caller: Caller): Promise<void> {
  const model = await exchange.gateway.getModel(exchange.rest, caller, exchange.context);
  exchange.answer(encodeModel(model));
}

/** Models a page where none is asked for, and at most, as Anthropic has it. */
const usualPage = 20;
const maxPage = 1_000;

/** `GET /v1/models` for clients of Anthropic, by pages. */
export async function handleModelInfos(exchange: Exchange, caller: Caller): Promise<void> {
  const limit = exchange.query("limit") ?? String(usualPage);
  const size = /^[1-9]\d{0,3}$/.test(limit) ? Number(limit) : 0;
  if (size < 1 || size > maxPage) {
    throw new GatewayError("invalid_value", `limit must be a number from 1 to ${maxPage}.`, { param: "limit" });
  }
  const after = exchange.query("after_id") ?? null;
  const before = exchange.query("before_id") ?? null;
  if (after !== null && before !== null) {
    throw new GatewayError("invalid_value", "before_id cannot stand beside after_id.", { param: "before_id" });
  }
  const models = await exchange.gateway.listModels(caller, exchange.context);
  const page = pageOf(models, { after, before, size, param: before === null ? "after_id" : "before_id" });
  exchange.answer(encodeModelInfos(page.models, page.hasMore));
}

/** `GET /v1/models/{id}` for clients of Anthropic. */
export async function handleModelInfo(exchange: Exchange, caller: Caller): Promise<void> {
  exchange.answer(encodeModelInfo(await exchange.gateway.getModel(exchange.rest, caller, exchange.context)));
}
