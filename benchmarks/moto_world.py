"""The benchmarks' preparations in moto: queues, waiting messages, a function."""

from __future__ import annotations

import io
import json
import uuid
import zipfile
from collections.abc import Callable, Sized
from typing import Any

from moto.sqs.models import Message, sqs_backends

ACCOUNT = "123456789012"
REGION = "us-east-1"
WITHOUT_DOCKER: Any = {"lambda": {"use_docker": False}}
"""How moto's Lambda answers at once. Otherwise it asks for Docker whenever a message reaches a mapping, and warns."""


def make_queue(sqs: Any, name: str) -> str:
    """Create a queue through the API, and return its ARN."""
    sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "30"})
    return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"


def fill_queue(name: str, count: int) -> list[Message]:
    """Put waiting messages in a queue.

    They go into moto's storage directly: sending through the API costs time that grows with the depth of the queue,
    which is not what these benchmarks measure.
    """
    queue = sqs_backends[ACCOUNT][REGION].queues[name]
    messages = []
    for number in range(count):
        message = Message(str(uuid.uuid4()), json.dumps({"order": number}))
        message.mark_sent(delay_seconds=0)
        queue.add_message(message)
        messages.append(message)
    return messages


def make_function(aws_lambda: Any, iam: Any, name: str) -> None:
    """Create a function as a user of plain moto has to: with a role and an archive."""
    role = iam.create_role(RoleName=f"{name}-role", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr("app.py", "def handler(event, context):\n    return None\n")
    aws_lambda.create_function(
        FunctionName=name,
        Runtime="python3.12",
        Role=role,
        Handler="app.handler",
        Code={"ZipFile": archive.getvalue()},
    )


class RecordCounter:
    """A trivial handler. It counts the records: a benchmark that delivers nothing must not look fast.

    ``records_of`` returns the records of an event.
    """

    def __init__(self, records_of: Callable[[dict[str, Any]], Sized]) -> None:
        self._records_of = records_of
        self.records = 0

    def __call__(self, event: dict[str, Any], context: object) -> None:
        self.records += len(self._records_of(event))

    def check(self, expected: int) -> None:
        """End the benchmark if not all records have arrived."""
        if self.records != expected:
            raise SystemExit(f"{self.records} of {expected} records reached the handler; the numbers mean nothing")
