from __future__ import annotations

import functools
import inspect
from datetime import datetime, timedelta, timezone
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_lambda_esm.errors import FaultError, UnusedFault
from pytest_lambda_esm.faults.call import IncomingCall
from pytest_lambda_esm.faults.effects import AwsError
from pytest_lambda_esm.faults.plan import FaultPlan
from pytest_lambda_esm.faults.spec import OPTIONS

NUMBERS = count(1)


class AnythingGoes:
    """A catalogue that knows every operation and every error."""

    def operation(self, name):
        return name

    def effect(self, operation, error, message=None):
        return AwsError(error, message) if isinstance(error, str) else error

    def check_params(self, operation, names):
        pass


@pytest.fixture
def plan():
    return FaultPlan(AnythingGoes())


def call(operation="Get", logical_id=None, attempt=1, **params):
    return IncomingCall(
        operation=operation,
        params=params,
        account_id="123456789012",
        region="eu-west-1",
        instant=0,
        attempt=attempt,
        logical_id=logical_id or f"call-{next(NUMBERS)}",
    )


def struck(plan, *calls):
    """Return the code that each call gets, '-' for one that is let through."""
    found = [plan._strike(each) for each in calls]
    return "".join("-" if each is None or each[1] is None else str(each[1]) for each in found)


def calls(number, **params):
    return [call(**params) for _ in range(number)]


def test_strikes_once_and_then_no_more(plan):
    plan.add("Get", "A")

    assert struck(plan, *calls(3)) == "A--"


def test_strikes_the_given_number_of_times_after_the_given_number_of_calls(plan):
    plan.add("Get", "A", times=2, after=3)

    assert struck(plan, *calls(7)) == "---AA--"


def test_times_none_strikes_every_call(plan):
    fault = plan.add("Get", "A", times=None)

    assert struck(plan, *calls(5)) == "AAAAA"
    assert fault.remaining is None


def test_faults_that_are_ready_strike_in_the_order_in_which_they_were_added(plan):
    plan.add("Get", "A", times=2)
    plan.add("Get", "B")

    assert struck(plan, *calls(4)) == "AAB-"


def test_after_counts_all_calls_since_the_fault_was_added(plan):
    plan.add("Get", "A", after=2)
    plan.add("Get", "B", after=1)
    assert struck(plan, *calls(4)) == "-BA-"

    plan.add("Get", "C", after=1)
    assert struck(plan, *calls(3)) == "-C-"


def test_calls_of_other_operations_do_not_count(plan):
    plan.add("Get", "A", after=1)

    assert struck(plan, call(), call("List"), call("List"), call()) == "---A"


def test_a_sequence_goes_call_by_call(plan):
    fault = plan.sequence("Get", "A", None, "B")

    assert struck(plan, *calls(5)) == "A-B--"
    assert fault.has_struck


def test_match_by_parameters(plan):
    plan.add("Get", "A", match={"UUID": "x"}, after=1)

    given = [call(UUID="y"), call(UUID="x"), call(UUID="y"), call(UUID="x"), call(UUID="x")]
    assert struck(plan, *given) == "---A-"


def test_match_by_parameters_that_cannot_be_hashed(plan):
    plan.add("Get", "A", match={"Topics": ["a"]})

    assert struck(plan, call(Topics=["b"]), call(), call(Topics=["a"])) == "--A"


def test_match_by_predicate(plan):
    plan.add("Get", "A", match=lambda call: call.params.get("BatchSize", 10) > 5)

    assert struck(plan, call(BatchSize=1), call(BatchSize=6), call()) == "-A-"


def test_the_fault_that_was_added_first_strikes_whatever_the_kind_of_match(plan):
    plan.add("Get", "A", match=lambda call: True)
    plan.add("Get", "B", match={"UUID": "x"})
    plan.add("Get", "C")

    assert struck(plan, *calls(4, UUID="x")) == "ABC-"


def test_each_attempt_counts_as_a_call(plan):
    plan.add("Get", "A", times=2)

    attempts = [call(logical_id="1", attempt=number) for number in (1, 2, 3)]
    assert struck(plan, *attempts) == "AA-"


@pytest.mark.parametrize("match", [None, {"UUID": "x"}, lambda call: True], ids=["any", "params", "predicate"])
def test_per_call_every_attempt_is_struck_and_counts_once(plan, match):
    fault = plan.add("Get", "A", per="call", after=1, match=match)

    attempts = [call(logical_id=name, attempt=number, UUID="x") for name in "pqr" for number in (1, 2, 3)]
    assert struck(plan, *attempts) == "---AAA---"
    assert (fault.hits, fault.remaining) == (3, 0)


def test_hits_remaining_and_calls_of_a_fault(plan):
    fault = plan.add("Get", "A", times=3)
    one = call(UUID="x")
    plan._strike(one)

    assert (fault.hits, fault.remaining, fault.calls) == (1, 2, (one,))
    assert repr(fault) == "<Fault faults.add('Get', 'A', times=3): hits=1, remaining=2>"


def test_a_fault_lasts_until_the_end_of_its_block(plan):
    with plan.add("Get", "A", times=None) as fault:
        assert struck(plan, *calls(2)) == "AA"
    assert struck(plan, *calls(2)) == "--"
    assert fault.hits == 2


def test_a_fault_that_ends_strikes_no_further_attempt(plan):
    with plan.add("Get", "A", per="call"):
        assert struck(plan, call(logical_id="1")) == "A"
    assert struck(plan, call(logical_id="1", attempt=2)) == "-"


def test_a_plan_without_faults_left_is_not_live(plan):
    assert not plan._is_live
    plan.add("Get", "A")
    assert plan._is_live
    struck(plan, call())
    assert not plan._is_live


def test_a_plan_is_live_while_calls_are_watched(plan):
    with plan._watching() as first, plan._watching() as second:
        assert plan._is_live
        struck(plan, call("Get"), call("List"))
    assert not plan._is_live
    struck(plan, call("Get"))
    assert [each.operation for each in first] == [each.operation for each in second] == ["Get", "List"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"times": 0}, "times is a whole number from 1"),
        ({"times": -1}, "times is a whole number from 1"),
        ({"times": 1.5}, "times is a whole number from 1"),
        ({"times": True}, "times is a whole number from 1"),
        ({"after": -1}, "after is the number of calls to let through"),
        ({"per": "cal"}, "Did you mean 'call'"),
        ({"message": 5}, "message is a string"),
        ({"optional": "yes"}, "optional is True or False, not 'yes'"),
        ({"match": "UUID"}, "match takes the parameters"),
    ],
)
def test_refuses_invalid_options(plan, options, told):
    with pytest.raises(FaultError, match=told):
        plan.add("Get", "A", **options)


@pytest.mark.parametrize("errors", [(), (None,), (None, None)])
def test_refuses_a_sequence_of_nothing(plan, errors):
    with pytest.raises(FaultError, match="names no error"):
        plan.sequence("Get", *errors)


def test_the_error_for_a_predicate_that_raises_shows_the_call(plan):
    def wrong(call):
        return call.params["Nam"]

    plan.add("Get", "A", match=wrong)

    with pytest.raises(FaultError, match=r"wrong of a fault raised KeyError: 'Nam'.*Get\(Name='x'\)"):
        plan._strike(call(Name="x"))


def test_a_predicate_without_a_name_is_shown_by_its_repr(plan):
    predicate = functools.partial(lambda size, call: False, 5)
    fault = plan.add("Get", "A", match=predicate)

    assert fault.asked == f"faults.add('Get', 'A', match={predicate!r})"


def test_faults_that_struck_are_not_reported(plan):
    plan.add("Get", "A")
    plan.add("List", "A", optional=True)
    struck(plan, call())

    assert plan.unused() == ""
    plan.check()


def test_the_report_on_a_fault_that_never_struck_lists_near_misses(plan):
    plan.add("Get", "A", match={"UUID": "x", "Name": "n"})
    plan.add("Get", "B", after=5)
    struck(plan, call(UUID="y"), call("List"))

    with pytest.raises(UnusedFault) as caught:
        plan.check()

    text = str(caught.value)
    assert text.startswith("2 faults that the test asked for never struck:")
    assert "faults.add('Get', 'A', match={'UUID': 'x', 'Name': 'n'})" in text
    assert f"asked for at {__file__}:" in text
    assert "1. Get(UUID='y')" in text
    assert "not struck: UUID was 'y', not 'x'; it had no Name" in text
    assert "not struck: it was number 1 of the attempts that match, and the first 5 are let through" in text
    assert "optional=True" in text
    assert "strict=False" in text


def test_the_report_lists_the_other_calls_if_the_operation_was_never_called(plan):
    plan.add("Delete", "A")
    struck(plan, call(), call(), call("List"))

    assert "since then there was no call of Delete; calls meanwhile: Get (2), List (1)" in plan.unused()


def test_a_sequence_that_did_not_end_is_reported(plan):
    plan.sequence("Get", "A", "B", "C")
    struck(plan, call())

    assert "calls struck: 1; errors left: 2" in plan.unused()


def test_only_the_first_near_misses_are_shown(plan):
    plan.add("Get", "A", match={"UUID": "x"})
    struck(plan, *calls(20, UUID="y"))

    text = plan.unused()
    assert "5. Get" in text
    assert "6. Get" not in text
    assert "and 15 more" in text


def why(plan):
    """Return the lines about the last unused fault, between where it was added and how to allow it."""
    lines = plan.unused().splitlines()
    start = max(number for number, line in enumerate(lines) if "asked for at" in line)
    return [line.strip() for line in lines[start + 1 : -1]]


def test_calls_before_a_fault_was_added_are_not_near_misses(plan):
    plan.add("Get", "A")
    struck(plan, *calls(2), call("List"))
    plan.add("Get", "B")

    assert why(plan) == ["since then there was no call of Get; calls meanwhile: none"]


def test_near_misses_are_numbered_from_the_line_that_added_the_fault(plan):
    plan.add("Get", "A")
    struck(plan, *calls(3))
    plan.add("Get", "B", after=2)
    struck(plan, call(UUID="x"))

    assert why(plan) == [
        "calls of Get that came near:",
        "1. Get(UUID='x')",
        "not struck: it was number 1 of the attempts that match, and the first 2 are let through",
    ]


def test_after_counts_only_matching_calls(plan):
    plan.add("Get", "A", match={"UUID": "x"}, after=1)
    struck(plan, call(UUID="y"), call(UUID="x"))

    assert why(plan) == [
        "calls of Get that came near:",
        "1. Get(UUID='y')",
        "not struck: UUID was 'y', not 'x'",
        "2. Get(UUID='x')",
        "not struck: it was number 1 of the attempts that match, and the first 1 are let through",
    ]


@pytest.mark.parametrize(
    ("per", "text"),
    [
        ("attempt", ["1 of the attempts", "2 of the attempts", "3 of the attempts", "4 of the attempts"]),
        ("call", ["1 of the calls", "1 of the calls", "2 of the calls", "2 of the calls"]),
    ],
)
def test_the_report_counts_calls_or_attempts_as_the_fault_does(plan, per, text):
    fault = plan.add("Get", "A", after=4, per=per)
    attempts = [call(logical_id=name, attempt=number) for name in "pq" for number in (1, 2)]
    assert struck(plan, *attempts) == "----"

    assert [line for line in why(plan) if line.startswith("not struck")] == [
        f"not struck: it was number {number} that match, and the first 4 are let through" for number in text
    ]
    assert fault.hits == 0


@pytest.mark.parametrize("match", [None, {"UUID": "x"}, lambda call: True], ids=["any", "params", "predicate"])
def test_per_call_after_lets_whole_calls_through(plan, match):
    fault = plan.add("Get", "A", per="call", after=2, times=2, match=match)

    attempts = [call(logical_id=name, attempt=number, UUID="x") for name in "pqrst" for number in (1, 2)]
    assert struck(plan, *attempts) == "----AAAA--"
    assert (fault.hits, fault.remaining) == (4, 0)


def test_the_fault_that_struck_instead_is_named(plan):
    plan.add("Get", "A", times=None)
    plan.add("Get", "B")
    struck(plan, call())

    assert why(plan)[-1] == "not struck: faults.add('Get', 'A', times=None) struck it"


def test_the_report_says_that_a_block_has_ended(plan):
    with plan.add("Get", "A", match={"UUID": "x"}):
        struck(plan, call(UUID="y"), call("List"))
    plan.add("Get", "B")
    struck(plan, call(UUID="x"))

    assert why(plan) == [
        "calls of Get that came near:",
        "1. Get(UUID='y')",
        "not struck: UUID was 'y', not 'x'",
        "it ended with its block or its end(), and calls after that do not count",
    ]

    with plan.add("Delete", "C"):
        struck(plan, call("List"))
    struck(plan, call("Delete"), call("Put"))
    assert why(plan) == [
        "since then there was no call of Delete; calls meanwhile: List (1)",
        "it ended with its block or its end(), and calls after that do not count",
    ]


def test_a_predicate_whose_result_changes_is_reported_as_it_was(plan):
    answers = iter([False, True])
    plan.add("Get", "A", match=lambda call: next(answers))
    struck(plan, call())

    assert why(plan)[-1] == "not struck: match rejected it when it arrived"


def test_calls_that_a_sequence_lets_through_are_not_hits(plan):
    fault = plan.sequence("Get", None, "A", None, None)
    struck(plan, *calls(2))

    assert (fault.hits, fault.remaining, len(fault.calls)) == (1, 2, 1)
    assert plan.unused() == ""


def test_the_report_says_how_many_errors_of_a_sequence_are_left(plan):
    plan.sequence("Get", None, "A", None, "B")
    struck(plan, *calls(2))

    assert "calls struck: 1; errors left: 1" in plan.unused()
    assert "since then there was no further call of Get" in plan.unused()


@pytest.mark.parametrize(
    ("given", "strikes"),
    [
        (1767225600, True),
        (1767225600.0, True),
        (1767225601, False),
        (datetime(2026, 1, 1, tzinfo=timezone.utc), True),
        (datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=1))), True),
        (datetime(2026, 1, 1, 1, tzinfo=timezone.utc), False),
        ("2026-01-01", False),
    ],
    ids=repr,
)
def test_times_match_by_instant(plan, given, strikes):
    plan.add("Get", "A", match={"At": datetime(2026, 1, 1, tzinfo=timezone.utc)})

    assert struck(plan, call(At=given)) == ("A" if strikes else "-")


def test_times_match_in_whole_seconds_as_botocore_sends_them(plan):
    plan.add("Get", "A", match={"At": datetime(2026, 1, 1, 0, 0, 0, 500_000, tzinfo=timezone.utc)})

    assert struck(plan, call(At=1767225600)) == "A"


def test_the_error_for_a_value_that_cannot_be_compared_shows_the_call(plan):
    class Odd:
        def __eq__(self, other):
            raise ArithmeticError("odd")

        __hash__ = None

    plan.add("Get", "A", match={"Data": Odd()})

    with pytest.raises(FaultError, match=r"match=.* raised ArithmeticError: odd .* compared with the call Get"):
        plan._strike(call(Data=b"x"))


MATCHES = {
    "any": (None, lambda params: True),
    "one": ({"UUID": "x"}, lambda params: params["UUID"] == "x"),
    "other": ({"UUID": "y"}, lambda params: params["UUID"] == "y"),
    "two": ({"UUID": "x", "Size": 1}, lambda params: params["UUID"] == "x" and params.get("Size") == 1),
    "list": ({"Topics": ["a"]}, lambda params: params.get("Topics") == ["a"]),
    "mixed": ({"UUID": "y", "Topics": ["a"]}, lambda params: params["UUID"] == "y" and params.get("Topics") == ["a"]),
    "asked": (lambda call: "Size" in call.params, lambda params: "Size" in params),
}
rules = st.lists(
    st.tuples(
        st.sampled_from(["attempt", "call"]),
        st.integers(0, 4),
        st.one_of(st.none(), st.integers(1, 3)),
        st.sampled_from(sorted(MATCHES)),
    ),
    max_size=8,
)
traffic = st.lists(
    st.tuples(
        st.integers(1, 3),
        st.sampled_from(
            [{"UUID": "x"}, {"UUID": "y"}, {"UUID": "x", "Size": 1}, {"UUID": "y", "Topics": ["a"]}, {"UUID": ["x"]}]
        ),
    ),
    max_size=12,
)


@given(rules, traffic)
def test_the_index_finds_the_same_fault_as_a_plain_search(given_rules, given_calls):
    """Compare the index with a search through all faults."""
    plan = FaultPlan(AnythingGoes())
    for number, (per, after, times, match) in enumerate(given_rules):
        plan.add("Get", str(number), per=per, after=after, times=times, match=MATCHES[match][0])

    expected, seen, spent, going_on = [], {}, {}, {}
    found = []
    for position, (attempts, params) in enumerate(given_calls):
        for attempt in range(attempts):
            name = f"call-{position}"
            found.append(struck(plan, call(logical_id=name, attempt=attempt + 1, **params)))
            strikes = None
            for number, (per, after, times, match) in enumerate(given_rules):
                if not MATCHES[match][1](params):
                    continue
                counted = seen.setdefault(number, [])
                counted.append((name, attempt) if per == "attempt" else name)
                passed = len(dict.fromkeys(counted))
                if strikes is None and passed > after and (times is None or spent.get(number, 0) < times):
                    strikes = number
            if name in going_on:
                strikes = going_on[name]
            elif strikes is not None:
                spent[strikes] = spent.get(strikes, 0) + 1
                if given_rules[strikes][0] == "call":
                    going_on[name] = strikes
            expected.append("-" if strikes is None else str(strikes))

    assert found == expected


def test_the_options_of_add_have_the_defaults_of_the_spec():
    parameters = inspect.signature(FaultPlan.add).parameters.values()

    assert {each.name: each.default for each in parameters if each.kind is each.KEYWORD_ONLY} == dict(OPTIONS)
