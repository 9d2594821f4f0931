"""What resources of a template refer to, and the order that follows from it."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_lambda_esm.moto_bridge.stacks.order import in_order, references


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ({"Ref": "A"}, ["A"]),
        ({"Fn::GetAtt": ["A", "Arn"]}, ["A"]),
        ({"Fn::GetAtt": "A.Arn"}, ["A"]),
        ({"Fn::Sub": "${A}-${B.Arn}-${!C}-$D-${AWS::Region}"}, ["A", "B", "AWS::Region"]),
        ({"Fn::Sub": ["${own}-${A}", {"own": {"Ref": "B"}}]}, ["A", "B"]),
        ({"Fn::Join": ["", ["x", {"Ref": "A"}]]}, ["A"]),
        ({"Fn::If": ["Condition", {"Ref": "A"}, {"Ref": "AWS::NoValue"}]}, ["A", "AWS::NoValue"]),
        ({"Ref": ["A"]}, []),
        ("${A}", []),
    ],
)
def test_references(value: Any, names: list[str]) -> None:
    assert list(references({"Properties": {"Name": [value]}})) == names


@pytest.mark.parametrize("stated", ["A", ["A"]])
def test_depends_on_is_a_reference(stated: Any) -> None:
    assert list(references({"DependsOn": stated})) == ["A"]


def test_each_resource_follows_those_that_it_needs() -> None:
    resources = {"A": {"DependsOn": ["B"]}, "B": {"Properties": {"x": {"Ref": "C"}}}, "C": {}, "D": {}}
    assert [name for name in in_order(resources) if name != "D"] == ["C", "B", "A"]


def test_names_of_parameters_are_known() -> None:
    resources = {"A": {"Properties": {"x": {"Ref": "Stage"}}}}
    assert in_order(resources, {"Stage"}) == ["A"]
    with pytest.raises(ValueError, match=r"Unresolved resource dependencies \[Stage\]"):
        in_order(resources)


def test_a_resource_that_refers_to_itself_is_a_circle() -> None:
    with pytest.raises(ValueError, match=r"Circular dependency between resources: \[A\]"):
        in_order({"A": {"Properties": {"x": {"Ref": "A"}}}})
