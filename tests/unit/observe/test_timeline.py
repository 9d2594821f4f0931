import pytest

from pytest_lambda_esm import ConfigurationError, Fate, Timeline
from pytest_lambda_esm.observe.timeline import render, shortened

UUID = "e3e70682-c209-4cac-a29f-6fbed82c07cd"


def make(*entries):
    now = [0]
    timeline = Timeline(lambda: now[0])
    for instant, kind, subject, text in entries:
        now[0] = instant
        timeline.add(kind, subject, text)
    return timeline


def test_times_count_from_the_first_entry():
    timeline = make((5_000_000, "call", "GetFunction", "-> 200"), (7_500_000, "sleep", "time.sleep", "2.5 s"))
    assert str(timeline).splitlines() == [
        "virtual time starts at 1970-01-01 00:00:05 UTC; times in seconds since then",
        "     0.000  call        GetFunction: -> 200",
        "     2.500  sleep       time.sleep: 2.5 s",
    ]


def test_arns_and_uuids_are_shortened_for_people():
    assert shortened(f"mapping {UUID}: x") == "mapping e3e70682: x"
    assert shortened("from arn:aws:sqs:us-east-1:123456789012:q") == "from sqs:q"
    assert shortened("arn:aws:lambda:eu-west-1:123456789012:function:f:live") == "lambda:f:live"


def test_a_long_line_goes_on_in_the_next():
    timeline = make((0, "fate", "sqs:q", "word " * 40))
    lines = render(timeline, width=100).splitlines()
    assert all(len(line) <= 100 for line in lines)
    assert " ".join(lines).count("word") == 40


def test_only_the_last_entries_are_shown():
    timeline = make(*((number, "call", f"number{number}", "x") for number in range(30)))
    text = render(timeline, most=10)
    assert "(20 earlier entries left out)" in text
    assert "number19" not in text
    assert "number20" in text


def failing(attempts, first=1):
    for attempt in range(first, first + attempts):
        at = attempt * 30_000_000
        yield at, "poll", "sqs:q", f"received 3, receive count up to {attempt}"
        yield at, "invocation", "orders", f"begins, attempt {attempt}"
        yield at, "result", "orders", "error, ValueError: no"


def test_repetitions_are_folded_between_the_first_and_the_last_time():
    begin, end = (0, "call", "CreateEventSourceMapping", "-> 202"), (4_000_000_000, "sleep", "time.sleep", "5 s")
    assert str(make(begin, *failing(120), end)).splitlines()[1:] == [
        "     0.000  call        CreateEventSourceMapping: -> 202",
        "    30.000  poll        sqs:q: received 3, receive count up to 1",
        "    30.000  invocation  orders: begins, attempt 1",
        "    30.000  result      orders: error, ValueError: no",
        "       ...  these 3 entries 118 times more, until 3570.000",
        "  3600.000  poll        sqs:q: received 3, receive count up to 120",
        "  3600.000  invocation  orders: begins, attempt 120",
        "  3600.000  result      orders: error, ValueError: no",
        "  4000.000  sleep       time.sleep: 5 s",
    ]


def test_a_line_that_repeats_is_folded():
    text = str(make(*((second * 5_000_000, "sleep", "time.sleep", "5 s") for second in range(10))))
    assert text.splitlines()[2] == "       ...  this 8 times more, until 40.000"


def test_what_happens_three_times_is_shown():
    assert len(str(make(*failing(3))).splitlines()) == 1 + 9


def test_what_differs_in_more_than_a_count_is_shown():
    waits = [(second, "sleep", "time.sleep", f"{2**second} s") for second in range(8)]
    answers = [(10, "call", "GetFunction", f"-> {status}") for status in (200, 404, 429, 500, 503)]
    queues = [(20, "poll", f"sqs:q{number}", "received 1") for number in range(6)]
    assert len(str(make(*waits, *answers, *queues)).splitlines()) == 1 + 8 + 5 + 6


def test_folds_count_as_one_of_those_shown_and_their_entries_as_left_out():
    text = render(make(*failing(100), (10**10, "call", "a", "x"), (10**10, "call", "b", "x")), most=3)
    assert text.splitlines()[1] == "  (299 earlier entries left out)"
    text = render(make(*failing(100), (10**10, "call", "a", "x")), most=5)
    assert text.splitlines()[1:3] == [
        "  (3 earlier entries left out)",
        "       ...  these 3 entries 98 times more, until 2940.000",
    ]


def test_nothing_happened():
    assert str(make()) == "(nothing happened)"


def test_it_is_a_sequence_of_frozen_entries():
    timeline = make((0, "call", "a", "x"), (1, "poll", "b", "y"))
    assert [entry.subject for entry in timeline] == ["a", "b"]
    assert timeline[-1].kind == "poll"
    assert len(timeline[:1]) == 1
    assert [entry.subject for entry in timeline.of("poll")] == ["b"]
    assert timeline[0].at.isoformat() == "1970-01-01T00:00:00+00:00"


def test_it_is_equal_to_a_list_of_its_entries():
    timeline = make((0, "call", "a", "x"), (1, "poll", "b", "y"))
    assert timeline == list(timeline) == timeline[:]
    assert timeline != timeline[:1]
    assert make() == []


def test_a_kind_that_does_not_exist_is_refused_with_the_nearest():
    with pytest.raises(ConfigurationError, match=r"there is no kind 'invocations'\. Did you mean 'invocation'"):
        Timeline(lambda: 0).of("invocations")


def test_entries_and_fates_have_a_detail_and_keep_its_earlier_names():
    [entry] = make((0, "poll", "orders", "received 1"))
    assert entry.detail == entry.text == "received 1"
    fate = Fate("id", "done", entry.at, "attempt 1")
    assert fate.detail == fate.about == "attempt 1"
