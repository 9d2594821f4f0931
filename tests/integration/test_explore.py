"""Explorations: combinations of troubles in many worlds, and the few that break a body."""
# ruff: noqa: PT012 - an exploration is a loop with a block, also inside pytest.raises

import contextlib
import importlib
import random
import sys
import threading

import boto3
import pytest
from hypothesis import given, settings

from helpers.charges import Charges
from helpers.queues import make_queue
from pytest_lambda_esm import ExplorationFailed, FakeLambda, FaultError
from pytest_lambda_esm.explore.engine import Engine, Space
from pytest_lambda_esm.explore.trouble import Trouble
from pytest_lambda_esm.strategies import troubles


@pytest.fixture
def charges():
    return Charges()


def test_a_handler_that_is_idempotent_survives(lambda_esm, charges):
    worlds = 0
    exploration = lambda_esm.explore(runs=20, at_most=2)
    for run in exploration:
        with run:
            worlds += 1
            assert charges.run(lambda_esm, charges.put, "o1", "o2") == {"o1": 1, "o2": 1}
    assert worlds == 20
    assert exploration.report.startswith("exploration: 20 worlds, none broke; in ")
    assert "poller.Read" in exploration.report
    assert "dynamodb.PutItem" in exploration.report


def test_a_handler_that_is_not_is_found_with_one_trouble(lambda_esm, charges):
    with pytest.raises(ExplorationFailed) as caught:
        for run in lambda_esm.explore(runs=40, at_most=2):
            with run:
                assert charges.run(lambda_esm, charges.add, "o1", "o2") == {"o1": 1, "o2": 1}
    report = str(caught.value)
    assert "@pytest.mark.lambda_esm_fault('poller.Read', 'duplicated')" in report
    assert " and " not in report.splitlines()[1]


def explore_fragile(lambda_esm, charges):
    with pytest.raises(ExplorationFailed) as caught:
        for run in lambda_esm.explore(
            runs=60, at_most=2, operations=("poller.Read", "poller.Delete", "dynamodb.GetItem")
        ):
            with run:
                assert charges.run(lambda_esm, charges.fragile, "o1") == {"o1": 1}
    return str(caught.value)


@pytest.mark.slow
def test_two_troubles_that_break_only_together_are_found_and_made_small(lambda_esm, charges):
    report = explore_fragile(lambda_esm, charges)
    line = next(line for line in report.splitlines() if line.startswith("  world"))
    assert line.count(" and ") == 1
    assert "dynamodb.GetItem" in line


def test_the_seed_chooses(charges):
    reports = []
    for seed in (1, 1, 2):
        with FakeLambda(seed=seed) as fake:
            exploration = fake.explore(runs=6, at_most=2)
            for run in exploration:
                with run:
                    charges.run(fake, charges.put, "o1")
            reports.append(exploration.report)
    assert reports[0] == reports[1] != reports[2]


def test_the_markers_of_a_report_replay_it(pytester):
    pytester.makepyfile(
        """
        import boto3, pytest
        from pytest_lambda_esm import after_writes

        def add(event, context):
            boto3.resource("dynamodb").Table("charges").update_item(
                Key={"id": "o"}, UpdateExpression="ADD n :one", ExpressionAttributeValues={":one": 1})

        @pytest.mark.lambda_esm_fault('poller.Invoke', after_writes(1))
        def test_it(lambda_esm):
            worlds = 0
            for run in lambda_esm.explore():
                with run:
                    worlds += 1
                    sqs = boto3.client("sqs")
                    boto3.client("dynamodb").create_table(TableName="charges", BillingMode="PAY_PER_REQUEST",
                        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
                        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}])
                    url = sqs.create_queue(QueueName="q")["QueueUrl"]
                    lambda_esm.function("f", add)
                    boto3.client("lambda").create_event_source_mapping(
                        EventSourceArn="arn:aws:sqs:us-east-1:123456789012:q", FunctionName="f")
                    sqs.send_message(QueueUrl=url, MessageBody="o")
                    lambda_esm.clock.run_until_idle()
                    item, = boto3.resource("dynamodb").Table("charges").scan()["Items"]
                    assert item["n"] == 2
            assert worlds == 1
        """
    )
    pytester.runpytest().assert_outcomes(passed=1)


def test_calls_of_the_tests_own_folder_are_left_alone(lambda_esm, charges):
    exploration = lambda_esm.explore(runs=5)
    for run in exploration:
        with run:
            charges.run(lambda_esm, charges.put, "o1")
    assert "sqs." not in exploration.report
    assert "dynamodb.CreateTable" not in exploration.report


def test_a_body_that_meets_no_step_is_not_taken_for_one_that_survives(lambda_esm):
    with pytest.raises(ExplorationFailed, match=r"met no step that may go wrong, so there is nothing to strike"):
        for run in lambda_esm.explore():
            with run:
                make_queue()


def test_a_body_that_fails_without_troubles_fails_as_it_is(lambda_esm):
    with pytest.raises(AssertionError, match=r"^plain$"):
        for run in lambda_esm.explore():
            with run:
                raise AssertionError("plain")


def test_a_body_that_is_not_deterministic_is_shown(lambda_esm, charges):
    bodies = iter(range(1000))
    with pytest.raises(ExplorationFailed, match=r"not deterministic: step \d+ was .* in world 1, and .* in world \d"):
        for run in lambda_esm.explore(runs=8):
            with run:
                charges.run(lambda_esm, charges.put if next(bodies) == 0 else lambda event, context: None, "o1")


def test_a_world_that_breaks_only_once_is_not_deterministic(lambda_esm, charges):
    with pytest.raises(ExplorationFailed, match=r"not deterministic: (world \d+ had the|nothing went wrong)"):
        for number, run in enumerate(lambda_esm.explore(runs=60, at_most=2)):
            with run:
                charges.run(lambda_esm, charges.put, "o1")
                assert number != 45


@pytest.mark.slow
def test_each_way_to_fail_is_made_small(lambda_esm, charges):
    """Both ways take two troubles; while the one is made smaller, the other one is not taken for it."""
    exploration = lambda_esm.explore(runs=150, at_most=3, operations=("poller.Read", "poller.Invoke", "poller.Delete"))
    with pytest.raises(ExplorationFailed):
        for run in exploration:
            with run:
                charges.run(lambda_esm, charges.put, "o1", "o2")
                struck = [each.operation for each in run.strikes.struck]
                assert struck.count("poller.Read") < 2
                assert struck.count("poller.Invoke") < 2
    sizes = [len(broken.struck) for broken in exploration._outcome.smallest.values()]
    assert sizes == [2, 2]


def test_what_else_is_loaded_does_not_choose(tmp_path, monkeypatch):
    """Hypothesis prefers the numbers that it finds in the code of modules."""

    def drawn():
        search = Engine(Space([("poller.Read", 3)] * 40, 3, None), 200, 1).troubles()
        found = [next(search)]
        with contextlib.suppress(StopIteration):
            while True:
                found.append(search.send(None))
        return found

    before = drawn()
    (tmp_path / "full_of_numbers.py").write_text(f"NUMBERS = {list(range(1, 60))}")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(sys.modules, "full_of_numbers", importlib.import_module("full_of_numbers"))
    assert drawn() == before


@pytest.mark.parametrize(("name", "value"), [("runs", 0), ("runs", 1.5), ("at_most", -1), ("at_most", True)])
def test_numbers_below_one_are_refused(lambda_esm, name, value):
    with pytest.raises(FaultError, match=f"explore: {name} is a whole number from 1"):
        lambda_esm.explore(**{name: value})


def test_unknown_operations_are_refused(lambda_esm):
    with pytest.raises(FaultError, match=r"poller\.Read"):
        lambda_esm.explore(operations=("poller.Raed",))
    with pytest.raises(FaultError, match=r"botocore has no service 'dynamo'"):
        lambda_esm.explore(operations=("dynamo.*",))
    with pytest.raises(FaultError, match="a tuple of names"):
        lambda_esm.explore(operations="poller.Read")


def test_what_exists_before_is_refused(lambda_esm):
    make_queue()
    with pytest.raises(FaultError, match="each world of an exploration starts empty, but these already exist"):
        for _ in lambda_esm.explore():
            pass


def test_an_exploration_that_is_left_early_leaves_no_thread_and_says_so(lambda_esm, charges):
    exploration = lambda_esm.explore(runs=60)
    with pytest.raises(ZeroDivisionError):
        for number, run in enumerate(exploration):
            if number == 15:
                raise ZeroDivisionError
            with run:
                charges.run(lambda_esm, charges.put, "o1")
    assert exploration.left().startswith("an exploration was left after 16 worlds")
    exploration._is_over = True


@pytest.mark.parametrize("error", [AssertionError, KeyboardInterrupt, pytest.skip.Exception])
def test_nothing_of_a_world_is_left_after_it_however_it_ends(error):
    with FakeLambda() as fake:
        for trouble in (Trouble(), Trouble((), None, 3), Trouble(((0, 0),), None, 2)):
            with pytest.raises(error), fake.world(trouble):
                raise error
            assert fake._world.clock.turns is None
            assert fake.faults._chooser is None
        with pytest.raises(error):
            for number, run in enumerate(fake.explore(runs=60, at_most=2)):
                with run:
                    fake.function("f", lambda event, context: None)
                    fake.client("lambda").invoke(FunctionName="f", InvocationType="Event", Payload="1")
                    fake.client("lambda").invoke(FunctionName="f", InvocationType="Event", Payload="2")
                    fake.clock.run_until_idle()
                    if number == (0 if error is AssertionError else 40):
                        raise error
        assert fake._world.clock.turns is None
        assert fake.faults._chooser is None
        assert fake.sweeps[0].left() == ""


def test_the_engine_has_ended_when_an_exploration_is_left():
    """It restores the state of random, which must not happen in the middle of what follows."""
    search = Engine(Space([("poller.Read", 3)] * 9, 3, None), 200, 1)
    has_ended, run = threading.Event(), search._run

    def noted():
        run()
        has_ended.set()

    search._run = noted
    troubles = search.troubles()
    next(troubles)
    random.seed(7)
    troubles.close()
    state = random.getstate()
    assert has_ended.wait(60)
    assert random.getstate() == state


@pytest.fixture
def no_hypothesis(monkeypatch):
    monkeypatch.setattr("pytest_lambda_esm.explore.exploration.find_spec", lambda name: None)
    monkeypatch.setitem(sys.modules, "pytest_lambda_esm.explore.engine", None)  # So that to import it fails.


@pytest.mark.usefixtures("no_hypothesis")
def test_single_troubles_need_no_hypothesis(lambda_esm, charges):
    exploration = lambda_esm.explore(runs=12, at_most=1)
    for run in exploration:
        with run:
            assert charges.run(lambda_esm, charges.put, "o1") == {"o1": 1}
    assert exploration.report.startswith("exploration: 12 worlds, none broke")


@pytest.mark.usefixtures("no_hypothesis")
def test_combinations_need_hypothesis_which_is_said_before_the_first_world(lambda_esm):
    with pytest.raises(FaultError, match=r"pip install 'pytest-lambda-esm\[hypothesis\]', or .*explore\(at_most=1\)"):
        for _ in lambda_esm.explore(at_most=2):
            pytest.fail("a world")


def test_the_order_at_the_same_instant_is_explored(lambda_esm):
    """Shards are due at the same instant; a handler that keeps the last record has another result in another order."""
    seen = set()
    last = []
    exploration = lambda_esm.explore(runs=8, operations=("poller.Read",))
    for run in exploration:
        with run:
            last.clear()
            clicks = lambda_esm.stream("clicks", shards=3)
            function = lambda_esm.function("f", lambda event, context: last.append(event["Records"][0]["eventID"][:20]))
            lambda_esm.connect(clicks, function, StartingPosition="TRIM_HORIZON")
            for key in "abcdefgh":
                clicks.put("x", key=key)
            lambda_esm.clock.run_until_idle()
            seen.add(tuple(last))
    assert len(seen) > 1


def test_a_failure_of_an_order_is_replayed_by_its_marker(lambda_esm):
    calls = []

    def handler(event, context):
        calls.append(event)

    with pytest.raises(ExplorationFailed, match=r"(?s)by interleaving \d:.*@pytest.mark.lambda_esm\(interleaving=\d\)"):
        for run in lambda_esm.explore(runs=20, operations=("poller.InvokeEvent",)):
            with run:
                calls.clear()
                lambda_esm.function("f", handler)
                for number in range(3):
                    boto3.client("lambda").invoke(FunctionName="f", InvocationType="Event", Payload=str(number))
                lambda_esm.clock.run_until_idle()
                if not run.struck:
                    assert calls == [0, 1, 2]


def test_an_interleaving_is_always_the_same():
    def order(number):
        calls = []
        with FakeLambda(interleaving=number) as fake:
            fake.function("f", lambda event, context: calls.append(event))
            for event in range(6):
                fake.client("lambda").invoke(FunctionName="f", InvocationType="Event", Payload=str(event))
            fake.clock.run_until_idle()
        return calls

    assert order(0) == [0, 1, 2, 3, 4, 5]
    assert order(1) == order(1) != order(0)
    assert sorted(order(1)) == order(0)


@pytest.mark.parametrize("runs", [50_001, 10**9])
def test_too_many_worlds_are_told_before(lambda_esm, runs):
    with pytest.raises(
        FaultError, match=f"runs = {runs:,} is too many: at 20 ms for each world, that takes about .* minutes"
    ):
        lambda_esm.explore(runs=runs)


def test_a_world_that_breaks_without_any_trouble_is_not_deterministic(lambda_esm, charges):
    worlds = 0
    with pytest.raises(ExplorationFailed, match=r"not deterministic: nothing went wrong in world \d+, yet it broke"):
        for run in lambda_esm.explore(runs=6, operations=("poller.Send", "poller.Read")):
            with run:
                worlds += 1
                charges.run(lambda_esm, charges.put, "o1")
                assert run.struck or worlds < 3


def test_a_world_inside_of_another_one_is_refused(lambda_esm, charges):
    with lambda_esm.world(), pytest.raises(FaultError, match="another world is open"), lambda_esm.world():
        pass


def test_a_world_is_entered_once(lambda_esm):
    world = lambda_esm.world()
    with world:
        pass
    with pytest.raises(FaultError, match="this world has ended; each is entered once"), world:
        pass


def test_a_strategy_is_not_a_trouble(lambda_esm):
    with pytest.raises(FaultError, match=r"Write @given\(trouble=troubles\(\)\) above the test"):
        lambda_esm.world(troubles())


def test_a_search_that_no_world_breaks_is_the_same_in_one_go():
    engine = Engine(Space([("poller.Read", 3), ("poller.Invoke", 5)] * 4, 3, None), 60, 7)
    assert engine.chosen() == list(dict.fromkeys(engine.troubles()))


def test_an_exploration_inside_of_a_hypothesis_test(lambda_esm, charges):
    @settings(max_examples=1, database=None, deadline=None)
    @given(trouble=troubles())
    def explore(trouble):
        for run in lambda_esm.explore(runs=20, at_most=2):
            with run:
                assert charges.run(lambda_esm, charges.put, "o1") == {"o1": 1}

    explore()
