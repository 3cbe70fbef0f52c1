import { encodeModel, encodeModelList } from "../../dialects/openai-models/encode-models.ts";
import type { Caller } from "../../domain/context.ts";
import type { Exchange } from "./exchange.ts";

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
