"""Exceptions for the test are raised when the event of the clock has ended."""

import pytest

from pytest_lambda_esm.faults.interruptions import Interruptions, broken_off


def nothing():
    pass


def test_what_is_kept_is_raised_at_the_end_of_the_event():
    interruptions, done = Interruptions(), []

    def action():
        interruptions.keep(KeyboardInterrupt())
        done.append(interruptions.pending)

    with pytest.raises(KeyboardInterrupt):
        interruptions.event(action, nothing)()
    assert done == [True]
    assert not interruptions.pending
    interruptions.event(nothing, nothing)()


def test_the_first_of_several_is_raised():
    interruptions = Interruptions()

    def action():
        interruptions.keep(KeyboardInterrupt())
        interruptions.keep(ValueError())
        raise LookupError

    with pytest.raises(KeyboardInterrupt):
        interruptions.event(action, nothing)()


def test_outside_of_events_nothing_is_kept():
    interruptions = Interruptions()
    with pytest.raises(ValueError, match="now"):
        interruptions.keep(ValueError("now"))
    assert not interruptions.pending


def test_the_owner_of_an_event_that_raises_is_mended():
    interruptions, mended = Interruptions(), []

    def action():
        raise ValueError("a bug")

    with pytest.raises(ValueError, match="a bug"):
        interruptions.event(action, lambda: mended.append(True))()
    assert mended == [True]


def test_a_bug_in_mending_does_not_reach_a_later_event():
    interruptions = Interruptions()

    def broken():
        raise ValueError("a bug")

    with pytest.raises(ValueError, match="a bug"):
        interruptions.event(broken, broken)()
    interruptions.event(nothing, nothing)()
    with pytest.raises(LookupError):
        interruptions.keep(LookupError())


def test_the_traceback_begins_at_the_test_and_ends_in_its_code():
    interruptions = Interruptions()

    def action():
        try:
            pytest.fail("here")
        except BaseException as error:
            interruptions.keep(error)

    with pytest.raises(pytest.fail.Exception) as caught:
        interruptions.event(action, nothing)()
    names = [entry.name for entry in caught.traceback]
    assert names[0] == "test_the_traceback_begins_at_the_test_and_ends_in_its_code"
    assert "action" in names


def test_what_was_broken_off_names_the_exception():
    assert broken_off(KeyboardInterrupt()) == "broken off by KeyboardInterrupt, which the test gets"
