import pytest

from pytest_lambda_esm.arn import parse

FORMS = [
    ("f", ("123456789012", "us-east-1", "f", None)),
    ("f:live", ("123456789012", "us-east-1", "f", "live")),
    ("f:$LATEST", ("123456789012", "us-east-1", "f", "$LATEST")),
    ("function:f", ("123456789012", "us-east-1", "f", None)),
    ("111122223333:function:f", ("111122223333", "us-east-1", "f", None)),
    ("111122223333:f:7", ("111122223333", "us-east-1", "f", "7")),
    ("eu-west-1:111122223333:function:f", ("111122223333", "eu-west-1", "f", None)),
    ("arn:aws:lambda:eu-west-1:111122223333:function:f", ("111122223333", "eu-west-1", "f", None)),
    ("arn:aws:lambda:eu-west-1:111122223333:function:f:live", ("111122223333", "eu-west-1", "f", "live")),
    ("arn:aws:lambda:us-east-1:123456789012:function", ("123456789012", "us-east-1", "function", None)),
]


@pytest.mark.parametrize(("text", "expected"), FORMS, ids=[text for text, _ in FORMS])
def test_every_form_of_a_name(text, expected):
    found = parse(text, "123456789012", "us-east-1")
    assert (found.account_id, found.region, found.name, found.qualifier) == expected


@pytest.mark.parametrize(
    ("text", "region", "foreign"),
    [
        ("f", "cn-north-1", False),
        ("arn:aws-cn:lambda:cn-north-1:123456789012:function:f", "cn-north-1", False),
        ("arn:aws-cn:lambda:us-east-1:123456789012:function:f", "us-east-1", True),
        ("arn:aws:lambda:us-gov-west-1:123456789012:function:f", "us-gov-west-1", True),
    ],
)
def test_an_arn_of_another_partition_is_foreign(text, region, foreign):
    assert parse(text, "123456789012", region).foreign is foreign


def test_the_arn_keeps_the_qualifier_as_given():
    assert parse("f", "1" * 12, "us-east-1").arn == "arn:aws:lambda:us-east-1:111111111111:function:f"
    assert parse("f:$LATEST", "1" * 12, "us-east-1").arn.endswith(":function:f:$LATEST")
