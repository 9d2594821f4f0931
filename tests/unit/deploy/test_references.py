import pytest

pytest.importorskip("yaml")

from pytest_lambda_esm.deploy import references


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"Ref": "A"}, "a"),
        ({"Ref": "B"}, {"Ref": "B"}),
        ({"Fn::GetAtt": ["A", "Arn"]}, "a.Arn"),
        ({"Fn::Sub": "${A}-${A.Arn}-${B}-${!A}"}, {"Fn::Sub": "a-a.Arn-${B}-${!A}"}),
        ({"Fn::Sub": ["${A}${C}", {"C": {"Ref": "A"}}]}, {"Fn::Sub": ["a${C}", {"C": "a"}]}),
        ({"Fn::Sub": ["${A}", {"A": 1}]}, {"Fn::Sub": ["${A}", {"A": 1}]}),
        ({"Type": "T", "DependsOn": ["A", "B"]}, {"Type": "T", "DependsOn": ["B"]}),
        ({"Type": "T", "DependsOn": "A"}, {"Type": "T"}),
        ([{"Ref": "A"}], ["a"]),
    ],
)
def test_references_to_what_is_left_out_are_texts(given, expected):
    assert references.without(given, {"A": "a"}) == expected


def test_attributes_are_lists_of_two():
    given = [{"Fn::GetAtt": "N.Outputs.A"}, {"Fn::GetAtt": ["N", "Outputs", "A"]}]
    assert references.normalised(given) == [{"Fn::GetAtt": ["N", "Outputs.A"]}] * 2
