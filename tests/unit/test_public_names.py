"""Public means public: ``dir()`` of what users have in their hands shows what the reference lists."""

import dataclasses
import inspect

import pytest

from pytest_lambda_esm import (
    Call,
    Calls,
    FakeLambda,
    Fate,
    Fault,
    FaultPlan,
    Function,
    Invocation,
    Journey,
    Mapping,
    SqsQueue,
    Timeline,
    VirtualClock,
)


def nothing(event, context): ...


@pytest.fixture
def objects(lambda_esm):
    function = lambda_esm.function("orders", nothing)
    queue = lambda_esm.queue("orders")
    mapping = lambda_esm.connect(queue, function)
    sent = queue.send("x")
    lambda_esm.run_until_idle()
    [invocation] = function.invocations
    fault = lambda_esm.faults.add("Invoke", "ServiceException", optional=True)
    held = [lambda_esm, lambda_esm.clock, lambda_esm.faults, function, mapping, invocation, fault, queue]
    held += [lambda_esm.calls, lambda_esm.calls.last, lambda_esm.timeline, lambda_esm.journey(sent)]
    held += [lambda_esm.fates(queue)[0]]
    return {type(each): each for each in held}


HAS = {
    VirtualClock: "advance advance_to next_event now pending run_until run_until_idle slept",
    FaultPlan: "add all check clear sequence unused",
    Function: "account_id arn bind duplicate_events expects handler invocations metrics name region script takes",
    Invocation: (
        "attempt bodies context duration error event finished function log mapping outcome payload payload_bytes"
        " records request_id result started traceback"
    ),
    Mapping: (
        "account_id arn explain force function_arn history hold iterator_age last_modified metrics offset_lag region"
        " release requested settings source_arn stable_state state transitions uuid"
    ),
}


def listed(cls):
    """Return the members that the reference lists: those with a docstring, and those that the class's text names."""
    documented = {
        name
        for name in dir(cls)
        if (text := inspect.getdoc(inspect.getattr_static(cls, name))) and ":meta private:" not in text
    }
    text = inspect.getdoc(cls)
    documented |= {field.name for field in dataclasses.fields(cls)} if dataclasses.is_dataclass(cls) else set()
    return documented | {word.strip("`.,;:()") for word in text.split() if word.startswith("``")}


@pytest.mark.parametrize("cls", [*HAS, FakeLambda, Fault, SqsQueue, Calls, Call, Timeline, Journey, Fate])
def test_dir_shows_what_the_reference_lists(objects, cls):
    shown = {name for name in dir(objects[cls]) if not name.startswith("_")}
    assert shown - listed(cls) == set()
    assert {name for name in dir(cls) if not name.startswith("_")} <= shown


@pytest.mark.parametrize("cls", HAS)
def test_nothing_becomes_public_by_accident(objects, cls):
    assert [name for name in dir(objects[cls]) if not name.startswith("_")] == HAS[cls].split()


def test_the_time_is_moved_and_not_set(lambda_esm):
    with pytest.raises(Exception, match=r"move it with clock\.advance"):
        lambda_esm.clock.now = 3
