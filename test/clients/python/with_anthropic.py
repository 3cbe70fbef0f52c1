"""Drives the gateway with Anthropic's own package; prints one line when all was as expected."""

import sys

import anthropic
from anthropic import beta_tool

client = anthropic.Anthropic(base_url=sys.argv[1], api_key="any", max_retries=0)
TARGETS = (
    ("simulator/echo", "simulator/reasoner"),
    ("simulator-anthropic/claude-echo", "simulator-anthropic/claude-reasoner"),
)
WEATHER = {
    "name": "weather",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


def ask(model, content, **more):
    messages = [{"role": "user", "content": content}]
    return client.messages.create(model=model, max_tokens=2000, messages=messages, **more)


def fails(kind, call):
    try:
        call()
    except kind as error:
        return error
    raise SystemExit(f"no {kind.__name__}")


for model, reasoner in TARGETS:
    raw = client.messages.with_raw_response.create(
        model=model, max_tokens=2000, messages=[{"role": "user", "content": "/say Grüße, 世界 👋"}]
    )
    assert raw.headers["trunkline-provider"] == model.split("/")[0] and raw.headers["request-id"], raw.headers
    whole = raw.parse()
    assert whole.content[0].text == "Grüße, 世界 👋" and whole.stop_reason == "end_turn", whole

    with client.messages.stream(
        model=model, max_tokens=2000, messages=[{"role": "user", "content": "/say Grüße, 世界 👋"}]
    ) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert text == final.content[0].text == "Grüße, 世界 👋", final
    assert final.usage.output_tokens == whole.usage.output_tokens > 0, (final.usage, whole.usage)
    assert final.usage.input_tokens == whole.usage.input_tokens > 0, (final.usage, whole.usage)

    asked = [{"role": "user", "content": '/call weather {"city":"Oslo"}\n/call weather {"city":"Zürich"}'}]
    with client.messages.stream(model=model, max_tokens=2000, messages=asked, tools=[WEATHER]) as stream:
        called = stream.get_final_message()
    calls = [block for block in called.content if block.type == "tool_use"]
    assert [call.input["city"] for call in calls] == ["Oslo", "Zürich"] and called.stop_reason == "tool_use", called
    results = [
        {"type": "tool_result", "tool_use_id": call.id, "content": f"sunny {i}"} for i, call in enumerate(calls)
    ]
    history = [*asked, {"role": "assistant", "content": called.content}, {"role": "user", "content": results}]
    answered = client.messages.create(model=model, max_tokens=2000, messages=history, tools=[WEATHER])
    assert "sunny 0" in answered.content[0].text and "sunny 1" in answered.content[0].text, answered

    heard = []

    @beta_tool
    def weather(city: str) -> str:
        """The weather in a city.

        Args:
            city: Its name.
        """
        heard.append(city)
        return f"It snows in {city}."

    runner = client.beta.messages.tool_runner(
        model=model,
        max_tokens=2000,
        tools=[weather],
        messages=[{"role": "user", "content": '/call weather {"city":"Oslo"}'}],
    )
    last = runner.until_done()
    assert heard == ["Oslo"] and "It snows in Oslo." in last.content[0].text, (heard, last)

    thinking = {"type": "enabled", "budget_tokens": 1024}
    first = ask(reasoner, '/call weather {"city":"Oslo"}', thinking=thinking, tools=[WEATHER])
    assert [block.type for block in first.content] == ["thinking", "tool_use"], first
    result = {"type": "tool_result", "tool_use_id": first.content[-1].id, "content": "sunny"}
    second = client.messages.create(
        model=reasoner,
        max_tokens=2000,
        thinking=thinking,
        tools=[WEATHER],
        messages=[
            {"role": "user", "content": '/call weather {"city":"Oslo"}'},
            {"role": "assistant", "content": first.content},
            {"role": "user", "content": [result]},
        ],
    )
    assert "sunny" in second.content[-1].text, second

    count = client.messages.count_tokens(model=model, messages=[{"role": "user", "content": "Hello?"}])
    assert count.input_tokens > 0, count

    for fault, kind in {
        "400": anthropic.BadRequestError,
        "429,seconds=7": anthropic.RateLimitError,
        "500": anthropic.InternalServerError,
        "529": anthropic.InternalServerError,
        "drop": anthropic.InternalServerError,
    }.items():
        error = fails(kind, lambda: ask(f"{model}+fault={fault}", "Hi"))
        assert error.request_id and error.type, (fault, error)
        assert (error.response.headers.get("retry-after") == "7") == fault.startswith("429"), (fault, error.response)
    for fault in ("cut,after=2", "early-end,after=2", "malformed,after=2", "error-event,after=2"):
        said = []

        def listen():
            for event in ask(f"{model}+fault={fault}", "/say a b c d", stream=True):
                if event.type == "content_block_delta":
                    said.append(event.delta.text)

        error = fails(anthropic.APIError, listen)
        assert "".join(said) == "a b", (fault, said, error)

bearer = anthropic.Anthropic(base_url=sys.argv[1], auth_token="any", api_key=None, max_retries=0)
assert bearer.messages.create(model="simulator/echo", max_tokens=9, messages=[{"role": "user", "content": "Hi"}]).content
missing = fails(anthropic.NotFoundError, lambda: ask("nobody/none", "Hi"))
assert missing.body["error"]["details"]["error_code"] == "model_not_found", missing.body
print("all as expected")
