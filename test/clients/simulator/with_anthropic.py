"""Drives the simulator with Anthropic's own package; prints one line when all was as expected."""

import sys

import anthropic

client = anthropic.Anthropic(base_url=sys.argv[1], api_key="any", max_retries=0)
WEATHER = {
    "name": "weather",
    "description": "Weather of a city.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


def ask(content, **more):
    more.setdefault("max_tokens", 2000)
    return client.messages.create(model="claude-echo", messages=[{"role": "user", "content": content}], **more)


answer = ask("Hello?")
assert answer.content[0].text == "This answer is simulated. You said: Hello?", answer
assert answer.stop_reason == "end_turn" and answer.usage.output_tokens > 0, answer

with client.messages.stream(
    model="claude-echo", max_tokens=100, messages=[{"role": "user", "content": "/say Grüße, 世界 👋"}]
) as stream:
    pieces = list(stream.text_stream)
    whole = stream.get_final_message()
assert "".join(pieces) == "Grüße, 世界 👋" and len(pieces) == whole.usage.output_tokens, pieces

thought = ask("/call weather", tools=[WEATHER], thinking={"type": "enabled", "budget_tokens": 1024})
assert [block.type for block in thought.content] == ["thinking", "tool_use"], thought
call = thought.content[1]
assert call.input == {"city": "simulated"}, call
after = client.messages.create(
    model="claude-echo",
    max_tokens=2000,
    tools=[WEATHER],
    messages=[
        {"role": "user", "content": "/call weather"},
        {"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in thought.content]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call.id, "content": "sunny"}]},
    ],
)
assert "sunny" in after.content[-1].text, after

count = client.messages.count_tokens(model="claude-echo", messages=[{"role": "user", "content": "Hello?"}])
assert count.input_tokens == answer.usage.input_tokens, count
assert [model.id for model in client.models.list(limit=1)] == ["claude-echo", "claude-reasoner"]

for content, error in [
    ("x", anthropic.NotFoundError),
    ("+fault=429", anthropic.RateLimitError),
    ("+fault=529", anthropic.InternalServerError),
]:
    model = "nobody" if content == "x" else f"claude-echo{content}"
    try:
        client.messages.create(model=model, max_tokens=10, messages=[{"role": "user", "content": "Hi"}])
        raise SystemExit(f"{model} was answered")
    except error:
        pass

print("all as expected")
