"""Calls a running gateway with classes generated from the contract; prints one line when all was as expected.

Arguments: address of the gateway, folder of docs/clients, file with the fold's vectors.
"""

import json
import sys
import threading
import time

import grpc
from google.protobuf import json_format
from google.rpc import error_details_pb2, status_pb2
from trunkline.v1 import chat_pb2, chat_pb2_grpc, embeddings_pb2, embeddings_pb2_grpc, message_pb2, models_pb2
from trunkline.v1 import models_pb2_grpc

address, clients, vectors = sys.argv[1:]
sys.path.insert(0, clients)
from fold import fold  # noqa: E402

channel = grpc.insecure_channel(address)
chat = chat_pb2_grpc.ChatServiceStub(channel)


def ask(text, model="simulator/echo", **more):
    part = message_pb2.Part(text=text)
    message = message_pb2.ChatMessage(role=message_pb2.ROLE_USER, parts=[part])
    return chat_pb2.ChatRequest(model=model, messages=[message], **more)


def stream(request, timeout=20):
    return chat.StreamChat(chat_pb2.StreamChatRequest(request=request), timeout=timeout)


def text_of(response):
    return "".join(part.text for part in response.choices[0].message.parts)


def failure(call):
    """Status, reason and details of a call that must fail."""
    try:
        call()
    except grpc.RpcError as error:
        packed = dict(error.trailing_metadata()).get("grpc-status-details-bin", b"")
        reasons, details = [], []
        for detail in status_pb2.Status.FromString(packed).details:
            for kind in (error_details_pb2.ErrorInfo, error_details_pb2.RetryInfo, error_details_pb2.BadRequest):
                message = kind()
                if detail.Unpack(message):
                    details.append(message)
                    reasons += [message.reason] if kind is error_details_pb2.ErrorInfo else []
        return error.code(), reasons, details
    raise SystemExit("the call was answered")


def check_stream():
    text = ""
    for r in stream(ask("/say Grüße, 世界 👋")):
        if r.WhichOneof("event") == "text_delta":
            text += r.text_delta
    assert text == "Grüße, 世界 👋", text


def check_structured_answer():
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string"}, "degrees": {"type": "integer"}},
        "required": ["city", "degrees"],
        "additionalProperties": False,
    }
    for model in ("simulator/echo", "simulator-anthropic/claude-echo"):
        wanted = chat_pb2.ResponseFormat(json_schema=chat_pb2.JsonSchemaFormat(name="weather", schema=json.dumps(schema)))
        answer = json.loads(text_of(chat.Chat(ask("The weather, please.", model, response_format=wanted), timeout=20)))
        assert isinstance(answer["city"], str) and isinstance(answer["degrees"], int), answer


def check_fold_and_cost():
    for model in ("simulator/reasoner", "simulator-anthropic/claude-reasoner"):
        request = ask("/say one two three", model)
        folded, whole = fold(stream(request)), chat.Chat(request, timeout=20)
        assert folded.choices[0].message == whole.choices[0].message, (folded, whole)
        assert folded.usage == whole.usage and whole.usage.output_tokens >= 3, (folded.usage, whole.usage)
        cost = whole.usage.cost_nano_usd if whole.usage.HasField("cost_nano_usd") else None
        assert cost is None, cost
    for vector in json.load(open(vectors, encoding="utf-8")):
        events = [json_format.ParseDict(event, chat_pb2.StreamChatResponse()) for event in vector["events"]]
        if vector["response"] is None:
            try:
                fold(events)
                raise SystemExit(f"{vector['name']} was folded")
            except EOFError:
                continue
        expected = json_format.ParseDict(vector["response"], chat_pb2.ChatResponse())
        assert fold(events) == expected, vector["name"]


def check_errors():
    code, reasons, details = failure(lambda: chat.Chat(ask("Hi", "simulator/echo+fault=429,seconds=7"), timeout=20))
    assert (code, reasons) == (grpc.StatusCode.RESOURCE_EXHAUSTED, ["RATE_LIMIT_EXCEEDED"]), (code, reasons)
    assert [d.retry_delay.seconds for d in details if isinstance(d, error_details_pb2.RetryInfo)] == [7], details
    code, reasons, details = failure(lambda: chat.Chat(ask("Hi", temperature=9), timeout=20))
    assert (code, reasons) == (grpc.StatusCode.INVALID_ARGUMENT, ["INVALID_VALUE"]), (code, reasons)
    violations = [d.field_violations[0].field for d in details if isinstance(d, error_details_pb2.BadRequest)]
    assert violations == ["temperature"], violations
    heard = []
    cut = ask("/say a b c d", "simulator/echo+fault=cut,after=2")
    code, reasons, _ = failure(lambda: heard.extend(event.text_delta for event in stream(cut)))
    assert (code, reasons, "".join(heard)) == (grpc.StatusCode.DATA_LOSS, ["UPSTREAM_CUT"], "a b"), (code, heard)
    nothing = channel.unary_unary("/trunkline.v1.ChatService/Nothing")
    assert failure(lambda: nothing(b"", timeout=20))[0] == grpc.StatusCode.UNIMPLEMENTED


def check_deadline_and_cancel():
    stalled = ask("/words 9", "simulator/echo+fault=stall")
    began = time.monotonic()
    assert failure(lambda: list(stream(stalled, timeout=0.3)))[0] == grpc.StatusCode.DEADLINE_EXCEEDED
    assert time.monotonic() - began < 5
    call = stream(stalled)
    next(call)
    threading.Timer(0.1, call.cancel).start()
    assert failure(lambda: list(call))[0] == grpc.StatusCode.CANCELLED


def check_the_rest():
    counted = chat.CountTokens(chat_pb2.CountTokensRequest(request=ask("Hi", "simulator-anthropic/claude-echo")))
    assert counted.exact and counted.input_tokens > 0, counted
    inputs = [embeddings_pb2.EmbedInput(text=text) for text in ("one", "two")]
    embeddings = embeddings_pb2_grpc.EmbeddingsServiceStub(channel)
    vectors = embeddings.Embed(embeddings_pb2.EmbedRequest(model="simulator/embed", inputs=inputs, dimensions=8))
    assert [len(one.floats) for one in vectors.embeddings] == [8, 8], vectors
    listed = models_pb2_grpc.ModelsServiceStub(channel).ListModels(models_pb2.ListModelsRequest())
    names = [model.name for model in listed.models]
    assert "simulator/echo" in names, names


check_stream()
check_structured_answer()
check_fold_and_cost()
check_errors()
check_deadline_and_cancel()
check_the_rest()
print("all as expected")
