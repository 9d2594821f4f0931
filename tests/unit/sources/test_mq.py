"""Amazon MQ's logins, and the records of both engines where conformance rows do not show them."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

import pytest

from helpers.mq import ARN, ENGINES, memory_brokers
from helpers.simulation import START
from pytest_lambda_esm.clock.virtual import EventClock
from pytest_lambda_esm.sources.mq import AUTHENTICATION, access, login_problem
from pytest_lambda_esm.sources.mq_records import KINDS, weight

LOGIN = {"username": "admin", "password": "secret"}


@pytest.mark.parametrize(
    ("login", "users", "works"),
    [
        (LOGIN, None, True),
        (LOGIN, ["other", "admin"], True),
        (LOGIN, ["other"], False),
        (LOGIN, [], False),
        ({}, None, False),
        ({"username": "admin"}, None, False),
        ({"password": "secret"}, None, False),
    ],
)
def test_logins(login: dict[str, str], users: list[str] | None, works: bool) -> None:
    assert login_problem("arn", login, users) == (None if works else AUTHENTICATION)


def test_a_secret_that_cannot_be_read_is_named() -> None:
    problem = login_problem("arn:of:the:secret", None, None)
    assert problem is not None
    assert problem[0] == "EVENT_SOURCE_AUTHN_ERROR"
    assert "secret manager value arn:of:the:secret." in problem[1]


def test_access_configurations_by_type() -> None:
    settings = {"SourceAccessConfigurations": [{"Type": "VIRTUAL_HOST", "URI": "/shop"}]}
    assert (access(settings, "VIRTUAL_HOST"), access(settings, "BASIC_AUTH")) == ("/shop", None)
    assert access({}, "BASIC_AUTH") is None


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 1, 9, 0, 5, 7, tzinfo=timezone.utc), "Jan 9, 2026, 12:05:07 AM"),
        (datetime(2026, 12, 31, 12, 0, 0, tzinfo=timezone.utc), "Dec 31, 2026, 12:00:00 PM"),
        (datetime(2026, 5, 31, 23, 59, 59, tzinfo=timezone.utc), "May 31, 2026, 11:59:59 PM"),
        (datetime(2026, 5, 31, 1, 0, 0, tzinfo=timezone(timedelta(hours=2))), "May 30, 2026, 11:00:00 PM"),
    ],
)
def test_times_of_rabbitmq_are_texts(moment: datetime, text: str) -> None:
    queue = memory_brokers(EventClock(START)).find(ARN, "RabbitMQ").queue("orders")
    queue.send("x", timestamp=moment, headers={"at": moment})
    record = KINDS["RabbitMQ"].record(queue, queue.messages[0], 0)
    assert record["basicProperties"]["timestamp"] == text
    assert record["basicProperties"]["headers"] == {"at": text}


@pytest.mark.parametrize("engine", ENGINES)
def test_the_weight_of_records_is_the_size_of_the_event(engine: str) -> None:
    queue = memory_brokers(EventClock(START)).find(ARN, engine).queue("orders")
    for body in ("1", "ä" * 100, b"\x00\xff"):
        queue.send(body, correlation_id="ü")
    kind = KINDS[engine]
    records = [kind.record(queue, message, 0) for message in queue.messages]
    empty = len(json.dumps(kind.event(ARN, queue, [])))
    assert len(json.dumps(kind.event(ARN, queue, records))) == empty + sum(map(weight, records)) - len(", ")
