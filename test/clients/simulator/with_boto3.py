"""Drives the simulator with AWS's own package, signed; prints one line when all was as expected."""

import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, EventStreamError

client = boto3.client(
    "bedrock-runtime",
    region_name="us-east-1",
    endpoint_url=f"{sys.argv[1]}/bedrock",
    aws_access_key_id="AKIASIMULATED",
    aws_secret_access_key="simulated-secret-access-key",
    config=Config(retries={"total_max_attempts": 1}),
)
CLAUDE = "us.anthropic.claude-echo-v1:0"


def ask(text, model=CLAUDE, call=client.converse, **more):
    return call(modelId=model, messages=[{"role": "user", "content": [{"text": text}]}], **more)


answer = ask("/say Grüße 👋", inferenceConfig={"maxTokens": 100})
assert answer["output"]["message"]["content"] == [{"text": "Grüße 👋"}], answer
assert answer["stopReason"] == "end_turn" and answer["usage"]["outputTokens"] == 2, answer

events = list(ask("/say one two", call=client.converse_stream)["stream"])
text = "".join(event["contentBlockDelta"]["delta"]["text"] for event in events if "contentBlockDelta" in event)
assert text == "one two" and "metadata" in events[-1] and "messageStop" in events[-2], events

tool = {"toolSpec": {"name": "weather", "inputSchema": {"json": {"type": "object", "properties": {"a": {"type": "integer"}}}}}}
called = ask("Weather?", toolConfig={"tools": [tool]})
call = called["output"]["message"]["content"][0]["toolUse"]
assert call["name"] == "weather" and called["stopReason"] == "tool_use", called
result = {"toolResult": {"toolUseId": call["toolUseId"], "content": [{"json": {"sunny": True}}]}}
more = [{"role": "user", "content": [{"text": "Weather?"}]}, called["output"]["message"], {"role": "user", "content": [result]}]
again = client.converse(modelId=CLAUDE, messages=more, toolConfig={"tools": [tool]})
assert "sunny" in again["output"]["message"]["content"][0]["text"], again

thought = ask("Hi", inferenceConfig={"maxTokens": 4000}, additionalModelRequestFields={"thinking": {"type": "enabled", "budget_tokens": 1024}})
assert thought["output"]["message"]["content"][0]["reasoningContent"]["reasoningText"]["signature"], thought

for model, code in [("nobody", "ValidationException"), ("anthropic.claude-echo+fault=429", "ThrottlingException")]:
    try:
        ask("Hi", model)
        raise SystemExit(f"{model} was answered")
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error.response
try:
    list(ask("/words 20", "anthropic.claude-echo+fault=error-event", client.converse_stream)["stream"])
    raise SystemExit("a broken stream ended well")
except EventStreamError as error:
    assert "modelStreamErrorException" in str(error), error

print("all as expected")
