import { isFields, listOf, parseObject, textOf } from "../../dialects/openai-chat/wire.ts";
import type { HttpReply, ModelPage } from "../provider.ts";

/** OpenAI's list has no pages. Servers that speak its format may leave out all but the id. */
export function fromModelPage(reply: HttpReply): ModelPage {
  const list = listOf(parseObject(reply.body, "a list of models"), "data");
  const models = list.flatMap((entry) => {
    const id = textOf(entry, "id");
    if (id === "" || !isFields(entry)) return [];
    const createdAtMs = typeof entry.created === "number" ? { createdAtMs: entry.created * 1000 } : {};
    const shutdown = Date.parse(textOf(entry, "shutdown_date"));
    return [{ id, facts: { ...createdAtMs, ...(Number.isNaN(shutdown) ? {} : { shutdownAtMs: shutdown }) } }];
  });
  return { models, next: null };
}
