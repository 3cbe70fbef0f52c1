"""Drives the gateway with OpenAI's own package; prints one line when all was as expected."""

import base64
import json
import sys

import openai
from pydantic import BaseModel

client = openai.OpenAI(base_url=sys.argv[1], api_key="any", max_retries=0)
MODELS = ("simulator/echo", "simulator-anthropic/claude-echo")
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
PIXEL = base64.b64encode(
    bytes.fromhex(
        "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
        "1f15c4890000000d49444154789c63f8cfc0f01f00050001ff56c72f0d0000000049454e44ae426082"
    )
).decode()


class Weather(BaseModel):
    city: str
    degrees: int


def ask(model, content, **more):
    return client.chat.completions.create(model=model, messages=[{"role": "user", "content": content}], **more)


def fails(kind, call):
    try:
        call()
    except kind as error:
        return error
    raise SystemExit(f"no {kind.__name__}")


for model in MODELS:
    raw = client.chat.completions.with_raw_response.create(
        model=model, messages=[{"role": "user", "content": "Hello?"}]
    )
    assert raw.headers["trunkline-provider"] == model.split("/")[0] and raw.headers["x-request-id"], raw.headers
    answer = raw.parse()
    assert answer.choices[0].message.content == "This answer is simulated. You said: Hello?", answer
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens, answer.usage

    chunks = list(ask(model, "/say Grüße, 世界 👋", stream=True, stream_options={"include_usage": True}))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == "Grüße, 世界 👋" and chunks[-1].usage.completion_tokens == 3, chunks
    assert len({chunk.id for chunk in chunks}) == 1, chunks

    asked = [{"role": "user", "content": '/call weather {"city": "Oslo"}\n/call weather {"city": "Zürich"}'}]
    with client.chat.completions.stream(model=model, messages=asked, tools=[WEATHER]) as stream:
        stream.until_done()
        called = stream.get_final_completion().choices[0]
    assert called.finish_reason == "tool_calls", called
    cities = [json.loads(call.function.arguments)["city"] for call in called.message.tool_calls]
    assert cities == ["Oslo", "Zürich"], cities
    calls = [call.model_dump(include={"id", "type", "function"}) for call in called.message.tool_calls]
    for call in calls:
        call["function"] = {key: call["function"][key] for key in ("name", "arguments")}
    results = [{"role": "tool", "tool_call_id": call["id"], "content": f"sunny {i}"} for i, call in enumerate(calls)]
    answered = client.chat.completions.create(
        model=model, messages=[*asked, {"role": "assistant", "tool_calls": calls}, *results], tools=[WEATHER]
    )
    assert "sunny 0" in answered.choices[0].message.content and "sunny 1" in answered.choices[0].message.content, answered

    parsed = client.chat.completions.parse(
        model=model, messages=[{"role": "user", "content": "The weather?"}], response_format=Weather
    )
    assert isinstance(parsed.choices[0].message.parsed, Weather), parsed

    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}
    seen = ask(model, [{"type": "text", "text": "What is this?"}, image])
    assert "What is this?" in seen.choices[0].message.content, seen

    for fault, kind in {
        "400": openai.BadRequestError,
        "401": openai.APIStatusError,
        "429,seconds=7": openai.RateLimitError,
        "500": openai.InternalServerError,
        "drop": openai.InternalServerError,
        "html": openai.InternalServerError,
    }.items():
        error = fails(kind, lambda: ask(f"{model}+fault={fault}", "Hi"))
        assert error.request_id and error.code, (fault, error)
        assert (error.response.headers.get("retry-after") == "7") == fault.startswith("429"), (fault, error.response)
    for fault in ("cut,after=2", "early-end,after=2", "malformed,after=2", "error-event,after=2"):
        heard = []
        error = fails(
            openai.APIError,
            lambda: heard.extend(
                chunk.choices[0].delta.content or ""
                for chunk in ask(f"{model}+fault={fault}", "/say a b c d", stream=True)
                if chunk.choices
            ),
        )
        assert "".join(heard) == "a b", (fault, heard, error)

reasoned = ask("simulator-anthropic/claude-reasoner", "/think 3\n/say so", reasoning_effort="high", max_tokens=9000)
assert reasoned.choices[0].message.content == "so", reasoned
assert reasoned.usage.completion_tokens_details.reasoning_tokens > 0 or reasoned.choices[0].message.reasoning_content

vectors = client.embeddings.create(model="simulator/embed", input=["one", "two"], dimensions=8).data
assert [len(vector.embedding) for vector in vectors] == [8, 8], vectors
names = [model.id for model in client.models.list()]
assert set(MODELS) <= set(names), names
assert client.models.retrieve(MODELS[0]).id == MODELS[0]
missing = fails(openai.NotFoundError, lambda: client.models.retrieve("nobody/none"))
assert missing.code == "model_not_found", missing

wrong = fails(openai.BadRequestError, lambda: ask(MODELS[0], "Hi", temperature=9))
assert (wrong.param, wrong.code) == ("temperature", "invalid_value"), wrong
slow = client.with_options(timeout=0.3)
fails(openai.APITimeoutError, lambda: slow.chat.completions.create(
    model="simulator/echo+fault=slow-headers,ms=20000", messages=[{"role": "user", "content": "Hi"}]
))
print("all as expected")
