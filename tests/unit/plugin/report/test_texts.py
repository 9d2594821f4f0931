import json
import time

import pytest

from pytest_lambda_esm.plugin.report.texts import Mask, Texts, as_json, cut, without_environment


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('{"password": "abc", "user": "me"}', '{"password": "[hidden]", "user": "me"}'),
        (json.dumps({"body": '{"apiKey": "abc"}'}), json.dumps({"body": '{"apiKey": "[hidden]"}'})),
        ("{'dbPassword': 'abc'}", "{'dbPassword': '[hidden]'}"),
        ("CLIENT_SECRET=abc REGION=x", "CLIENT_SECRET=[hidden] REGION=x"),
        ("Authorization: Bearer abcdefghij", "Authorization: Bearer [hidden]"),
        ("postgres://me:abc@host/db", "postgres://me:[hidden]@host/db"),
        ("https://host:443/a@b", "https://host:443/a@b"),
        ("token = read()", "token = read()"),
        ("message['password'] == 'abc'", "message['password'] == 'abc'"),
        ("{'password': ''}", "{'password': ''}"),
        ("no words of that kind: 12", "no words of that kind: 12"),
    ],
)
def test_what_a_text_calls_a_secret_is_hidden(text, shown):
    assert Mask()(text) == shown


def test_values_of_variables_are_replaced_by_their_names(monkeypatch):
    monkeypatch.setenv("SERVICE_TOKEN", "of the process")
    monkeypatch.setenv("SERVICE_NAME", "not a secret at all")
    mask = Mask(
        [{"DB_PASSWORD": "pass", "URL": 'https://"x"', "LEVEL": "INFO", "TABLE": "orders-table"}], ["a orders-table"]
    )
    assert mask("pass, of the process") == "[$DB_PASSWORD], [$SERVICE_TOKEN]"
    assert mask(json.dumps({"at": 'https://"x"'})) == '{"at": "[$URL]"}'
    for text in ("not a secret at all", "INFO", "orders-table"):
        assert mask(text) == text


def test_of_two_values_the_longer_one_is_found():
    assert Mask([{"A": "12345678", "B": "1234567890"}])("1234567890 12345678") == "[$B] [$A]"


@pytest.mark.parametrize("dummy", ["testing", "Test", "dummy"])
def test_what_tests_set_as_credentials_is_no_secret(monkeypatch, dummy):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", dummy)
    assert Mask()(f"we are {dummy}") == f"we are {dummy}"


@pytest.mark.parametrize(
    "text",
    ["token" * 3_000, '"password": "' * 1_200, "://" * 5_000, "bearer " * 2_000, "token" + " " * 14_000, "\\" * 14_000],
    ids=["words", "quotes", "addresses", "schemes", "spaces", "backslashes"],
)
def test_no_text_takes_long(text):
    start = time.process_time()
    Mask()(text)
    assert time.process_time() - start < 2


def test_control_characters_are_visible_and_line_breaks_stay():
    assert Mask()("a\x1b[2J\ud800\u2028\n\tb") == "a\\x1b[2J\\ud800\\u2028\n\tb"


def test_a_long_text_keeps_its_beginning_and_its_end():
    shown = cut("a" * 600 + "b" * 600, 100)
    assert shown == "a" * 75 + "\n… 1,100 characters left out …\n" + "b" * 25
    assert cut("a" * 100, 100) == "a" * 100


def test_a_secret_at_the_cut_is_hidden_as_a_whole():
    text = "x" * 70 + ' "password": "' + "s" * 50 + '"' + "y" * 10_000
    assert "sss" not in Mask().cut(text, 100)


def test_equal_texts_are_kept_once_and_the_budget_limits_them():
    texts = Texts(Mask(), budget=1_000)
    given = ["a" * 900, "a" * 900, "b" * 400, "short ones are always kept"]
    assert [texts.add(text, 2_000) for text in given] == [0, 0, 1, 2]
    assert texts.kept == ["a" * 900, "… 400 characters, left out to keep the page small …", given[-1]]


def test_records_of_a_stream_are_known_by_their_sequence_numbers():
    texts = Texts(Mask(), budget=10)
    assert texts.items_of(["shardId-000:17", "17", "orders-0:17"]) == [0, 0, 1]
    assert texts.items == ["shardId-000:17", "orders-0:17"]


def test_of_many_records_the_first_ones_are_kept():
    texts = Texts(Mask(), budget=10)
    assert texts.items_of(map(str, range(1_000))) == list(range(100))
    for start in range(100, 2_000, 100):
        texts.items_of(map(str, range(start, start + 100)))
    assert len(texts.items) == 500
    assert texts.items_of(["5", "1999"]) == [5]


@pytest.mark.parametrize("value", [{1, 2}, {"a": {1}}, object(), float("nan"), {(1, 2): 3}])
def test_what_json_cannot_express_is_shown_as_python_writes_it(value):
    assert as_json(value)


def test_parameters_are_shown_without_code_and_values_of_variables():
    params = {
        "FunctionName": "f",
        "Environment": {"Variables": {"A": "b"}},
        "Code": {"ZipFile": b"..."},
        "Tags": [{"Key": "k"}],
    }
    assert without_environment(params) == {
        "FunctionName": "f",
        "Environment": "[hidden]",
        "Code": {"ZipFile": "[hidden]"},
        "Tags": [{"Key": "k"}],
    }
    assert without_environment({"Name": "n", "Type": "SecureString", "Value": "v"})["Value"] == "[hidden]"
    assert without_environment({"Name": "n", "Type": "String", "Value": "v"})["Value"] == "v"
