"""The number of bytes of an event that a message counts for, compared with the event itself."""

import json

import pytest

from pytest_lambda_esm.sources.queue_ports import ReceivedMessage
from pytest_lambda_esm.sources.sqs import renderer, weight

TEXT = {"DataType": "String", "StringValue": "v" * 5_000}
BINARY = {"DataType": "Binary", "BinaryValue": b"\x00" * 5_000}


def record(body, attributes):
    message = ReceivedMessage(
        message_id="m" * 36,
        receipt_handle="r" * 168,
        body=body,
        md5_of_body="5" * 32,
        sent="1767225600000",
        first_received=1_767_225_600_000,
        receive_count=1,
        sender_id="AIDAIT2UOQQY3AUEKVGXU",
        message_attributes=attributes,
        md5_of_attributes=None,
        system_attributes={},
        depth=0,
    )
    render = renderer("arn:aws:sqs:eu-central-1:123456789012:orders", {"MaximumBatchingWindowInSeconds": 1})
    [rendered] = render([message])
    return rendered


@pytest.mark.parametrize(
    ("body", "attributes"),
    [
        ("", {}),
        ("x" * 1_000, {}),
        (json.dumps({"some": ["json", "with", "quotes"]}), {}),
        ("back\\slash", {}),
        ("line\nend and \x01", {}),
        ("é€𝄞" * 300, {}),
        ("x", {"name": TEXT}),
        ("x", {f"name {number}": TEXT for number in range(10)}),
        ("x", {"name": BINARY}),
    ],
    ids=["empty", "plain", "JSON", "backslash", "control", "not ASCII", "attribute", "ten attributes", "binary"],
)
def test_the_weight_is_about_the_size_of_the_record(body, attributes):
    exact = len(json.dumps(record(body, attributes), ensure_ascii=False, separators=(",", ":")).encode())
    assert exact <= weight(body, attributes) <= exact + 150 + 30 * len(attributes)
