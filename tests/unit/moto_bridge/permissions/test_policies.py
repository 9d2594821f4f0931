"""What policy documents allow, deny, and leave unknown."""

import json

import pytest

from pytest_lambda_esm.moto_bridge.permissions.places import Access
from pytest_lambda_esm.moto_bridge.permissions.policies import Caller, judge

TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table/orders"
PUT = Access("dynamodb:PutItem", TABLE)
KEYS = (("aws:SourceArn", "arn:aws:sns:us-east-1:123456789012:news"), ("aws:SourceAccount", None))
ROLE = Caller(frozenset(), KEYS)
SNS = Caller(frozenset({"sns.amazonaws.com"}), KEYS)


def verdict(*statements, caller=ROLE, access=PUT):
    document = json.dumps({"Statement": list(statements) if len(statements) != 1 else statements[0]})
    return judge((document,), access, caller)


def statement(action="dynamodb:*", resource="*", effect="Allow", **more):
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


JUDGED = [
    ("the exact action and resource", [statement("dynamodb:PutItem", TABLE)], "allowed"),
    ("lists", [statement(["s3:*", "dynamodb:Put*"], ["x", TABLE])], "allowed"),
    ("actions in any case", [statement("DynamoDB:putitem")], "allowed"),
    ("an asterisk in the resource", [statement(resource="arn:aws:dynamodb:*:*:table/ord*")], "allowed"),
    ("a question mark in the resource", [statement(resource=TABLE[:-1] + "?")], "allowed"),
    ("a question mark in the action", [statement("dynamodb:Put?tem")], "allowed"),
    ("a question mark for two characters", [statement(resource=TABLE[:-2] + "?")], "not allowed"),
    ("a dot, which stands for itself", [statement(resource=TABLE.replace("orders", "order."))], "not allowed"),
    ("resources by case", [statement(resource=TABLE.upper())], "not allowed"),
    ("another action", [statement("dynamodb:GetItem")], "not allowed"),
    ("another resource", [statement(resource=f"{TABLE}2")], "not allowed"),
    ("NotAction", [{"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}], "allowed"),
    ("NotAction with the action", [{"Effect": "Allow", "NotAction": "dynamodb:*", "Resource": "*"}], "not allowed"),
    ("a denial", [statement(), statement(effect="Deny")], "denied"),
    ("a denial of something else", [statement(), statement("dynamodb:GetItem", effect="Deny")], "allowed"),
    ("NotResource", [{"Effect": "Allow", "Action": "*", "NotResource": TABLE}], "unknown"),
    ("NotResource of another action", [{"Effect": "Allow", "Action": "s3:*", "NotResource": "x"}], "not allowed"),
    ("a denial that nobody can judge", [statement(), {"Effect": "Deny", "Action": "*", "NotResource": "x"}], "unknown"),
    ("a policy variable", [statement(resource="arn:aws:dynamodb:*:*:table/${aws:PrincipalTag/t}")], "unknown"),
    ("a condition that holds", [statement(Condition={"ArnLike": {"AWS:SourceArn": "arn:aws:sns:*:*:n*"}})], "allowed"),
    ("a condition that does not", [statement(Condition={"StringEquals": {"aws:SourceArn": "x"}})], "not allowed"),
    ("one of several values", [statement(Condition={"ArnEquals": {"aws:SourceArn": ["x", "*:news"]}})], "allowed"),
    ("a negated condition", [statement(Condition={"StringNotEquals": {"aws:SourceArn": "x"}})], "allowed"),
    ("a negated one that fails", [statement(Condition={"ArnNotLike": {"aws:SourceArn": "*:news"}})], "not allowed"),
    ("an absent key", [statement(Condition={"StringEquals": {"aws:SourceAccount": "1"}})], "not allowed"),
    ("an absent key, IfExists", [statement(Condition={"StringEqualsIfExists": {"aws:SourceAccount": "1"}})], "allowed"),
    ("an unknown key", [statement(Condition={"StringEquals": {"aws:PrincipalTag/t": "x"}})], "unknown"),
    ("an unknown operator", [statement(Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}})], "unknown"),
    (
        "an unknown and a false test",
        [statement(Condition={"StringEquals": {"aws:x": "1", "aws:SourceArn": "x"}})],
        "not allowed",
    ),
    ("an allowance next to an unknown one", [statement(), statement(Condition={"Null": {"aws:x": "true"}})], "allowed"),
    (
        "a denial whose condition does not hold",
        [statement(), statement(effect="Deny", Condition={"ArnEquals": {"aws:SourceArn": "x"}})],
        "allowed",
    ),
    ("nothing", [statement("s3:*"), statement("sqs:*")], "not allowed"),
]


@pytest.mark.parametrize(("statements", "outcome"), [row[1:] for row in JUDGED], ids=[row[0] for row in JUDGED])
def test_statements(statements, outcome):
    assert verdict(*statements).outcome == outcome


def test_an_unknown_verdict_says_why():
    found = verdict(statement(Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}))
    assert found.reason == "the condition IpAddress aws:SourceIp cannot be judged"
    assert verdict({"Effect": "Allow", "Action": "*", "NotResource": "x"}).reason == "a statement has NotResource"


@pytest.mark.parametrize("document", ["", "[]", "{}", "not JSON"])
def test_what_is_not_a_policy_allows_nothing_for_certain(document):
    assert judge((document,), PUT, ROLE).outcome == "unknown"


@pytest.mark.parametrize(
    ("principal", "outcome"),
    [
        ({"Principal": {"Service": "sns.amazonaws.com"}}, "allowed"),
        ({"Principal": {"Service": ["s3.amazonaws.com", "sns.amazonaws.com"]}}, "allowed"),
        ({"Principal": "*"}, "allowed"),
        ({"Principal": {"AWS": "*"}}, "allowed"),
        ({"Principal": {"Service": "s3.amazonaws.com"}}, "not allowed"),
        ({}, "not allowed"),
        ({"NotPrincipal": {"AWS": "arn:aws:iam::123456789012:root"}}, "unknown"),
    ],
)
def test_principals_of_a_resources_policy(principal, outcome):
    assert verdict(statement(**principal), caller=SNS).outcome == outcome


def test_a_trust_policy_has_no_resource():
    trust = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sts:AssumeRole"}
    assert verdict(trust, caller=SNS, access=Access("sts:AssumeRole", "arn:aws:iam::1:role/x")).outcome == "allowed"
