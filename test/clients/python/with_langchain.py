"""Drives the gateway with LangChain, over both of its edges; prints one line when all was as expected."""

import sys

import anthropic
import openai
from langchain_anthropic import ChatAnthropic
from langchain_core.messages import HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import BaseModel

url, *models = sys.argv[1:]
QUESTION = HumanMessage('/call weather {"city": "Oslo"}\n/call weather {"city": "Zürich"}')
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="


@tool
def weather(city: str) -> str:
    """The weather in a city."""
    return f"It snows in {city}."


class Report(BaseModel):
    """What the weather is."""

    city: str
    degrees: int


def by_chat(model, **more):
    return ChatOpenAI(model=model, base_url=f"{url}/v1", api_key="any", max_retries=0, stream_usage=True, **more)


def by_messages(model, **more):
    return ChatAnthropic(model=model, base_url=url, api_key="any", max_retries=0, max_tokens=4000, **more)


def invoked(chat, messages):
    return chat.invoke(messages)


def streamed(chat, messages):
    whole = None
    for chunk in chat.stream(messages):
        whole = chunk if whole is None else whole + chunk
    return whole


def converse(chat, ask):
    """Has both tools called, answers them and checks what is said then."""
    bound = chat.bind_tools([weather])
    first = ask(bound, [QUESTION])
    assert [call["args"] for call in first.tool_calls] == [{"city": "Oslo"}, {"city": "Zürich"}], first
    assert not first.invalid_tool_calls, first
    results = [ToolMessage(weather.invoke(call["args"]), tool_call_id=call["id"]) for call in first.tool_calls]
    second = ask(bound, [SystemMessage("Be brief."), QUESTION, first, *results])
    assert "snows in Oslo" in second.text and "snows in Zürich" in second.text, second
    assert not second.tool_calls, second
    assert second.usage_metadata["output_tokens"] > 0, second


def fails(kind, chat):
    for ask in (invoked, streamed):
        try:
            ask(chat, "Hi")
        except kind:
            continue
        raise SystemExit(f"no {kind.__name__}")


for model in models:
    for make, errors in ((by_chat, openai), (by_messages, anthropic)):
        for ask in (invoked, streamed):
            converse(make(model), ask)
        forced = make(model).bind_tools([weather], tool_choice="weather").invoke("Somewhere.")
        assert [call["name"] for call in forced.tool_calls] == ["weather"], forced
        for method in ("function_calling", "json_schema"):
            wanted = make(model).with_structured_output(Report, method=method)
            assert isinstance(wanted.invoke("The weather?"), Report), (model, method)
            assert list(wanted.stream("The weather?"))[-1], (model, method)
        picture = {"type": "image", "base64": PIXEL, "mime_type": "image/png"}
        seen = make(model).invoke([HumanMessage([{"type": "text", "text": "What is this?"}, picture])])
        assert "What is this?" in seen.text, seen
        fails(errors.RateLimitError, make(f"{model}+fault=429"))
        fails(errors.NotFoundError, make(f"{model}+fault=404"))
    thinking = model.replace("llama3.2", "qwen3")
    thoughtful = by_messages(thinking, thinking={"type": "enabled", "budget_tokens": 2000})
    for ask in (invoked, streamed):
        converse(thoughtful, ask)
    assert by_messages(model).get_num_tokens_from_messages([QUESTION]) > 0
    reasoned = by_chat(thinking, reasoning_effort="low").invoke("/think 3\n/say so")
    assert reasoned.text == "so", reasoned

for model in ("openai/text-embedding-3-small", "gemini/gemini-embedding-001", "ollama/nomic-embed-text"):
    embeddings = OpenAIEmbeddings(model=model, base_url=f"{url}/v1", api_key="any", check_embedding_ctx_length=False)
    assert len(embeddings.embed_documents(["one", "two"])) == 2
print("all as expected")
