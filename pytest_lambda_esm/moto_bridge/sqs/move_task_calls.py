"""Requests to start, list and cancel message move tasks, and what SQS refuses.

Seen with moto 5.1.9, 5.1.22, 5.2.0 and 5.2.5: moto has none of these operations. It finds an operation by the name of a
method, and both of its forms of a response class accept a text, or a status with headers and a text.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any, Final

from moto.sqs.models import sqs_backends
from moto.sqs.responses import SQSResponse

from pytest_lambda_esm.arn import Arn
from pytest_lambda_esm.moto_bridge.sqs.move_tasks import RUNNING, MoveTasks, queue_at
from pytest_lambda_esm.patching import Patches

_MISSING: Final = "ResourceNotFoundException"
_INVALID: Final = "InvalidParameterValue"
_FASTEST: Final = 500
_MOST_RESULTS: Final = 10


class Refused(Exception):
    """SQS refuses a request, with a code and a text."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


def install(patches: Patches, tasks: MoveTasks) -> None:
    """Answer the operations until the patches are undone."""
    calls = MoveTaskCalls(tasks)
    patches.set(SQSResponse, "start_message_move_task", _answering(calls.start))
    patches.set(SQSResponse, "list_message_move_tasks", _answering(calls.list))
    patches.set(SQSResponse, "cancel_message_move_task", _answering(calls.cancel))


def _answering(operation: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[Any], Any]:
    def answer(response: Any) -> Any:
        try:
            return json.dumps(operation(json.loads(response.body)))
        except Refused as refusal:
            # What SQS's old protocol calls the error is in a header, where botocore takes it from.
            headers = {"x-amzn-query-error": f"{refusal.code};Sender", "status": 400}
            body = {"__type": f"com.amazonaws.sqs#{refusal.code}", "message": str(refusal)}
            return 400, headers, json.dumps(body)

    return answer


class MoveTaskCalls:
    """The three operations: from the parameters of a request to the members of its response."""

    def __init__(self, tasks: MoveTasks) -> None:
        self._tasks = tasks

    def start(self, params: dict[str, Any]) -> dict[str, Any]:
        """Answer StartMessageMoveTask."""
        source_arn, destination_arn = params["SourceArn"], params.get("DestinationArn")
        rate = params.get("MaxNumberOfMessagesPerSecond")
        if rate is not None and not 1 <= rate <= _FASTEST:
            raise Refused(
                _INVALID,
                f"Value {rate} for parameter MaxNumberOfMessagesPerSecond is invalid. Reason: Must be between 1 and"
                f" {_FASTEST}, if provided.",
            )
        source = _existing(source_arn, "SourceArn")
        if not _is_dead_letter_queue(source_arn):
            raise Refused(_INVALID, "Source queue must be configured as a Dead Letter Queue.")
        if destination_arn == source_arn:
            raise Refused(_INVALID, "Source queue arn and destination queue arn cannot be the same.")
        if destination_arn and _existing(destination_arn, "DestinationArn").fifo_queue != source.fifo_queue:
            raise Refused(_INVALID, "Source queue and destination queue must be of the same type.")
        if any(task.status == RUNNING for task in self._tasks.of(source_arn)):
            raise Refused(
                _INVALID,
                "There is already a task running. Only one active task is allowed for a source queue arn at a given"
                " time.",
            )
        return {"TaskHandle": self._tasks.start(source_arn, destination_arn, rate).handle}

    def list(self, params: dict[str, Any]) -> dict[str, Any]:
        """Answer ListMessageMoveTasks: the latest task, or as many as MaxResults says."""
        source_arn, count = params["SourceArn"], params.get("MaxResults", 1)
        if not 1 <= count <= _MOST_RESULTS:
            raise Refused(
                _INVALID,
                f"Value {count} for parameter MaxResults is invalid. Reason: Must be between 1 and {_MOST_RESULTS}, if"
                " provided.",
            )
        _existing(source_arn, "SourceArn")
        return {"Results": [task.describe() for task in self._tasks.of(source_arn)[:count]]}

    def cancel(self, params: dict[str, Any]) -> dict[str, Any]:
        """Answer CancelMessageMoveTask."""
        try:
            handle = json.loads(base64.b64decode(params["TaskHandle"], validate=True))
            task_id, source_arn = str(handle["taskId"]), str(handle["sourceArn"])
        except (ValueError, KeyError, TypeError):
            raise Refused(_INVALID, "Value for parameter TaskHandle is invalid.") from None
        _existing(source_arn, "SourceArn")
        task = self._tasks.find(task_id)
        if task is None:
            raise Refused(_MISSING, "Task does not exist.")
        if task.status != RUNNING:
            raise Refused(_INVALID, "Only running tasks can be cancelled.")
        self._tasks.cancel(task)
        return {"ApproximateNumberOfMessagesMoved": task.moved}


def _existing(arn: str, parameter: str) -> Any:
    place = Arn.parse(arn)
    if place is None or place.service != "sqs" or not place.region or not place.account_id:
        raise Refused(
            _INVALID,
            f"You must use this format to specify the {parameter}:"
            " arn:<partition>:<service>:<region>:<account-id>:<resource-id>",
        )
    queue = queue_at(arn)
    if queue is None:
        raise Refused(_MISSING, f"The resource that you specified for the {parameter} parameter doesn't exist.")
    return queue


def _is_dead_letter_queue(arn: str) -> bool:
    place = Arn.parse(arn)
    queues = sqs_backends[place.account_id][place.region].queues.values() if place is not None else ()
    return any(queue.redrive_policy and queue.redrive_policy["deadLetterTargetArn"] == arn for queue in queues)
