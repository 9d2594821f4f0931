"""How many files of the package a reader opens to follow one action, and how often the path changes files.

``python -m benchmarks.paths`` runs four actions under ``sys.setprofile``. For each it prints how many files of the
package
were entered, and how often the path changed from one file to another, by calls and returns alike. Unlike times, these
numbers do not depend on the machine. ``-v`` lists the files.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import pytest_lambda_esm
from pytest_lambda_esm import FakeLambda

_PACKAGE = str(Path(pytest_lambda_esm.__file__).parent)
_ACCOUNT = "123456789012"
_REGION = "us-east-1"


@dataclass(slots=True)
class PathTaken:
    """The files that one action passed through."""

    files: set[str] = field(default_factory=set)
    changes: int = 0
    _now: str | None = None

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        if event == "call":
            self._enter(frame.f_code.co_filename)
        elif event == "return" and frame.f_back is not None:
            self._enter(frame.f_back.f_code.co_filename, returning=True)

    def _enter(self, file: str, returning: bool = False) -> None:
        if not file.startswith(_PACKAGE):
            return
        if file != self._now:
            self.changes += self._now is not None
            self._now = file
        if not returning:
            self.files.add(file)


@contextmanager
def _watched() -> Iterator[PathTaken]:
    path = PathTaken()
    sys.setprofile(path)
    try:
        yield path
    finally:
        sys.setprofile(None)


def start() -> PathTaken:
    fake = FakeLambda()
    with _watched() as path:
        fake.__enter__()
    fake.__exit__(None, None, None)
    return path


def create() -> PathTaken:
    with FakeLambda(advice="off") as fake:
        fake.function("f", lambda event, context: None)
        sqs, aws_lambda = fake.client("sqs"), fake.client("lambda")
        sqs.create_queue(QueueName="q")
        with _watched() as path:
            aws_lambda.create_event_source_mapping(
                EventSourceArn=f"arn:aws:sqs:{_REGION}:{_ACCOUNT}:q", FunctionName="f"
            )
    return path


def message() -> PathTaken:
    with FakeLambda(advice="off") as fake:
        fake.function("f", lambda event, context: None)
        sqs, aws_lambda = fake.client("sqs"), fake.client("lambda")
        url = sqs.create_queue(QueueName="q")["QueueUrl"]
        aws_lambda.create_event_source_mapping(EventSourceArn=f"arn:aws:sqs:{_REGION}:{_ACCOUNT}:q", FunctionName="f")
        fake.clock.run_until_idle()
        sqs.send_message(QueueUrl=url, MessageBody="1")
        with _watched() as path:
            fake.clock.run_until_idle()
    return path


def poison() -> PathTaken:
    def handler(event: Any, context: Any) -> None:
        if "poison" in [record["kinesis"]["partitionKey"] for record in event["Records"]]:
            raise ValueError("poison")

    with FakeLambda(advice="off") as fake:
        fake.function("f", handler)
        kinesis, sqs, aws_lambda = fake.client("kinesis"), fake.client("sqs"), fake.client("lambda")
        kinesis.create_stream(StreamName="s", ShardCount=1)
        sqs.create_queue(QueueName="failures")
        aws_lambda.create_event_source_mapping(
            EventSourceArn=f"arn:aws:kinesis:{_REGION}:{_ACCOUNT}:stream/s",
            FunctionName="f",
            StartingPosition="TRIM_HORIZON",
            BisectBatchOnFunctionError=True,
            MaximumRetryAttempts=1,
            DestinationConfig={"OnFailure": {"Destination": f"arn:aws:sqs:{_REGION}:{_ACCOUNT}:failures"}},
        )
        fake.clock.run_until_idle()
        for key in ("a", "poison", "b", "c"):
            kinesis.put_record(StreamName="s", Data=b"{}", PartitionKey=key)
        with _watched() as path:
            fake.clock.run_until_idle()
    return path


ACTIONS: dict[str, Callable[[], PathTaken]] = {
    "CreateEventSourceMapping": create,
    "a delivered SQS message": message,
    "a failing Kinesis batch": poison,
    "the start of a fake": start,
}


def main() -> None:
    for what, action in ACTIONS.items():
        action()  # The imports and caches of a first run are not part of the path.
        path = action()
        print(f"{what:<28} {len(path.files):>4} files {path.changes:>6} changes")
        if "-v" in sys.argv:
            print("   ", *sorted(str(Path(file).relative_to(_PACKAGE)) for file in path.files), sep="\n    ")


if __name__ == "__main__":
    main()
