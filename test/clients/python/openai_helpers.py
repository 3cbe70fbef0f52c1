"""Drives the helpers of OpenAI's own package through the gateway; prints one line when all was as expected."""

import sys
import time

import openai
from pydantic import BaseModel

url, key, models, embedders = sys.argv[1], sys.argv[2], sys.argv[3].split(","), sys.argv[4].split(",")
client = openai.OpenAI(base_url=url, api_key=key, max_retries=0)
BOTH = '/call Weather {"city": "Oslo"}\n/call Weather {"city": "Zürich"}'


class Weather(BaseModel):
    """The weather in a city."""

    city: str


class Report(BaseModel):
    city: str
    degrees: float


def asking(content):
    return [{"role": "user", "content": content}]


def fails(kind, model, content="Hi", **more):
    try:
        client.chat.completions.create(model=model, messages=asking(content), **more)
    except kind as error:
        return error
    raise SystemExit(f"no {kind.__name__} of {model}")


def called(choice):
    assert choice.finish_reason == "tool_calls", choice
    return [call.function.parsed_arguments.city for call in choice.message.tool_calls]


for model in models:
    tools = [openai.pydantic_function_tool(Weather)]
    whole = client.chat.completions.parse(model=model, messages=asking(BOTH), tools=tools)
    assert called(whole.choices[0]) == ["Oslo", "Zürich"], whole
    with client.chat.completions.stream(model=model, messages=asking(BOTH), tools=tools) as stream:
        events = [event for event in stream]
        streamed = stream.get_final_completion()
    assert called(streamed.choices[0]) == ["Oslo", "Zürich"], streamed
    done = [event for event in events if event.type == "tool_calls.function.arguments.done"]
    assert [event.parsed_arguments.city for event in done] == ["Oslo", "Zürich"], done

    # The whole message goes back, with what the provider put on it.
    turn = whole.choices[0].message
    results = [{"role": "tool", "tool_call_id": call.id, "content": "It snows."} for call in turn.tool_calls]
    answer = client.chat.completions.create(
        model=model, messages=[*asking(BOTH), turn.model_dump(exclude_none=True), *results], tools=tools
    )
    assert "It snows." in answer.choices[0].message.content, answer

    parsed = client.chat.completions.parse(model=model, messages=asking("The weather?"), response_format=Report)
    assert isinstance(parsed.choices[0].message.parsed, Report), parsed
    wanted = dict(model=model, messages=asking("The weather?"), response_format=Report)
    with client.chat.completions.stream(**wanted, stream_options={"include_usage": True}) as stream:
        ends = [event.parsed for event in stream if event.type == "content.done"]
        final = stream.get_final_completion()
    assert ends == [final.choices[0].message.parsed] and isinstance(ends[0], Report), ends
    assert final.usage.completion_tokens > 0, final

    limited = fails(openai.RateLimitError, f"{model}+fault=429,seconds=7")
    assert limited.response.headers["retry-after"] == "7", limited.response.headers
    fails(openai.NotFoundError, f"{model}+fault=404")
    assert fails(openai.BadRequestError, model, temperature=9).param == "temperature"

# By itself the SDK would wait half a second at most.
begun = time.monotonic()
patient = client.with_options(max_retries=1).chat.completions.with_raw_response
again = patient.create(model=f"{models[0]}+fault=429,seconds=1,times=1", messages=asking("/say so"))
assert (again.retries_taken, again.parse().choices[0].message.content) == (1, "so"), again
assert time.monotonic() - begun >= 1

for model in embedders:
    vectors = [
        client.embeddings.create(model=model, input=["one", "two"], **form).data
        for form in ({}, {"encoding_format": "float"})
    ]
    for packed, plain in zip(*vectors, strict=True):
        assert packed.index == plain.index and len(packed.embedding) == len(plain.embedding) > 7, packed
        assert max(abs(a - b) for a, b in zip(packed.embedding, plain.embedding)) < 1e-6, model

stranger = openai.OpenAI(base_url=url, api_key="wrong", max_retries=0)
try:
    stranger.models.list()
except openai.AuthenticationError as error:
    assert error.code == "invalid_api_key", error
else:
    raise SystemExit("a wrong key was taken")
print("all as expected")
