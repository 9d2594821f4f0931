from datetime import datetime, timedelta, timezone

import pytest

from pytest_lambda_esm import ConfigurationError, Mapping, StateError, TransitionTimes, after_reads
from pytest_lambda_esm.clock.virtual import EventClock
from pytest_lambda_esm.mappings.lifecycle import Step, step_for_create, step_for_delete, step_for_update
from pytest_lambda_esm.mappings.mapping import MappingSpec

START = datetime(2026, 1, 1, tzinfo=timezone.utc)
CREATE = step_for_create(enabled=True)


class World:
    def __init__(self, **times):
        self.clock = EventClock(START)
        self.times = TransitionTimes().with_changes(times)
        self.heard = []
        self.mapping = Mapping(
            MappingSpec(
                uuid="a-uuid",
                arn="an-arn",
                account_id="123456789012",
                region="us-east-1",
                settings={"FunctionArn": "f", "EventSourceArn": "q", "BatchSize": 10},
                user_reason="USER_INITIATED",
            ),
            times=lambda: self.times,
            clock=self.clock,
            on_transition=lambda mapping, transition: self.heard.append(transition.state),
        )


def states(mapping):
    return [(transition.state, (transition.at - START).total_seconds()) for transition in mapping.history]


def test_a_transition_takes_its_seconds():
    world = World(creating=30)
    world.mapping._begin(CREATE)
    world.clock.advance(29.999)
    assert world.mapping.state == "Creating"
    world.clock.advance(0.001)
    assert states(world.mapping) == [("Creating", 0), ("Enabled", 30)]
    assert world.heard == ["Creating", "Enabled"]


def test_a_timedelta_is_a_time_too():
    world = World(creating=timedelta(minutes=1))
    world.mapping._begin(CREATE)
    world.clock.run_until_idle()
    assert states(world.mapping)[-1] == ("Enabled", 60)


def test_an_instant_transition_shows_in_the_answer_and_is_over_after_it():
    world = World(creating="instant")
    world.mapping._begin(CREATE)
    assert world.mapping.state == "Creating"
    world.mapping._answered()
    assert world.mapping.state == "Enabled"


def test_a_manual_transition_waits_for_release():
    world = World(creating="manual")
    world.mapping._begin(CREATE)
    world.mapping._answered()
    world.clock.advance(days=1)
    assert world.mapping.state == "Creating"
    world.mapping.release()
    assert world.mapping.state == "Enabled"


def test_after_reads_counts_reads_whatever_the_time():
    world = World(creating=after_reads(2))
    world.mapping._begin(CREATE)
    world.clock.advance(days=1)
    world.mapping._was_read()
    assert world.mapping.state == "Creating"
    world.mapping._was_read()
    assert world.mapping.state == "Enabled"


@pytest.mark.parametrize("reads", [0, -1, 1.5, "two", True])
def test_after_reads_takes_whole_numbers_from_1(reads):
    with pytest.raises(ConfigurationError, match="whole number from 1"):
        after_reads(reads)


def test_hold_stops_a_transition_that_is_going_on():
    world = World()
    world.mapping._begin(CREATE)
    world.mapping.hold("Creating")
    world.clock.advance(60)
    assert world.mapping.state == "Creating"
    world.mapping.release()
    assert states(world.mapping)[-1] == ("Enabled", 60)


def test_release_lets_a_transition_end_when_it_is_due():
    world = World()
    world.mapping._begin(CREATE)
    world.mapping.hold("Creating")
    world.mapping.release()
    assert world.mapping.state == "Creating"
    world.clock.run_until_idle()
    assert states(world.mapping)[-1] == ("Enabled", 5)


def test_hold_stops_the_next_transition_of_that_kind():
    world = World()
    world.mapping._begin(CREATE)
    world.clock.advance(5)
    world.mapping.hold("Updating")
    world.mapping._begin(step_for_update("Enabled", None))
    world.clock.advance(60)
    assert world.mapping.state == "Updating"


@pytest.mark.parametrize("policy", ["instant", after_reads(1)])
def test_hold_is_stronger_than_instant_and_reads(policy):
    world = World(updating=policy)
    world.mapping._begin(CREATE)
    world.clock.advance(5)
    world.mapping.hold("Updating")
    world.mapping._begin(step_for_update("Enabled", None))
    world.mapping._answered()
    world.mapping._was_read()
    assert world.mapping.state == "Updating"
    world.mapping.release()
    assert world.mapping.state == "Enabled"


def test_only_transitional_states_can_be_held():
    with pytest.raises(StateError, match="not in 'Enabled'"):
        World().mapping.hold("Enabled")


def test_release_without_an_open_transition_is_refused():
    world = World()
    world.mapping._begin(CREATE)
    world.clock.advance(5)
    with pytest.raises(StateError, match="nothing to release: mapping a-uuid is Enabled"):
        world.mapping.release()


def test_force_puts_a_mapping_into_a_state_with_a_reason_and_a_result():
    world = World()
    world.mapping._begin(CREATE)
    world.mapping.force("Disabled", reason="ESM_CONFIG_NOT_VALID", result="PROBLEM: no access")
    world.clock.advance(60)
    assert world.mapping.state == "Disabled"
    assert world.mapping.history[-1].reason == "ESM_CONFIG_NOT_VALID"
    assert world.mapping._last_result == "PROBLEM: no access"


@pytest.mark.parametrize("nonsense", [None, 123, ["Enabled"]])
def test_a_state_that_is_not_a_string_is_refused(nonsense):
    with pytest.raises(StateError, match="there is no state"):
        World().mapping.force(nonsense)
    with pytest.raises(StateError, match="held in a transitional state, not in"):
        World().mapping.hold(nonsense)


def test_a_forced_transitional_state_stays_until_release():
    world = World()
    world.mapping._begin(step_for_create(enabled=False))
    world.mapping.force("Updating")
    world.clock.advance(60)
    assert world.mapping.state == "Updating"
    world.mapping.release()
    assert world.mapping.state == "Disabled"


@pytest.mark.parametrize(
    ("forced", "settled"),
    [
        ("Creating", "Enabled"),
        ("Enabling", "Enabled"),
        ("Disabling", "Disabled"),
        ("Updating", "Disabled"),
        ("Deleting", "Deleted"),
    ],
)
def test_a_forced_transitional_state_settles_as_usual(forced, settled):
    world = World()
    world.mapping._begin(step_for_create(enabled=False))
    world.mapping.force(forced)
    assert world.mapping.explain() == [f"{forced} becomes {settled} when the test calls release()"]
    world.mapping.release()
    assert world.mapping.state == settled


@pytest.mark.parametrize("state", ["Disabled", "Updating"])
def test_force_keeps_the_settings_of_an_update_in_progress(state):
    world = World()
    world.mapping._begin(CREATE)
    world.clock.advance(5)
    world.mapping._begin(step_for_update("Enabled", None), {**world.mapping.settings, "BatchSize": 5})
    world.mapping.force(state)
    if state == "Updating":
        assert world.mapping.settings["BatchSize"] == 10
        world.mapping.release()
    world.clock.advance(60)
    assert world.mapping.settings["BatchSize"] == 5
    assert [entry.state for entry in world.mapping.history].count("Enabled") == (2 if state == "Updating" else 1)


def test_force_has_the_reason_of_the_user_unless_another_is_given():
    world = World()
    world.mapping._begin(CREATE)
    world.mapping.force("Enabled")
    assert world.mapping.history[-1].reason == "USER_INITIATED"
    world.mapping.force("Disabled", reason="", result="")
    assert (world.mapping.history[-1].reason, world.mapping._last_result) == ("", "")
    world.mapping.force("Enabled")
    assert world.mapping._last_result == ""


def test_force_refuses_unknown_states_with_the_nearest():
    with pytest.raises(StateError, match="Did you mean 'Disabled'"):
        World().mapping.force("Disabeld")


def test_a_deleted_mapping_cannot_be_forced():
    world = World(deleting="instant")
    world.mapping._begin(CREATE)
    world.clock.advance(5)
    world.mapping._begin(step_for_delete("Enabled"))
    world.mapping._answered()
    with pytest.raises(StateError, match="has been deleted"):
        world.mapping.force("Enabled")


def test_settings_come_into_force_when_the_update_settles():
    world = World()
    world.mapping._begin(CREATE)
    world.clock.advance(5)
    world.mapping._begin(step_for_update("Enabled", None), {**world.mapping.settings, "BatchSize": 5})
    assert (world.mapping.settings["BatchSize"], world.mapping.requested["BatchSize"]) == (10, 5)
    world.clock.advance(5)
    assert world.mapping.settings["BatchSize"] == 5


def test_one_mapping_may_have_its_own_times():
    world = World()
    world.mapping.transitions(creating=1)
    world.mapping._begin(CREATE)
    world.clock.run_until_idle()
    assert states(world.mapping)[-1] == ("Enabled", 1)
    with pytest.raises(ConfigurationError, match="no transition 'createing'"):
        world.mapping.transitions(createing=1)


@pytest.mark.parametrize(
    ("policy", "line"),
    [
        (5, "Creating becomes Enabled at 00:00:05.000000"),
        ("manual", "Creating becomes Enabled when the test calls release()"),
        (after_reads(2), "Creating becomes Enabled after 2 more reads of the state"),
    ],
)
def test_explain_names_the_end_of_a_transition(policy, line):
    world = World(creating=policy)
    world.mapping._begin(CREATE)
    assert world.mapping.explain() == [line]


def test_explain_says_that_the_test_holds_a_state():
    world = World()
    world.mapping._begin(CREATE)
    world.mapping.hold("Creating")
    assert world.mapping.explain() == ["Creating becomes Enabled when the test calls release(): the state is held"]
    world.mapping.release()
    world.clock.advance(5)
    assert world.mapping.explain() == []


def test_the_own_times_of_a_mapping_leave_its_other_times():
    world = World(creating=7, updating=9)
    world.mapping.transitions(creating=1)
    world.mapping.transitions(deleting=2)
    world.mapping._begin(CREATE)
    world.clock.advance(1)
    world.mapping._begin(step_for_update("Enabled", None))
    world.clock.advance(9)
    world.mapping._begin(step_for_delete("Enabled"))
    world.clock.run_until_idle()
    assert states(world.mapping) == [
        ("Creating", 0),
        ("Enabled", 1),
        ("Updating", 1),
        ("Enabled", 10),
        ("Deleting", 10),
        ("Deleted", 12),
    ]


UPDATES = [
    ("Enabled", None, Step("Updating", "Enabled")),
    ("Enabled", True, Step("Updating", "Enabled")),
    ("Enabled", False, Step("Disabling", "Disabled")),
    ("Disabled", None, Step("Updating", "Disabled")),
    ("Disabled", True, Step("Enabling", "Enabled")),
    ("Disabled", False, Step("Updating", "Disabled")),
    *(
        (state, enabled, None)
        for state in ("Creating", "Enabling", "Disabling", "Updating", "Deleting")
        for enabled in (None, True, False)
    ),
]


@pytest.mark.parametrize(("state", "enabled", "step"), UPDATES)
def test_the_transition_that_an_update_starts(state, enabled, step):
    assert step_for_update(state, enabled) == step


@pytest.mark.parametrize("state", ["Creating", "Enabling", "Disabling", "Updating", "Deleting"])
def test_a_mapping_in_transition_cannot_be_deleted(state):
    assert step_for_delete(state) is None


def test_explain_gives_the_date_of_an_end_on_another_day():
    world = World(creating=timedelta(hours=23), deleting=timedelta(days=1))
    world.mapping._begin(CREATE)
    assert world.mapping.explain() == ["Creating becomes Enabled at 23:00:00.000000"]
    world.clock.advance(hours=23)
    world.mapping._begin(step_for_delete("Enabled"))
    assert world.mapping.explain() == ["Deleting becomes Deleted at 2026-01-02 23:00:00.000000"]
