"""What clients get of the messages that they receive: the attributes they ask for.

Seen with moto 5.1.9, 5.1.22, 5.2.0 and 5.2.5. moto does not know ``*`` as the name of all message attributes, before
5.2 no prefixes either, and it never answers where a dead letter came from. Up to 5.1.9 an answer is a JSON text, later
an object that keeps the answer in ``result``.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from typing import Any, Final

from moto.sqs.responses import SQSResponse

from pytest_lambda_esm.moto_bridge.sqs.messages import table_of
from pytest_lambda_esm.patching import Patches, original_of

_ALL: Final = frozenset({"All", "*", ".*"})
_SOURCE: Final = "DeadLetterQueueSourceArn"


def with_attributes(message: Any, names: Sequence[str]) -> Any:
    """Return a copy of a message with only those message attributes that a client asks for.

    ``names`` are names, prefixes such as ``order.*``, or one of the names for all: ``All``, ``.*``, ``*``.
    """
    response = copy.copy(message)
    if _ALL.isdisjoint(names):
        prefixes = tuple(name[:-2] for name in names if name.endswith(".*"))
        response.message_attributes = {
            name: value
            for name, value in message.message_attributes.items()
            if name in names or name.startswith(prefixes)
        }
    return response


def install(patches: Patches) -> None:
    """Answer the source of dead letters to clients that ask for it or for all attributes."""
    receive_message = original_of(SQSResponse, "receive_message")

    def receive_with_source(self: Any) -> Any:
        answer = receive_message(self)
        names = {*_names(self, "AttributeNames"), *_names(self, "MessageSystemAttributeNames")}
        if names.isdisjoint({"All", _SOURCE}):
            return answer
        if isinstance(answer, str):
            if not answer.startswith("{"):
                return answer  # XML, which no supported botocore asks for.
            content = json.loads(answer)
            _add_sources(self, content)
            return json.dumps(content)
        if hasattr(answer, "result"):
            _add_sources(self, answer.result)
        return answer

    patches.set(SQSResponse, "receive_message", receive_with_source)


def _names(response: Any, parameter: str) -> Sequence[str]:
    names = response._get_param(parameter)
    return names if isinstance(names, list) else ()


def _add_sources(response: Any, content: dict[str, Any]) -> None:
    table = table_of(response.sqs_backend.get_queue(response._get_queue_name()))
    for received in content.get("Messages", ()):
        message = table.get(received["MessageId"])
        if message is not None and message.lambda_esm_dead_letter_source is not None:
            received.setdefault("Attributes", {})[_SOURCE] = message.lambda_esm_dead_letter_source
