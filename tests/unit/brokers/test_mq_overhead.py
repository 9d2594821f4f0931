"""What a poller counts for a message, without weighing it, is never less than its record takes in an event."""

from datetime import datetime, timezone

import pytest

from pytest_lambda_esm import FakeLambda
from pytest_lambda_esm.sources.mq_records import KINDS, weight

TEXTS = ["", "a", "\x00\x1f", "é" * 20, "日本", "👩\u200d💻" * 5, '"\\"', "x" * 1000]
LAST_SECOND = datetime(2026, 12, 30, 12, 59, 59, tzinfo=timezone.utc)
DEEP = {"list": [1, {"more": "é", "bytes": bytes(range(256))}], "at": LAST_SECOND}
TINY = 1.5e-300
SENT = [
    *(("ActiveMQ", text, {"correlation_id": text, "type": text, text or "n": text}) for text in TEXTS),
    *(("RabbitMQ", text, {"headers": {text: text}, "app_id": text, "content_type": text}) for text in TEXTS),
    ("ActiveMQ", b"\x00" * 1001, {"priority": 9, "delivery_mode": 1, "expiration": 10**15, "size": TINY, "flag": True}),
    ("RabbitMQ", b"", {"headers": DEEP, "timestamp": 253402300799, "expiration": "9" * 15, "priority": 255}),
    ("RabbitMQ", "x", {"headers": {"big": 10**300, "small": -TINY, "none": None, "flag": False}}),
]


@pytest.mark.parametrize("redelivered", [False, True])
def test_it_is_never_too_little(redelivered):
    with FakeLambda() as fake:
        for number, (engine, body, properties) in enumerate(SENT):
            queue = fake.mq(f"broker-{engine}", engine=engine).queue(f"queue-{number}")
            queue.send(body, **properties)
            [message] = queue.messages
            if redelivered:
                queue.take()
                [message] = queue.note_failure([message])
            size = weight(KINDS[engine].record(queue, message, 10**18))
            most = message.overhead + 12 * len(queue.name) + (len(message.body) + 2) // 3 * 4
            assert size <= most, (engine, body, properties)


def test_it_is_close_for_an_ordinary_message():
    with FakeLambda() as fake:
        queue = fake.mq("main").queue("orders")
        queue.send('{"order": 7}', visitor="visitor-7")
        [message] = queue.messages
        assert message.overhead < 1.6 * weight(KINDS["ActiveMQ"].record(queue, message, 10**15))
