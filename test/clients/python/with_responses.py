"""Drives the gateway with OpenAI's own package: Responses and legacy completions. One line when all was as expected."""

import json
import sys

import openai
from pydantic import BaseModel

client = openai.OpenAI(base_url=sys.argv[1], api_key="any", max_retries=0)
MODELS = ("simulator/echo", "simulator-anthropic/claude-echo")
WEATHER = {
    "type": "function",
    "name": "weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    "strict": False,
}


class Weather(BaseModel):
    city: str
    degrees: int


def fails(kind, call):
    try:
        call()
    except kind as error:
        return error
    raise SystemExit(f"no {kind.__name__}")


for model in MODELS:
    answer = client.responses.create(model=model, instructions="Be brief.", input="/say Grüße, 世界 👋")
    assert (answer.status, answer.output_text) == ("completed", "Grüße, 世界 👋"), answer
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens, answer.usage

    events = list(client.responses.create(model=model, input="/say one two", stream=True))
    assert [event.sequence_number for event in events] == list(range(len(events))), events
    assert events[0].type == "response.created" and events[-1].type == "response.completed", events
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == "one two", events

    asked = '/call weather {"city": "Oslo"}\n/call weather {"city": "Zürich"}'
    with client.responses.stream(model=model, input=asked, tools=[WEATHER]) as stream:
        first = stream.until_done().get_final_response()
    calls = [item for item in first.output if item.type == "function_call"]
    assert [json.loads(call.arguments)["city"] for call in calls] == ["Oslo", "Zürich"], first
    results = [
        {"type": "function_call_output", "call_id": call.call_id, "output": f"sunny {i}"}
        for i, call in enumerate(calls)
    ]
    then = client.responses.create(model=model, previous_response_id=first.id, input=results, tools=[WEATHER])
    assert "sunny 0" in then.output_text and "sunny 1" in then.output_text, then
    # The same with the whole conversation, and nothing kept.
    history = [{"role": "user", "content": asked}, *[item.to_dict() for item in first.output], *results]
    whole = client.responses.create(model=model, input=history, tools=[WEATHER], store=False)
    assert whole.output_text == then.output_text, whole
    assert fails(openai.NotFoundError, lambda: client.responses.retrieve(whole.id)).code == "response_not_found"

    parsed = client.responses.parse(model=model, input="weather?", text_format=Weather)
    assert isinstance(parsed.output_parsed, Weather), parsed

    assert client.responses.retrieve(then.id).output_text == then.output_text
    items = list(client.responses.input_items.list(then.id, order="asc", limit=2))
    assert [item.type for item in items if item.type != "reasoning"] == [
        *["message", "function_call", "function_call", "function_call_output", "function_call_output"]
    ], items
    client.responses.delete(then.id)
    fails(openai.NotFoundError, lambda: client.responses.retrieve(then.id))
    lost = fails(
        openai.BadRequestError,
        lambda: client.responses.create(model=model, previous_response_id=then.id, input="and?"),
    )
    assert (lost.code, lost.param) == ("previous_response_not_found", "previous_response_id"), lost
    wrong = fails(openai.BadRequestError, lambda: client.responses.create(model=model, input="Hi", background=True))
    assert (wrong.code, wrong.param) == ("unsupported_parameter", "background"), wrong

    text = client.completions.create(model=model, prompt="/say once upon", max_tokens=99)
    assert text.choices[0].text == "once upon", text
    pieces = client.completions.create(model=model, prompt="/say once upon", max_tokens=99, stream=True)
    assert "".join(chunk.choices[0].text for chunk in pieces if chunk.choices) == "once upon"
    fails(openai.BadRequestError, lambda: client.completions.create(model=model, prompt=[1, 2]))
print("all as expected")
