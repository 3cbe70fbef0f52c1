"""Drives the simulator with OpenAI's package for Azure, by deployment and by the v1 interface; prints one line when all was as expected."""

import sys

import openai

by_deployment = openai.AzureOpenAI(
    azure_endpoint=f"{sys.argv[1]}/azure", api_key="any", api_version="2024-10-21", max_retries=0
)
current = openai.OpenAI(
    base_url=f"{sys.argv[1]}/azure/openai/v1", api_key="unused", default_headers={"api-key": "any"}, max_retries=0
)


def ask(client, content, model="echo", **more):
    return client.chat.completions.create(model=model, messages=[{"role": "user", "content": content}], **more)


for client in (by_deployment, current):
    answer = ask(client, "/say Grüße")
    choice = answer.choices[0]
    assert choice.message.content == "Grüße", answer
    assert choice.content_filter_results["hate"] == {"filtered": False, "severity": "safe"}, answer
    assert answer.prompt_filter_results[0]["content_filter_results"]["jailbreak"]["detected"] is False, answer

    chunks = list(ask(client, "/say one two", stream=True, stream_options={"include_usage": True}))
    assert chunks[0].choices == [] and chunks[0].id == "", chunks[0]
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == "one two" and chunks[-1].usage.completion_tokens == 2, chunks

    try:
        ask(client, "/filter hate")
        raise SystemExit("a filtered prompt was answered")
    except openai.BadRequestError as error:
        assert error.code == "content_filter", error
        assert error.body["innererror"]["content_filter_result"]["hate"]["filtered"] is True, error
    try:
        ask(client, "Hi", model="echo+fault=429")
        raise SystemExit("429 was answered")
    except openai.RateLimitError as error:
        assert error.response.headers["retry-after-ms"] == "1000", error

assert current.responses.create(model="echo", input="/say So").output_text == "So"
assert len(by_deployment.embeddings.create(model="embed", input=["one"]).data) == 1

print("all as expected")
