from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_lambda_esm.moto_bridge.message_table import MessageTable, visible_from


def message(name, visible=0.0, delayed=0.0, sent=0):
    return SimpleNamespace(id=name, sent_timestamp=sent, delayed_until=delayed, visible_at=visible)


def test_it_behaves_like_the_list_that_moto_uses():
    first, second = message("a"), message("b")
    table = MessageTable([first])
    table.append(second)
    assert list(table) == [first, second]
    assert len(table) == 2
    assert first in table
    table.remove(first)
    assert list(table) == [second]
    with pytest.raises(ValueError, match="not in this queue"):
        table.remove(first)


def test_messages_come_in_the_order_in_which_they_became_visible():
    table = MessageTable([message("late", visible=30.0), message("first"), message("second")])
    assert [table.take(10_000).id, table.take(10_000).id, table.take(10_000)] == ["first", "second", None]


def test_a_message_in_somebodys_hands_is_not_handed_out_twice():
    table = MessageTable([message("a")])
    taken = table.take(0)
    assert table.take(0) is None
    taken.visible_at = 30.0
    assert table.next_visible() == 30_000
    assert table.take(30_000) is taken


def test_a_message_that_a_client_hid_is_passed_over():
    hidden, other = message("hidden"), message("other")
    table = MessageTable([hidden, other])
    hidden.visible_at = 60.0
    assert table.take(0) is other
    assert table.take(0) is None
    table.remove(other)
    assert table.next_visible() == 60_000


def test_a_message_that_a_client_made_visible_earlier_is_found():
    one = message("a", visible=60.0)
    table = MessageTable([one])
    assert table.take(0) is None
    one.visible_at = 0.0
    table.moved(one)
    assert table.take(0) is one


def test_the_latest_of_sending_delay_and_visibility_counts():
    assert visible_from(message("a", visible=5.5, delayed=7.25, sent=3)) == 7250


@given(
    st.lists(
        st.tuples(st.sampled_from(["send", "take", "delete", "hide", "show"]), st.integers(0, 5), st.integers(0, 20))
    )
)
def test_it_agrees_with_a_plain_list(steps):
    table, plain, now, count = MessageTable(), [], 0, 0
    for action, index, span in steps:
        now += span
        chosen = plain[index % len(plain)] if plain else None
        if action == "send":
            count += 1
            plain.append(message(f"m{count}", visible=float(span + now)))
            table.append(plain[-1])
        elif action == "take":
            due = [each for each in plain if visible_from(each) <= now * 1000]
            expected = min(due, key=visible_from, default=None)
            taken = table.take(now * 1000)
            assert (taken is None) == (expected is None)
            if taken is not None:
                assert visible_from(taken) == visible_from(expected)
                taken.visible_at = float(now + 30)
        elif chosen is not None and action == "delete":
            plain.remove(chosen)
            table.remove(chosen)
        elif chosen is not None and action == "hide":
            chosen.visible_at = max(chosen.visible_at, float(now + span))
        elif chosen is not None:
            chosen.visible_at = float(now)
            table.moved(chosen)
        assert [each.id for each in table] == [each.id for each in plain]
        assert table.next_visible() == min((visible_from(each) for each in plain), default=None)
