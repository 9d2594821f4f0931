from itertools import takewhile
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_lambda_esm.moto_bridge.sqs.messages import MessageTable
from pytest_lambda_esm.moto_bridge.sqs.order import FifoOrder, StandardOrder, visible_from
from pytest_lambda_esm.moto_bridge.sqs.storage import MARKS


def message(name, visible=0.0, delayed=0.0, sent=0, group=None):
    contents = {"body": "", "_body": "", "message_attributes": {}}  # moto 5.1 and 5.2 name the body differently.
    others = {"sender_id": "A", "system_attributes": {}, "sequence_number": None, "deduplication_id": None}
    times = {"sent_timestamp": sent, "delayed_until": delayed, "visible_at": visible}
    return SimpleNamespace(id=name, group_id=group, **times, **contents, **others, **MARKS)


def standard(*messages):
    return MessageTable(StandardOrder(), messages)


def take(table, now):
    return next(iter(table.order.available(now, 10)), None)


def test_it_behaves_like_the_list_that_moto_uses():
    first, second = message("a"), message("b")
    table = standard(*[first])
    table.append(second)
    assert list(table) == [first, second]
    assert len(table) == 2
    assert first in table
    table.remove(first)
    assert list(table) == [second]
    with pytest.raises(ValueError, match="not in this queue"):
        table.remove(first)


def test_messages_come_in_the_order_in_which_they_became_visible():
    table = standard(*[message("late", visible=30.0), message("first"), message("second")])
    assert [each.id for each in table.order.available(10_000, 10)] == ["first", "second"]


def test_a_message_in_somebodys_hands_is_not_handed_out_twice():
    table = standard(*[message("a")])
    [taken] = table.order.available(0, 10)
    taken.visible_at = 30.0
    assert take(table, 0) is None
    assert table.order.next_visible() == 30_000
    assert take(table, 30_000) is taken


def test_what_was_found_and_not_taken_is_found_again():
    first, second, third = messages = [message("first"), message("second"), message("third")]
    table = standard(*messages)
    for each in table.order.available(0, 3):
        each.visible_at = 30.0
        break
    assert list(table.order.available(0, 3)) == [second, third]
    assert table.order.next_visible() == 0
    assert list(table.order.available(30_000, 3)) == [second, third, first]


def test_a_message_that_a_client_hid_is_passed_over():
    hidden, other = message("hidden"), message("other")
    table = standard(*[hidden, other])
    hidden.visible_at = 60.0
    assert list(table.order.available(0, 10)) == [other]
    table.remove(other)
    assert table.order.next_visible() == 60_000


def test_a_message_that_a_client_made_visible_earlier_is_found():
    one = message("a", visible=60.0)
    table = standard(*[one])
    assert take(table, 0) is None
    one.visible_at = 0.0
    table.order.moved(one)
    assert take(table, 0) is one


def test_the_latest_of_sending_delay_and_visibility_counts():
    assert visible_from(message("a", visible=5.5, delayed=7.25, sent=3)) == 7250


@given(
    st.lists(
        st.tuples(st.sampled_from(["send", "take", "delete", "hide", "show"]), st.integers(0, 5), st.integers(0, 20))
    )
)
def test_it_agrees_with_a_plain_list(steps):
    table, plain, now, count = standard(), [], 0, 0
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
            taken = take(table, now * 1000)
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
            table.order.moved(chosen)
        assert [each.id for each in table] == [each.id for each in plain]
        assert table.order.next_visible() == min((visible_from(each) for each in plain), default=None)


def grouped(*messages):
    return MessageTable(FifoOrder(), messages)


def receive(table, now, limit=10, hide=30):
    """Receive as a queue does: each message is hidden before the next one is asked for."""
    taken = []
    for each in table.order.available(now * 1000, 10):
        each.visible_at = float(now + hide)
        taken.append(each.id)
        if len(taken) == limit:
            break
    return taken


def test_a_group_is_closed_while_its_first_message_is_hidden():
    a1, a2, b1 = message("a1", group="A"), message("a2", group="A"), message("b1", group="B")
    table = grouped(a1, a2, b1)
    assert receive(table, 0, limit=1) == ["a1"]
    assert receive(table, 0) == ["b1"]
    assert table.order.next_visible() == 30_000
    table.remove(a1)
    assert table.order.next_visible() == 0
    assert receive(table, 1) == ["a2"]


def test_what_failed_comes_again_in_its_old_place():
    table = grouped(*[message(f"a{number}", group="A") for number in range(4)])
    assert receive(table, 0, limit=2) == ["a0", "a1"]
    assert receive(table, 30) == ["a0", "a1", "a2", "a3"]


def test_a_hidden_message_blocks_those_behind_it_and_not_those_before_it():
    messages = [message(name, group="A") for name in ("a1", "a2", "a3", "a4")]
    table = grouped(*messages)
    assert receive(table, 0, limit=3) == ["a1", "a2", "a3"]
    messages[1].visible_at = 60.0
    table.order.moved(messages[1])
    assert table.order.next_visible() == 30_000
    assert receive(table, 30) == ["a1"]
    table.remove(messages[0])
    assert table.order.next_visible() == 60_000
    assert receive(table, 59) == []
    assert receive(table, 60) == ["a2", "a3", "a4"]


def test_each_waiting_message_names_the_one_before_it_that_is_hidden_longest():
    hidden = {"a1": 10.0, "a3": 5.0, "a4": 60.0}
    table = grouped(
        *[message(f"a{number}", visible=hidden.get(f"a{number}", 0.0), group="A") for number in range(1, 7)]
    )
    blocked = [(group, blocker.id, [each.id for each in behind]) for group, blocker, behind in table.order.blocked(0)]
    assert blocked == [("A", "a1", ["a2"]), ("A", "a4", ["a5", "a6"])]
    assert list(table.order.blocked(60_000_000)) == []


def test_groups_that_open_at_the_same_instant_come_in_the_order_of_their_first_messages():
    messages = [message(name, group=name[0].upper()) for name in ("b1", "a1", "c1", "a2", "b2")]
    table = grouped(*messages)
    assert receive(table, 0) == ["b1", "b2", "a1", "a2", "c1"]
    assert receive(table, 30, limit=3) == ["b1", "b2", "a1"]
    assert receive(table, 30) == ["c1"]


def test_a_delayed_message_holds_back_those_behind_it():
    table = grouped(message("a1", delayed=10.0, group="A"), message("a2", delayed=20.0, group="A"))
    assert table.order.next_visible() == 10_000
    assert receive(table, 10) == ["a1"]


def test_a_message_that_returns_to_its_queue_stands_at_the_end():
    a1, a2 = message("a1", group="A"), message("a2", group="A")
    table = grouped(a1, a2)
    table.remove(a1)
    table.append(a1)
    assert receive(table, 0) == ["a2", "a1"]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["send", "receive", "receive", "delete", "show", "extend"]),
            st.integers(0, 5),
            st.integers(0, 20),
        ),
        max_size=60,
    )
)
def test_groups_agree_with_a_plain_list(steps):
    table, plain, now, count = grouped(), [], 0, 0
    for action, index, span in steps:
        now += span
        chosen = plain[index % len(plain)] if plain else None
        if action == "send":
            count += 1
            plain.append(message(f"m{count}", group="ABC"[index % 3]))
            table.append(plain[-1])
        elif action == "receive":
            expected = {}
            for group in "ABC":
                members = [each for each in plain if each.group_id == group]
                expected[group] = [each.id for each in takewhile(lambda each: each.visible_at <= now, members)]  # noqa: B023 - used up at once
            taken = receive(table, now, limit=1 + index)
            for names in expected.values():
                mine = [name for name in taken if name in names]
                assert mine == names[: len(mine)]
            assert len(taken) == min(1 + index, sum(map(len, expected.values())))
        elif chosen is not None and action == "delete":
            plain.remove(chosen)
            table.remove(chosen)
        elif chosen is not None:
            chosen.visible_at = float(now + span * 3) if action == "extend" else min(chosen.visible_at, float(now))
            table.order.moved(chosen)
        assert [each.id for each in table] == [each.id for each in plain]
        assert (table.order.next_visible() is None) == (not plain)


def test_hiding_a_message_again_and_again_leaves_nothing_behind():
    messages = [message(str(number)) for number in range(10)]
    table = standard(*messages)
    for round_number in range(1_000):
        hidden = messages[round_number % 10]
        hidden.visible_at = 1_000_000.0 - round_number
        table.order.moved(hidden)
    assert len(table.order._heap) < 100
    assert [each.id for each in table.order.available(10**10, 10)] == [str(number) for number in reversed(range(10))]
