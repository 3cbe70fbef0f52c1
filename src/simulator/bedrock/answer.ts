import type { Exchange, Reply, StreamEvent } from "../exchange.ts";
import { type Fields, isFields } from "../json.ts";
import { encodeMessage } from "./event-stream.ts";

/** An answer of Messages as Converse gives it. */
export function asConverse(reply: Reply, { requestId }: Exchange): Reply {
  const headers = { "x-amzn-requestid": requestId };
  if ("events" in reply) {
    const exception = { ":message-type": "exception", ":exception-type": "modelStreamErrorException" };
    return {
      contentType: "application/vnd.amazon.eventstream",
      headers,
      events: events(reply.events),
      errorEvent: encodeMessage({ ...exception, ":content-type": json }, { message: "This failure is simulated." }),
    };
  }
  const { content, stop_reason, usage } = reply.body as Fields;
  const body = {
    metrics: { latencyMs: 1 },
    output: { message: { role: "assistant", content: (Array.isArray(content) ? content : []).map(whole) } },
    stopReason: stopOf(stop_reason),
    usage: usageOf(usage),
  };
  return { status: 200, headers, body };
}

const json = "application/json";

function whole(block: Fields): Fields {
  switch (block.type) {
    case "thinking": {
      const { thinking: text, signature } = block;
      return { reasoningContent: { reasoningText: { text, signature } } };
    }
    case "tool_use":
      return { toolUse: { toolUseId: idOf(block), name: block.name, input: block.input } };
    default:
      return { text: block.text };
  }
}

function idOf({ id }: Fields): string {
  return `tooluse_${String(id).replace("toolu_", "")}`;
}

function* events(given: Iterable<StreamEvent>): Generator<StreamEvent> {
  for (const { text, token } of given) {
    const data: Fields = JSON.parse(/^data: (.*)$/m.exec(String(text))?.[1] ?? "{}");
    for (const [type, payload] of converted(data)) {
      const headers = { ":event-type": type, ":content-type": json, ":message-type": "event" };
      // Padding against those who measure lengths.
      yield { text: encodeMessage(headers, { ...payload, p: "abcdefgh" }), token };
    }
  }
}

function converted(data: Fields): readonly (readonly [string, Fields])[] {
  const contentBlockIndex = data.index;
  switch (data.type) {
    case "message_start":
      return [["messageStart", { role: "assistant" }]];
    case "content_block_start": {
      const block = isFields(data.content_block) ? data.content_block : {};
      if (block.type !== "tool_use") return [];
      const start = { toolUse: { toolUseId: idOf(block), name: block.name } };
      return [["contentBlockStart", { contentBlockIndex, start }]];
    }
    case "content_block_delta":
      return [["contentBlockDelta", { contentBlockIndex, delta: deltaOf(isFields(data.delta) ? data.delta : {}) }]];
    case "content_block_stop":
      return [["contentBlockStop", { contentBlockIndex }]];
    case "message_delta": {
      const { stop_reason } = isFields(data.delta) ? data.delta : {};
      return [
        ["messageStop", { stopReason: stopOf(stop_reason) }],
        ["metadata", { usage: usageOf(data.usage), metrics: { latencyMs: 1 } }],
      ];
    }
    default:
      return [];
  }
}

function deltaOf(delta: Fields): Fields {
  switch (delta.type) {
    case "thinking_delta":
      return { reasoningContent: { text: delta.thinking } };
    case "signature_delta":
      return { reasoningContent: { signature: delta.signature } };
    case "input_json_delta":
      return { toolUse: { input: delta.partial_json } };
    default:
      return { text: delta.text };
  }
}

function stopOf(reason: unknown): string {
  return reason === "refusal" ? "content_filtered" : String(reason);
}

function usageOf(usage: unknown): Fields {
  const counts = isFields(usage) ? usage : {};
  const [input, output] = [Number(counts.input_tokens), Number(counts.output_tokens)];
  const [read, written] = [Number(counts.cache_read_input_tokens), Number(counts.cache_creation_input_tokens)];
  return {
    inputTokens: input,
    outputTokens: output,
    totalTokens: input + output + read + written,
    cacheReadInputTokens: read,
    cacheWriteInputTokens: written,
  };
}
