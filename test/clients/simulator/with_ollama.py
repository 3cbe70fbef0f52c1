"""Drives the simulator with Ollama's own package; prints one line when all was as expected."""

import json
import sys

import ollama

client = ollama.Client(host=f"{sys.argv[1]}/ollama")
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/VscvDQAAAABJRU5ErkJggg=="
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def ask(content, model="echo", **more):
    return client.chat(model=model, messages=[{"role": "user", "content": content}], **more)


answer = ask("Hello?")
assert answer.message.content == "This answer is simulated. You said: Hello?", answer
assert answer.done and answer.done_reason == "stop" and answer.prompt_eval_count == 1, answer
assert ask("Hello?").prompt_eval_count is None

lines = list(ask("/say Grüße, 世界 👋", stream=True))
assert "".join(line.message.content for line in lines) == "Grüße, 世界 👋", lines
assert [line.done for line in lines] == [False, False, False, True] and lines[-1].eval_count == 3, lines
assert ask("/words 50", options={"num_predict": 5}).done_reason == "length"

thought = ask("Hm?", model="reasoner", think=True)
assert thought.message.thinking.startswith("This reasoning is simulated"), thought
assert not ask("Hm?", model="reasoner", think=False).message.thinking

called = ask('/call weather {"city":"Oslo"}', tools=[WEATHER])
(call,) = called.message.tool_calls
assert call.function.name == "weather" and call.function.arguments == {"city": "Oslo"}, call
after = client.chat(
    model="echo",
    tools=[WEATHER],
    messages=[
        {"role": "user", "content": "How is it?"},
        called.message,
        {"role": "tool", "tool_name": "weather", "content": "sunny"},
    ],
)
assert "sunny" in after.message.content, after

schema = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}
assert json.loads(ask("Shape!", format=schema).message.content) == {"ok": True}
seen = client.chat(model="echo", messages=[{"role": "user", "content": "Look", "images": [PNG]}])
assert "You attached 1" in seen.message.content, seen
likely = ask("Hi", logprobs=True, top_logprobs=2)
assert likely.logprobs[0].logprob == -0.125 and len(likely.logprobs[0].top_logprobs) == 2, likely

vectors = client.embed(model="embed", input=["one", "two"], dimensions=8)
assert len(vectors.embeddings) == 2 and len(vectors.embeddings[0]) == 8 and vectors.prompt_eval_count == 2, vectors
assert [model.model for model in client.list().models] == ["echo:latest", "reasoner:latest", "embed:latest"]
shown = client.show("reasoner")
assert shown.capabilities == ["completion", "tools", "thinking"], shown
assert shown.modelinfo["qwen3.context_length"] == 32768, shown

for model, status, more in [
    ("nobody", 404, {}),
    ("echo+fault=503", 503, {}),
    ("echo+fault=500", 500, {}),
    ("echo", 400, {"think": True}),
    ("gemma:2b", 400, {"tools": [WEATHER]}),
]:
    try:
        ask("Hi", model=model, **more)
        raise SystemExit(f"{model} was answered")
    except ollama.ResponseError as error:
        assert error.status_code == status, error

pieces = []
try:
    for line in ask("/words 9", model="echo+fault=error-event", stream=True):
        pieces.append(line.message.content)
    raise SystemExit("the error line was passed over")
except ollama.ResponseError as error:
    assert pieces and "simulated" in error.error, error

print("all as expected")
