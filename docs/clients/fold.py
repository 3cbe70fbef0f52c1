"""Folds the events of StreamChat into the ChatResponse that Chat would have returned.

Needs the classes generated from proto/ and the protobuf package. Shared vectors: proto/testdata/fold.json.
"""

from trunkline.v1 import chat_pb2, message_pb2


def fold(events):
    """Returns the whole answer. Raises EOFError when the stream ended without `completed`: it failed then."""
    answer, choices, done = chat_pb2.ChatResponse(), {}, False
    for event in events:
        case = event.WhichOneof("event")
        if case is None or case == "heartbeat":
            continue
        value = getattr(event, case)
        if case == "started":
            for field, content in value.ListFields():
                _set(answer, field, content)
        elif case in ("usage",):
            answer.usage.CopyFrom(value)
        elif case == "notice":
            answer.notices.add().CopyFrom(value)
        elif case == "moderation":
            answer.moderation.add().CopyFrom(value)
        elif case == "completed":
            done = True
            if value.moderation:
                del answer.moderation[:]
            for field, content in value.ListFields():
                _set(answer, field, content)
        else:
            choice = choices.setdefault(event.choice, chat_pb2.Choice(index=event.choice))
            choice.message.role = message_pb2.ROLE_ASSISTANT
            choice.logprobs.extend(event.logprobs)
            if case == "finished":
                choice.finish_reason, choice.native_finish_reason = value.reason, value.native
                choice.finish_message = value.message
                choice.safety_ratings.extend(value.safety_ratings)
                if value.HasField("stop_sequence"):
                    choice.stop_sequence = value.stop_sequence
            else:
                while len(choice.message.parts) <= event.part:
                    choice.message.parts.add()
                _fold_part(choice.message.parts[event.part], case, value)
    if not done:
        raise EOFError("the stream ended before it was complete")
    answer.choices.extend(choices[index] for index in sorted(choices))
    return answer


def _fold_part(part, case, value):
    kind = part.WhichOneof("kind")
    if case == "text_delta":
        part.text += value
    elif case in ("reasoning_delta", "refusal_delta"):
        getattr(part, case.removesuffix("_delta")).text += value
    elif case == "arguments_delta":
        part.tool_call.arguments += value
    elif case == "transcript_delta":
        part.audio.transcript += value
    elif case == "media_delta":
        getattr(part, kind).media.data += value
    elif case == "annotation":
        part.annotations.add().CopyFrom(value)
    elif case == "part_started":
        part.CopyFrom(value.part)
    elif case == "part_finished":
        if value.HasField("proof"):
            part.proof.CopyFrom(value.proof)
        part.status = value.status or part.status
        if kind in ("image", "audio") and value.media_type:
            getattr(part, kind).media.media_type = value.media_type
        if kind == "audio" and value.HasField("expires_at"):
            part.audio.expires_at.CopyFrom(value.expires_at)


def _set(message, field, content):
    """Copies one set field of `started` or `completed` to the field of the same name."""
    if field.message_type and field.message_type.GetOptions().map_entry:
        getattr(message, field.name).update(content)
    elif field.is_repeated:
        getattr(message, field.name).extend(content)
    elif field.message_type:
        getattr(message, field.name).CopyFrom(content)
    else:
        setattr(message, field.name, content)
