import pytest

pytest.importorskip("yaml")

from pytest_lambda_esm.deploy import syntax


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("!Ref Queue", {"Ref": "Queue"}),
        ("!Condition IsProd", {"Condition": "IsProd"}),
        ("!GetAtt Queue.Arn", {"Fn::GetAtt": ["Queue", "Arn"]}),
        ("!GetAtt Nested.Outputs.Arn", {"Fn::GetAtt": ["Nested", "Outputs.Arn"]}),
        ("!GetAtt [Queue, Arn]", {"Fn::GetAtt": ["Queue", "Arn"]}),
        ('!Sub "a-${B}"', {"Fn::Sub": "a-${B}"}),
        ("!Join ['-', [a, !Ref B]]", {"Fn::Join": ["-", ["a", {"Ref": "B"}]]}),
        ("!If [A, !Ref B, {C: !Ref D}]", {"Fn::If": ["A", {"Ref": "B"}, {"C": {"Ref": "D"}}]}),
        ("!Transform {Name: X, Of: {A: !Ref B}}", {"Fn::Transform": {"Name": "X", "Of": {"A": {"Ref": "B"}}}}),
        ("2012-10-17", "2012-10-17"),
        ("012345678901", "012345678901"),
        ("123456789012", 123456789012),
        ("12:30", "12:30"),
        ("1.5", 1.5),
        ("0", 0),
        ("yes", True),
        ("[1, null]", [1, None]),
    ],
)  # fmt: skip
def test_a_value_is_read_as_cloudformation_reads_it(text, value):
    assert syntax.parse(f"Key: {text}") == {"Key": value}


def test_keys_are_texts_as_in_json():
    text = "On: 1\n123456789012: 2\n1.50: 3\nno: 4"
    assert syntax.parse(text) == {"On": 1, "123456789012": 2, "1.50": 3, "no": 4}


def test_json_is_read_with_tabs_and_short_forms_in_yaml_that_looks_like_json():
    assert syntax.parse('{\n\t"A": {"Fn::Sub": "x"}\n}') == {"A": {"Fn::Sub": "x"}}
    assert syntax.parse("{A: !Ref B}") == {"A": {"Ref": "B"}}


@pytest.mark.parametrize(
    ("text", "line"),
    [("A: 1\nB: [", None), ("A: 1\nA: 2", 2), ('{"A":\n ]}', 2), ("A: 1\n? [x]\n: 2", 2)],
    ids=["open list", "key twice", "JSON", "key that is a list"],
)
def test_the_line_of_a_mistake_is_known(text, line):
    with pytest.raises(syntax.TemplateSyntaxError) as caught:
        syntax.parse(text)
    assert caught.value.line == line or (line is None and caught.value.line > 1)


def test_the_line_of_a_part_is_that_of_its_key_or_of_what_is_around_it():
    text = "Resources:\n  A:\n    Type: T\n    DependsOn:\n      - B\n"
    assert syntax.line_of(text, ("Resources", "A", "Type")) == 3
    assert syntax.line_of(text, ("Resources", "A", "DependsOn", 0)) == 5
    assert syntax.line_of(text, ("Resources", "A", "Properties", "X")) == 2
    assert syntax.line_of(text, ("Outputs",)) is None
    assert syntax.line_of("[", ("Outputs",)) is None
