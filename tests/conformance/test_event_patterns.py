"""The pattern language, case by case as real AWS answered.

Every case is named after its recording. Below its name and the answer are the pattern and, if the pattern was accepted,
the event. The wording of a refusal is ours; AWS's reasons are not known here.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

import pytest

from pytest_lambda_esm.filters import InvalidPattern, compile_pattern

CASES = r"""
arrays: match
{"resources": ["arn:aws:ec2:us-east-1:123456789012:instance/i-b188560f",
"arn:aws:ec2:us-east-1:111122223333:instance/i-b188560f",
"arn:aws:ec2:us-east-1:444455556666:instance/i-b188560f"]}
{"resources":
["arn:aws:autoscaling:us-east-1:123456789012:autoScalingGroup:eb56d16b:autoScalingGroupName/ASGTerminate",
"arn:aws:ec2:us-east-1:123456789012:instance/i-b188560f"]}
arrays_NEG: no match
{"resources": ["arn:aws:ec2:us-east-1:123456789012:instance/i-b188560f",
"arn:aws:ec2:us-east-1:111122223333:instance/i-b188560f",
"arn:aws:ec2:us-east-1:444455556666:instance/i-b188560f"]}
{"resources":
["arn:aws:autoscaling:us-east-1:123456789012:autoScalingGroup:eb56d16b:autoScalingGroupName/ASGTerminate"]}
complex_many_rules: match
{"source": [{"exists": true}], "detail-type": [{"prefix": "core.app"}], "detail": {"description":
["this-is-event-details"], "amount": [200], "salary": [2000, 4000], "env": ["dev", "prod"], "user":
["user1", "user2", "user3"], "admins": ["skyli", {"prefix": "hey"}, {"prefix": "ad"}], "test1":
[{"anything-but": 200}], "test2": [{"anything-but": "test2"}], "test3": [{"anything-but": ["test3",
"test33"]}], "test4": [{"anything-but": {"prefix": "test4"}}], "ip": [{"cidr": "10.102.1.0/24"}],
"num-test1": [{"numeric": ["<", 200]}], "num-test2": [{"numeric": ["<=", 200]}], "num-test3": [{"numeric":
[">", 200]}], "num-test4": [{"numeric": [">=", 200]}], "num-test5": [{"numeric": [">=", 200, "<=", 500]}],
"num-test6": [{"numeric": [">", 200, "<", 500]}], "num-test7": [{"numeric": [">=", 200, "<", 500]}]}}
{"source": "core.update-account-command", "detail-type": "core.app.backend", "detail": {"description":
"this-is-event-details", "amount": 200, "salary": 2000, "env": "prod", "user": "user3", "admins": "admin",
"test1": 300, "test2": "test22", "test3": "test333", "test4": "this test4", "ip": "10.102.1.100",
"num-test1": 100, "num-test2": 200, "num-test3": 300, "num-test4": 200, "num-test5": 500, "num-test6": 300,
"num-test7": 300}}
complex_or_NEG: no match
{"detail": {"$or": [{"c-count": [{"numeric": [">", 0, "<=", 5]}]}, {"d-count": [{"numeric": ["<", 10]}]},
{"x-limit": [{"numeric": ["=", 301.8]}]}]}}
{"detail": {"c-count": 0, "d-count": 10, "x-limit": 901.8}}
content_anything_but_ignorecase: match
{"detail": {"state": [{"anything-but": {"equals-ignore-case": "initializing"}}]}}
{"detail": {"state": "pending"}}
content_anything_but_ignorecase_NEG: no match
{"detail": {"state": [{"anything-but": {"equals-ignore-case": "initializing"}}]}}
{"detail": {"state": "INITIALIZING"}}
content_anything_but_ignorecase_list_missing_NEG: no match
{"detail": {"state": [{"anything-but": {"equals-ignore-case": ["initializing", "stopped"]}}]}}
{"detail": {}}
content_anything_but_ignorecase_list_null: match
{"detail": {"state": [{"anything-but": {"equals-ignore-case": ["initializing", "stopped"]}}]}}
{"detail": {"state": null}}
content_anything_but_ignorecase_missing_NEG: no match
{"detail": {"state": [{"anything-but": {"equals-ignore-case": "initializing"}}]}} {"detail": {}}
content_anything_but_number: match
{"detail": {"x-limit": [{"anything-but": 123}]}} {"detail": {"x-limit": 789}}
content_anything_but_number_NEG: no match
{"detail": {"x-limit": [{"anything-but": 123}]}} {"detail": {"x-limit": 123}}
content_anything_but_number_list: match
{"detail": {"x-limit": [{"anything-but": [100, 200, 300]}]}} {"detail": {"x-limit": 999}}
content_anything_but_number_list_NEG: no match
{"detail": {"x-limit": [{"anything-but": [100, 200, 300]}]}} {"detail": {"x-limit": 100}}
content_anything_but_number_zero: match
{"detail": {"x-limit": [{"anything-but": 0}]}} {"detail": {"x-limit": 789}}
content_anything_but_string: match
{"detail": {"state": [{"anything-but": "initializing"}]}} {"detail": {"state": "pending"}}
content_anything_but_string_list: match
{"detail": {"state": [{"anything-but": ["stopped", "overloaded"]}]}} {"detail": {"state": "pending"}}
content_anything_but_string_list_missing_NEG: no match
{"detail": {"state": [{"anything-but": ["stopped", "overloaded"]}]}} {"detail": {}}
content_anything_but_string_list_null: match
{"detail": {"state": [{"anything-but": ["stopped", "running"]}]}} {"detail": {"state": null}}
content_anything_but_string_list_null_type_EXC: refused: anything-but takes strings or numbers, not
{"detail": {"state": [{"anything-but": ["stopped", null]}]}}
content_anything_but_string_missing_NEG: no match
{"detail": {"state": [{"anything-but": "initializing"}]}} {"detail": {}}
content_anything_but_string_null: match
{"detail": {"state": [{"anything-but": "initializing"}]}} {"detail": {"state": null}}
content_anything_prefix: match
{"detail": {"state": [{"anything-but": {"prefix": "init"}}]}} {"detail": {"state": "post-init"}}
content_anything_prefix_empty_EXC: refused: anything-but with an empty prefix refuses every
{"detail": {"FileName": [{"anything-but": {"prefix": ""}}]}}
content_anything_prefix_ignorecase_EXC: refused: anything-but with prefix takes a string, not
{"detail": {"FileName": [{"anything-but": {"prefix": {"equals-ignore-case": "file"}}}]}}
content_anything_prefix_list: match
{"detail": {"state": [{"anything-but": {"prefix": ["init", "test"]}}]}} {"detail": {"state": "post-init"}}
content_anything_prefix_list_missing_NEG: no match
{"detail": {"state": [{"anything-but": {"prefix": ["init", "post"]}}]}} {"detail": {}}
content_anything_prefix_list_type_EXC: refused: anything-but with prefix takes a string, not 123
{"detail": {"state": [{"anything-but": {"prefix": [123, "test"]}}]}}
content_anything_suffix_empty_EXC: refused: anything-but with an empty suffix refuses every
{"detail": {"FileName": [{"anything-but": {"suffix": ""}}]}}
content_anything_suffix_list_NEG: no match
{"detail": {"FileName": [{"anything-but": {"suffix": [".txt", ".jpg"]}}]}}
{"detail": {"FileName": "file.jpg"}}
content_anything_suffix_list_missing_NEG: no match
{"detail": {"FileName": [{"anything-but": {"suffix": [".txt", ".jpg"]}}]}} {"detail": {}}
content_anything_suffix_missing_NEG: no match
{"detail": {"FileName": [{"anything-but": {"suffix": ".txt"}}]}} {"detail": {}}
content_anything_suffix_null: match
{"detail": {"FileName": [{"anything-but": {"suffix": ".txt"}}]}} {"detail": {"FileName": null}}
content_anything_wildcard_NEG: no match
{"detail": {"FilePath": [{"anything-but": {"wildcard": "*/init/*"}}]}}
{"detail": {"FilePath": "dir/init/file"}}
content_anything_wildcard_list_type_EXC: refused: anything-but with wildcard takes a string, not 123
{"detail": {"state": [{"anything-but": {"wildcard": [123, "*/dir/*"]}}]}}
content_anything_wildcard_missing_NEG: no match
{"detail": {"FilePath": [{"anything-but": {"wildcard": "*/init/*"}}]}} {"detail": {}}
content_anything_wildcard_null: match
{"detail": {"FilePath": [{"anything-but": {"wildcard": "*/dir/*"}}]}} {"detail": {"FilePath": null}}
content_anything_wildcard_type_EXC: refused: anything-but with wildcard takes a string, not 123
{"detail": {"FilePath": [{"anything-but": {"wildcard": 123}}]}}
content_exists: match
{"detail": {"state": [{"exists": true}]}} {"detail": {"instance-id": "i-abcd1111", "state": "pending"}}
content_exists_NEG: no match
{"detail": {"state": [{"exists": true}]}} {"detail": {"c-count": {"c1": 100}}}
content_exists_false: match
{"detail": {"level1": {"level2:": {"level3": {"level4": [{"exists": false}]}}}}}
{"detail": {"level1": {"level2": "l2 value"}}}
content_exists_false_NEG: no match
{"detail": {"level1": {"level2": {"level3": {"level4": [{"exists": false}]}}}}}
{"detail": {"level1": {"level2": {"level3": {"level4": "l4 value"}}}}}
content_ignorecase_EXC: refused: equals-ignore-case takes a string, not ["ec2
{"detail-type": [{"equals-ignore-case": ["ec2 instance state-change notification"]}]}
content_ignorecase_empty: match
{"detail": {"value": [{"equals-ignore-case": ""}]}} {"detail": {"value": ""}}
content_ignorecase_empty_NEG: no match
{"detail": {"value": [{"equals-ignore-case": ""}]}} {"detail": {"value": "test-value"}}
content_ignorecase_list_EXC: refused: equals-ignore-case takes a string, not {"prefix":
{"detail-type": [{"equals-ignore-case": {"prefix": "ec2"}}]}
content_ip_address: match
{"detail": {"sourceIPAddress": [{"cidr": "10.0.0.0/24"}]}} {"detail": {"sourceIPAddress": "10.0.0.255"}}
content_ip_address_bad_ip_EXC: refused: cidr 'xx.11.xx/8': 'xx.11.xx' is not an IP address
{"detail": {"sourceIPAddress": [{"cidr": "xx.11.xx/8"}]}}
content_ip_address_bad_mask_EXC: refused: cidr 'bad-/64filter': the mask '64filter' is not a
{"detail": {"sourceIPAddress": [{"cidr": "bad-/64filter"}]}}
content_ip_address_bad_type_NEG: no match
{"detail": {"sourceIPAddress": [{"cidr": "10.0.0.0/24"}]}} {"detail": {"sourceIPAddress": 123}}
content_ip_address_type_EXC: refused: cidr takes a string, not ["bad-type"]
{"detail": {"sourceIPAddress": [{"cidr": ["bad-type"]}]}}
content_ip_address_v6: match
{"detail": {"sourceIPAddress": [{"cidr": "2001:db8:1234:1a00::/64"}]}}
{"detail": {"sourceIPAddress": "2001:0db8:1234:1a00:0000:0000:0000:0000"}}
content_ip_address_v6_NEG: no match
{"detail": {"sourceIPAddress": [{"cidr": "2001:db8:1234:1a00::/64"}]}}
{"detail": {"sourceIPAddress": "2001:0db8:123f:1a01:0000:0000:0000:0000"}}
content_ip_address_v6_bad_ip_EXC: refused: cidr 'xxxx:db8:1234:1a00::/64':
{"detail": {"sourceIPAddress": [{"cidr": "xxxx:db8:1234:1a00::/64"}]}}
content_numeric_EXC: refused: numeric [">", 0, ">", 0] is none of [operator,
{"detail": {"c-count": [{"numeric": [">", 0, ">", 0]}]}}
content_numeric_and: match
{"detail": {"c-count": [{"numeric": [">", 0, "<=", 5]}], "d-count": [{"numeric": ["<", 10]}], "x-limit":
[{"numeric": ["=", 301.8]}]}}
{"detail": {"c-count": 3, "d-count": 9, "x-limit": 301.8}}
content_numeric_and_NEG: no match
{"detail": {"c-count": [{"numeric": [">", 0, "<=", 5]}], "d-count": [{"numeric": ["<", 10]}], "x-limit":
[{"numeric": ["=", 301.8]}]}}
{"detail": {"c-count": 42, "d-count": 9, "x-limit": 301.8}}
content_numeric_number_EXC: refused: numeric takes a list, not 10
{"detail": {"c-count": [{"numeric": 10}]}}
content_numeric_operatorcasing_EXC: refused: 'NUMERIC' is not an operator; known are exists, prefix,
{"detail": {"equal": [{"NUMERIC": ["=", 5]}]}}
content_numeric_syntax_EXC: refused: numeric [">", 0, "<"] is none of [operator, number]
{"detail": {"c-count": [{"numeric": [">", 0, "<"]}]}}
content_prefix_NEG: no match
{"time": [{"prefix": "2022-07-99"}]} {"time": "2022-07-13T13:48:01Z"}
content_prefix_empty: match
{"source": [{"prefix": ""}]} {"source": "test-source", "detail": {"state": "pending"}}
content_prefix_ignorecase: match
{"detail": {"service": [{"prefix": {"equals-ignore-case": "EventB"}}]}} {"detail": {"service": "EvEnTb"}}
content_prefix_int_EXC: refused: prefix takes a string, not 123
{"time": [{"prefix": 123}]}
content_suffix: match
{"FileName": [{"suffix": ".png"}]} {"FileName": "image.png"}
content_suffix_NEG: no match
{"FileName": [{"suffix": ".PNG"}]} {"FileName": "image.png"}
content_suffix_empty: match
{"source": [{"suffix": ""}]} {"source": "test-source", "detail": {"state": "pending"}}
content_suffix_ignorecase_NEG: no match
{"detail": {"FileName": [{"suffix": {"equals-ignore-case": ".png"}}]}} {"detail": {"FileName": "image.jpg"}}
content_suffix_list_EXC: refused: suffix takes a string, not [".png"]
{"FileName": [{"suffix": [".png"]}]}
content_wildcard_empty_NEG: no match
{"EventBusArn": [{"wildcard": ""}]}
{"EventBusArn": "arn:aws:events:us-east-1:123456789012:event-bus/myEventBus"}
content_wildcard_list_EXC: refused: wildcard takes a string, not
{"EventBusArn": [{"wildcard": ["arn:aws:events:us-east-1:**:event-bus/*"]}]}
content_wildcard_nonrepeating_NEG: no match
{"FileName": [{"wildcard": "/Users/*/doc.txt"}]}
{"FileName": "/Users/ls_user/dir/dir/dir/dir/dir/notmatchingdoc.txt"}
content_wildcard_repeating: match
{"FileName": [{"wildcard": "/Users/*/dir/dir/dir/dir/dir/doc.txt"}]}
{"FileName": "/Users/ls_user/dir/dir/dir/dir/dir/doc.txt"}
content_wildcard_repeating_NEG: no match
{"FileName": [{"wildcard": "/Users/*/dir/dir/dir/dir/dir/doc.txt"}]}
{"FileName": "/Users/ls_user/dir/dir/dir/dir/otherdir/doc.txt"}
content_wildcard_simplified: match
{"EventBusArn": [{"wildcard": "arn:aws:events:us-east-1:*:event-bus/*"}]}
{"EventBusArn": "arn:aws:events:us-east-1:123456789012:event-bus/myEventBus"}
dot_joining_event_NEG: no match
{"detail": {"state": {"status": ["running"]}}} {"detail": {"state.status": {"status": "running"}}}
dot_joining_pattern_NEG: no match
{"detail": {"state.status": {"status": ["running"]}}} {"detail": {"state": {"status": "running"}}}
dynamodb: match
{"dynamodb": {"NewImage": {"homemade": {"N": ["1234"]}}}}
{"dynamodb": {"NewImage": {"homemade": {"S": "ABCD", "N": "1234"}}}}
exists_dynamodb_NEG: no match
{"dynamodb": {"presentKey": [{"exists": true}]}}
{"dynamodb": {"id": {"S": "test1234"}, "presentKey": {"S": "test123"}}}
exists_list_empty_NEG: no match
{"resources": [{"exists": true}]}
{"resources": [], "detail": {"eventVersion": "", "responseElements": null}}
list_within_dict: match
{"detail": {"automations": {"id": [{"exists": true}]}}}
{"detail": {"automations": [{"key1": "value1"}, {"id": "match-does-exist"}, {"key2": "value2"}]}}
minimal: match
{"id": ["1"]} {"id": "1"}
null_value_NEG: no match
{"detail": {"responseElements": [null]}}
{"resources": [], "detail": {"eventVersion": "", "responseElements": "null"}}
number_comparison_float: match
{"number": [300]} {"number": 300.0}
numeric-int-float: match
{"number": [{"numeric": [">", 100]}]} {"number": 101.0}
numeric-null_NEG: no match
{"number": [{"numeric": [">", 100]}]} {"number": null}
numeric-string_NEG: no match
{"number": [{"numeric": [">", 100]}]} {"number": "300"}
operator_case_sensitive_EXC: refused: 'EXISTS' is not an operator; known are exists, prefix,
{"my_key": [{"EXISTS": true}]}
operator_multiple_list: match
{"my_key": [{"exists": true}, {"prefix": "IGNORED"}, {"suffix": "IGNORED"}]} {"my_key": "my-value"}
or-anything-but: match
{"dynamodb": {"NewImage": {"homemade": {"S": [{"anything-but": ["roses"]}, {"exists": false}]}}}}
{"dynamodb": {"NewImage": {"homemade": {"S": "ABCD", "N": "1234"}}}}
or-exists-parent: match
{"dynamodb": {"NewImage": {"homemade": {"S": [{"anything-but": ["roses"]}, {"exists": false}]}}}}
{"dynamodb": {"NewImage": {"purchased": {"N": "789"}}}}
or-numeric-anything-but: match
{"dynamodb": {"NewImage": {"numericFilter": {"N": [{"numeric": [">", 100]}, {"anything-but": "101"}]}}}}
{"dynamodb": {"ApproximateCreationDateTime": 1733418659.0, "Keys": {"id": {"S": "id_value_1"}}, "NewImage":
{"id": {"S": "id_value_1"}, "numericFilter": {"N": "42"}}, "SequenceNumber":
"49658361752382621885697088319781165717078428243510427650", "SizeBytes": 52, "StreamViewType":
"NEW_AND_OLD_IMAGES"}}
sample1: match
{"source": ["order"], "detail-type": ["Test"]} {"source": "order", "detail-type": "Test"}
string: match
{"string": ["A CamelCase string with an emoji 🚀 and trailing whitespace "]}
{"string": "A CamelCase string with an emoji 🚀 and trailing whitespace "}
string_empty: match
{"detail": {"eventVersion": [""]}}
{"resources": [], "detail": {"eventVersion": "", "responseElements": null}}
string_nolist_EXC: refused: 'string' must have a list or an object, not
{"string": "my-value"}
arrays_empty_EXC: refused: 'resources' has an empty list
{"resources": []}
arrays_empty_null_NEG: no match
{"resources": [null]} {"resources": []}
boolean_NEG: no match
{"boolean": [false]} {"boolean": true}
content_anything_but_ignorecase_EXC: refused: anything-but with equals-ignore-case takes a
{"detail": {"state": [{"anything-but": {"equals-ignore-case": 123}}]}}
content_anything_but_ignorecase_list_EXC: refused: anything-but with equals-ignore-case takes a
{"detail": {"state": [{"anything-but": {"equals-ignore-case": [123, 456]}}]}}
content_anything_prefix_int_EXC: refused: anything-but with prefix takes a string, not 123
{"detail": {"state": [{"anything-but": {"prefix": 123}}]}}
content_anything_prefix_int_value: match
{"detail": {"state": [{"anything-but": {"prefix": "init"}}]}} {"detail": {"state": 12}}
content_anything_suffix_int_EXC: refused: anything-but with suffix takes a string, not 123
{"detail": {"FileName": [{"anything-but": {"suffix": 123}}]}}
content_anything_suffix_list_null_type_EXC: refused: anything-but with suffix takes a string, not null
{"detail": {"FileName": [{"anything-but": {"suffix": [null, ".txt"]}}]}}
content_anything_suffix_list_type_EXC: refused: anything-but with suffix takes a string, not 123
{"detail": {"FileName": [{"anything-but": {"suffix": [123, ".txt"]}}]}}
content_anything_wildcard_empty: match
{"detail": {"FilePath": [{"anything-but": {"wildcard": ""}}]}} {"detail": {"FilePath": "dir/init/file"}}
content_anything_wildcard_int: match
{"detail": {"FilePath": [{"anything-but": {"wildcard": "*/dir/*"}}]}} {"detail": {"FilePath": 123}}
content_ip_address_EXC: refused: cidr 'bad-filter' needs exactly one slash
{"detail": {"sourceIPAddress": [{"cidr": "bad-filter"}]}}
content_prefix_list_EXC: refused: prefix takes a string, not ["2022-07-13"]
{"time": [{"prefix": ["2022-07-13"]}]}
content_suffix_int_EXC: refused: suffix takes a string, not 123
{"FileName": [{"suffix": 123}]}
content_wildcard_complex_EXC: refused: the wildcards of 'EventBusArn' are too complex: 11
{"EventBusArn": [{"wildcard": "*:*:*:*:*:event-bus/*"}]}
content_wildcard_int_EXC: refused: wildcard takes a string, not 123
{"EventBusArn": [{"wildcard": 123}]}
content_wildcard_repeating_star_EXC: refused: wildcard 'arn:aws:events:us-east-1:**:event-bus/*'
{"EventBusArn": [{"wildcard": "arn:aws:events:us-east-1:**:event-bus/*"}]}
dot_joining_pattern: match
{"detail": {"state.status": ["running"]}} {"detail": {"state": {"status": "running"}}}
exists_dynamodb: match
{"dynamodb": {"presentKey": {"S": [{"exists": true}]}}}
{"dynamodb": {"id": {"S": "test1234"}, "presentKey": {"S": "test123"}}}
int_nolist_EXC: refused: 'int' must have a list or an object, not 42
{"int": 42}
key_case_sensitive_NEG: no match
{"my_key": ["my-value"]} {"MY_KEY": "my-value"}
nested_json_NEG: no match
{"detail": {"my-key": ["my-value"]}} {"detail": "{\"my-key\": \"my-value\"}"}
or-exists: match
{"dynamodb": {"NewImage": {"homemade": {"S": [{"anything-but": ["roses"]}, {"exists": false}]}}}}
{"dynamodb": {"NewImage": {"homemade": {"N": "789"}}}}
test_event_pattern_with_multi_key: match
{"detail": {"location": [{"prefix": "us-"}], "location": [{"anything-but": "us-east"}]}}
{"detail": {"location": "eu-central-1"}}
"""


@dataclass(frozen=True)
class Case:
    name: str
    answer: str
    pattern: str
    event: Any


def read_cases() -> list[Case]:
    parts = re.split(r"^(\S+): (match|no match|refused: .+)\n", CASES, flags=re.MULTILINE)[1:]
    cases = []
    for name, answer, texts in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
        _, end = json.JSONDecoder().raw_decode(texts)
        event = texts[end:].strip()
        cases.append(Case(name, answer, texts[:end], json.loads(event) if event else None))
    return cases


ALL = read_cases()
ACCEPTED = [pytest.param(case, id=case.name) for case in ALL if not case.answer.startswith("refused")]
REFUSED = [pytest.param(case, id=case.name) for case in ALL if case.answer.startswith("refused")]

NO_JSON_OBJECT = {
    "this_is_valid_json_but_not_a_dict": ("this is valid json but not a dict", "the pattern is not JSON"),
    "bad_quotation": ("{'bad': 'quotation'}", "the pattern is not JSON"),
    "not_closed_mark": ('{"not": closed mark"', "the pattern is not JSON"),
    "not_a_dict_but_valid_json": ('["not", "a", "dict", "but valid json"]', "a pattern is a JSON object"),
}


def test_every_case_is_read_and_named_once() -> None:
    assert len({case.name for case in ALL}) == len(ALL) == 120


@pytest.mark.parametrize("case", ACCEPTED)
def test_match(case: Case) -> None:
    assert compile_pattern(case.pattern).matches(case.event) is (case.answer == "match")


@pytest.mark.parametrize("case", REFUSED)
def test_refusal(case: Case) -> None:
    with pytest.raises(InvalidPattern) as refusal:
        compile_pattern(case.pattern)
    assert refusal.value.reason.startswith(case.answer.removeprefix("refused: "))


@pytest.mark.parametrize(("text", "reason"), NO_JSON_OBJECT.values(), ids=NO_JSON_OBJECT)
def test_invalid_json_event_pattern(text: str, reason: str) -> None:
    with pytest.raises(InvalidPattern, match=reason):
        compile_pattern(text)
