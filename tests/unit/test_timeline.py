from pytest_lambda_esm import Timeline
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
