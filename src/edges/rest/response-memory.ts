import { readJsonBody } from "../../dialects/json-body.ts";
import { expandInput, itemsOf } from "../../dialects/openai-responses/expand-input.ts";
import { pageOfItems } from "../../dialects/openai-responses/item-list.ts";
import type { ParsedResponses } from "../../dialects/openai-responses/parse-request.ts";
import type { StoredResponse } from "../../domain/response-store.ts";
import type { ChatMemory } from "./chat-flow.ts";
import type { Exchange } from "./exchange.ts";

/** Answers that later requests go on from: kept by the gateway, in front of any provider. */
export function createResponseMemory({ gateway }: Exchange): ChatMemory<ParsedResponses> {
  const store = gateway.responses;
  return {
    async recall(body, caller) {
      const expanded = await expandInput(body, {
        response: (id) => store.get(caller.id, id),
        holding: (id) => store.holding(caller.id, id),
      });
      if (expanded === null) return { body, inherited: 0 };
      return { body: readJsonBody(expanded.bytes), inherited: expanded.inherited };
    },
    async keep(answer, parsed, caller) {
      if (!parsed.keep) return;
      const { id, itemIds } = itemsOf(answer);
      if (id === "") return;
      await store.put(caller.id, { id, response: answer, input: parsed.input, itemIds });
    },
  };
}

/** `GET …/input_items`, in the order and from the item that the query says. @throws GatewayError `invalid_value` */
export function listItems({ id, input }: StoredResponse, query: (name: string) => string | undefined): string {
  return pageOfItems(id, input, { order: query("order"), limit: query("limit"), after: query("after") });
}
