import pytest

from pytest_lambda_esm.observe.advice import Advice
from pytest_lambda_esm.observe.timeline import Timeline


@pytest.fixture
def timeline():
    return Timeline(lambda: 0)


def subjects(timeline):
    return [entry.subject for entry in timeline if entry.kind == "advice"]


def test_each_code_is_given_once_for_a_subject_and_each_text_once(timeline):
    advice = Advice(timeline)
    for subject, window in (("one", 1), ("one", 2), ("two", 1), ("three", 3)):
        advice.give("ESM112", subject, window=window)
    assert [text.split(":")[0] for text in advice.take()] == ["ESM112", "ESM112"]
    assert subjects(timeline) == ["one", "three"]
    assert advice.take() == []


def test_several_problems_of_one_subject(timeline):
    advice = Advice(timeline)
    for about in ("missing", "large", "large"):
        advice.give("ESM121", "one", about=about, what=about)
    assert len(advice.take()) == 2


@pytest.mark.parametrize(("ignored", "off"), [(("ESM112",), False), ((), True)], ids=["ignored", "off"])
def test_what_is_not_wanted_is_nowhere(timeline, ignored, off):
    advice = Advice(timeline, ignored, off=off)
    advice.give("ESM112", "one", window=1)
    advice.suspect("ESM112", "two", window=1)
    assert advice.take() == []
    assert subjects(timeline) == []


def test_a_suspicion_is_given_at_the_end(timeline):
    advice = Advice(timeline)
    advice.suspect("ESM112", "one", window=1)
    assert subjects(timeline) == []
    assert len(advice.take()) == 1
    assert subjects(timeline) == ["one"]


@pytest.mark.parametrize("refuted_first", [True, False])
def test_a_suspicion_that_was_refuted(timeline, refuted_first):
    advice = Advice(timeline)
    steps = [lambda: advice.refute("ESM112", "one"), lambda: advice.suspect("ESM112", "one", window=1)]
    for step in steps if refuted_first else reversed(steps):
        step()
    assert advice.take() == []
