"""Drives the simulator with Cohere's own package; prints one line when all was as expected."""

import json
import sys

import cohere

client = cohere.ClientV2(api_key="any", base_url=f"{sys.argv[1]}/cohere")
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
NO_RETRIES = {"max_retries": 0}


def ask(content, model="command-echo", **more):
    messages = [{"role": "user", "content": content}]
    return client.chat(model=model, messages=messages, request_options=NO_RETRIES, **more)


answer = ask("Hello?")
assert answer.message.content[0].text == "This answer is simulated. You said: Hello?", answer
assert answer.finish_reason == "COMPLETE" and answer.usage.billed_units.input_tokens == 1, answer
assert answer.usage.tokens.input_tokens == 61, answer

messages = [{"role": "user", "content": "/say Grüße, 世界 👋"}]
events = list(client.chat_stream(model="command-echo", messages=messages))
types = [event.type for event in events]
deltas = [event.delta.message.content.text for event in events if event.type == "content-delta"]
assert "".join(deltas) == "Grüße, 世界 👋", events
assert types == ["message-start", "content-start", *["content-delta"] * 3, "content-end", "message-end"], types
assert events[-1].delta.finish_reason == "COMPLETE" and events[-1].delta.usage.tokens.output_tokens == 3, events

called = ask('/call weather {"city":"Oslo"}', tools=[WEATHER])
(call,) = called.message.tool_calls
assert called.finish_reason == "TOOL_CALL" and called.message.tool_plan == "I will use weather.", called
assert json.loads(call.function.arguments) == {"city": "Oslo"}, call
after = client.chat(
    model="command-echo",
    tools=[WEATHER],
    messages=[
        {"role": "user", "content": "How is it?"},
        {"role": "assistant", "tool_calls": called.message.tool_calls, "tool_plan": called.message.tool_plan},
        {"role": "tool", "tool_call_id": call.id, "content": [{"type": "document", "document": {"data": {"w": "sunny"}}}]},
    ],
)
assert "sunny" in after.message.content[0].text, after
streamed = list(
    client.chat_stream(
        model="command-echo", tools=[WEATHER], messages=[{"role": "user", "content": '/call weather {"city":"Oslo"}'}]
    )
)
pieces = [event.delta.message.tool_calls.function.arguments for event in streamed if event.type == "tool-call-delta"]
assert json.loads("".join(pieces)) == {"city": "Oslo"}, streamed

thought = ask("Hm?", model="command-reasoner", thinking={"type": "enabled", "token_budget": 100})
assert [block.type for block in thought.message.content] == ["thinking", "text"], thought
off = ask("Hm?", model="command-reasoner", thinking={"type": "disabled"})
assert [block.type for block in off.message.content] == ["text"], off

cited = ask("Who?", documents=[{"id": "a", "data": {"title": "A", "snippet": "I."}}])
assert cited.message.citations[0].sources[0].id == "a" and cited.message.citations[0].text == "This answer", cited
schema = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}
shaped = ask("Shape!", response_format={"type": "json_object", "json_schema": schema}, logprobs=True)
assert json.loads(shaped.message.content[0].text) == {"ok": True} and shaped.logprobs[0].logprobs == [-0.125], shaped

vectors = client.embed(
    model="embed-echo",
    texts=["one", "two"],
    input_type="search_query",
    embedding_types=["float", "int8"],
    output_dimension=8,
)
assert len(vectors.embeddings.float_) == 2 and len(vectors.embeddings.int8[0]) == 8, vectors
assert [model.name for model in client.models.list(page_size=2).models] == ["command-echo", "command-reasoner"]

for model, error, more in [
    ("nobody", cohere.NotFoundError, {}),
    ("command-echo+fault=401", cohere.UnauthorizedError, {}),
    ("command-echo+fault=429", cohere.TooManyRequestsError, {}),
    ("command-echo+fault=500", cohere.InternalServerError, {}),
    ("command-echo", cohere.BadRequestError, {"temperature": 2}),
]:
    try:
        ask("Hi", model=model, **more)
        raise SystemExit(f"{model} was answered")
    except error:
        pass

print("all as expected")
