"""Drives the simulator with OpenAI's own package; prints one line when all was as expected."""

import json
import math
import sys

import openai

client = openai.OpenAI(base_url=f"{sys.argv[1]}/v1", api_key="any", max_retries=0)
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def ask(content, **more):
    return client.chat.completions.create(model="echo", messages=[{"role": "user", "content": content}], **more)


answer = ask("Hello?")
assert answer.choices[0].message.content == "This answer is simulated. You said: Hello?", answer

chunks = list(ask("/say Grüße, 世界 👋", stream=True, stream_options={"include_usage": True}))
text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
assert text == "Grüße, 世界 👋" and chunks[-1].usage.completion_tokens == 3, chunks

call = ask("How is it?", tools=[WEATHER]).choices[0].message.tool_calls[0]
assert json.loads(call.function.arguments) == {"city": "simulated"}, call

schema = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"], "additionalProperties": False}
shaped = ask("Shape!", response_format={"type": "json_schema", "json_schema": {"name": "s", "schema": schema}})
assert json.loads(shaped.choices[0].message.content) == {"ok": True}, shaped

vectors = client.embeddings.create(model="embed", input=["one", "two"], dimensions=8).data
assert len(vectors) == 2 and math.isclose(sum(x * x for x in vectors[0].embedding), 1, rel_tol=1e-5), vectors
assert [model.id for model in client.models.list()] == ["echo", "reasoner", "embed"]

for model, error in [
    ("nobody", openai.NotFoundError),
    ("echo+fault=429", openai.RateLimitError),
    ("echo+fault=500", openai.InternalServerError),
    ("echo+fault=401", openai.AuthenticationError),
]:
    try:
        client.chat.completions.create(model=model, messages=[{"role": "user", "content": "Hi"}])
        raise SystemExit(f"{model} was answered")
    except error:
        pass

print("all as expected")
