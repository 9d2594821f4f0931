import json

import pytest

from pytest_lambda_esm.api.filter_advice import hopeless

NUMERIC = [{"numeric": [">", 10]}]
EXISTS = [{"exists": True}]


def found(pattern):
    return [each.path for each in hopeless(json.dumps(pattern))]


def image(value, key="NewImage"):
    return {"dynamodb": {key: value}}


@pytest.mark.parametrize("key", ["NewImage", "OldImage", "Keys"])
@pytest.mark.parametrize("values", [NUMERIC, [20], [20, *NUMERIC]])
def test_numbers_are_strings_in_a_table(key, values):
    assert found(image({"price": {"N": values}}, key)) == [f"dynamodb.{key}.price.N"]


@pytest.mark.parametrize("value", [{"M": {"net": {"N": NUMERIC}}}, {"M": {"net": EXISTS}}])
def test_inside_of_maps(value):
    assert len(found(image({"price": value}))) == 1


def test_exists_matches_leaves_only():
    assert found(image({"price": EXISTS})) == ["dynamodb.NewImage.price"]


def test_each_alternative_is_read():
    assert len(found({"dynamodb": {"$or": [{"NewImage": {"a": {"N": [1]}}}, {"Keys": {"b": EXISTS}}]}})) == 2


@pytest.mark.parametrize(
    "pattern",
    [
        image({"price": {"N": ["20"]}}),
        image({"price": {"N": ["20", *NUMERIC]}}),
        image({"price": {"N": EXISTS}}),
        image({"price": {"S": [{"prefix": "a"}]}}),
        image({"price": [{"exists": False}]}),
        image({"N": {"S": ["a"]}}),
        {"eventName": ["INSERT"]},
        {"dynamodb": {"SizeBytes": NUMERIC}},
        {"dynamodb": {"ApproximateCreationDateTime": [1]}},
    ],
)
def test_patterns_that_can_match(pattern):
    assert found(pattern) == []


def test_an_attribute_with_the_name_of_a_type():
    assert found(image({"N": {"N": [1]}})) == ["dynamodb.NewImage.N.N"]
