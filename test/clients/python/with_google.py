"""Drives the gateway with Google's own package; prints one line when all was as expected."""

import sys

from google import genai
from google.genai import errors, types

client = genai.Client(api_key="any", http_options=types.HttpOptions(base_url=sys.argv[1]))
TARGETS = (
    ("simulator/echo", "simulator/reasoner"),
    ("simulator-anthropic/claude-echo", "simulator-anthropic/claude-reasoner"),
)
TOOLS = [
    types.Tool(
        function_declarations=[
            types.FunctionDeclaration(
                name="weather",
                parameters=types.Schema(
                    type="OBJECT", properties={"city": types.Schema(type="STRING")}, required=["city"]
                ),
            )
        ]
    )
]


def result_of(call):
    response = types.FunctionResponse(id=call.id, name=call.name, response={"result": "sunny"})
    return types.Part(function_response=response)


for model, reasoner in TARGETS:
    whole = client.models.generate_content(model=model, contents="/say Grüße, 世界 👋")
    assert whole.text == "Grüße, 世界 👋" and whole.candidates[0].finish_reason.name == "STOP", whole
    chunks = list(client.models.generate_content_stream(model=model, contents="/say Grüße, 世界 👋"))
    assert "".join(chunk.text or "" for chunk in chunks) == "Grüße, 世界 👋", chunks
    assert chunks[-1].usage_metadata.prompt_token_count == whole.usage_metadata.prompt_token_count, chunks

    # Signatures are octets here: what another provider wants back is decoded and encoded on its way.
    config = types.GenerateContentConfig(
        tools=TOOLS,
        thinking_config=types.ThinkingConfig(include_thoughts=True, thinking_budget=1024),
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
    )
    for ask in ("whole", "streamed"):
        chat = client.chats.create(model=reasoner, config=config)
        question = '/call weather {"city":"Oslo"}'
        if ask == "whole":
            calls = chat.send_message(question).function_calls
        else:
            calls = [call for chunk in chat.send_message_stream(question) for call in chunk.function_calls or []]
        assert [call.args for call in calls] == [{"city": "Oslo"}], calls
        assert "sunny" in chat.send_message([result_of(call) for call in calls]).text

    asked = []

    def weather(city: str) -> str:
        """The weather in a city."""
        asked.append(city)
        return f"It snows in {city}."

    automatic = types.GenerateContentConfig(tools=[weather])
    answer = client.models.generate_content(model=model, contents='/call weather {"city":"Rome"}', config=automatic)
    assert asked == ["Rome"] and "It snows in Rome." in answer.text, (asked, answer)

    counted = client.models.count_tokens(model=model, contents="Hello?")
    assert counted.total_tokens > 0, counted

    try:
        client.models.generate_content(model=f"{model}+fault=429,seconds=7", contents="Hi")
        raise SystemExit("no error")
    except errors.ClientError as error:
        assert error.code == 429 and error.status == "RESOURCE_EXHAUSTED", error

names = [model.name for model in client.models.list(config={"page_size": 2})]
assert "models/simulator-anthropic/claude-echo" in names and len(set(names)) == len(names), names
assert len(client.models.embed_content(model="simulator/embed", contents=["a", "b"]).embeddings) == 2

print("all as expected")
