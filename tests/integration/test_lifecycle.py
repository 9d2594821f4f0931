"""The states of a mapping as a client sees them, and how a test controls them."""

import time

import pytest
from botocore.exceptions import ClientError

from pytest_lambda_esm import ClockLimitExceeded, ConfigurationError, LambdaEsmError, MappingNotFound, after_reads


def state(setup):
    return setup.aws_lambda.get_event_source_mapping(UUID=setup.uuid)["State"]


def test_waiting_by_sleeping(lambda_esm, connect):
    lambda_esm.transitions(creating=30)
    setup = connect(lambda_esm)
    setup.wait_until_enabled()
    assert lambda_esm.clock.slept == [5] * 6
    history = lambda_esm.mapping(setup.uuid).history
    assert [(step.state, (step.at - history[0].at).total_seconds()) for step in history] == [
        ("Creating", 0),
        ("Enabled", 30),
    ]


def test_instant(lambda_esm, connect):
    lambda_esm.transitions(creating="instant")
    setup = connect(lambda_esm)
    assert state(setup) == "Enabled"
    assert lambda_esm.clock.slept == []


def test_manual(lambda_esm, connect):
    lambda_esm.transitions(creating="manual")
    setup = connect(lambda_esm)
    lambda_esm.clock.advance(days=1)
    assert state(setup) == "Creating"
    lambda_esm.mapping(setup.uuid).release()
    assert state(setup) == "Enabled"


def test_after_reads(lambda_esm, connect):
    lambda_esm.transitions(creating=after_reads(2))
    setup = connect(lambda_esm)
    assert [state(setup) for _ in range(3)] == ["Creating", "Creating", "Enabled"]


def test_a_list_counts_as_a_read_of_each_mapping_on_the_page(lambda_esm, connect):
    lambda_esm.transitions(creating=after_reads(2))
    setup = connect(lambda_esm)

    def listed(**params):
        return [
            mapping["State"] for mapping in setup.aws_lambda.list_event_source_mappings(**params)["EventSourceMappings"]
        ]

    assert listed(FunctionName="another") == []
    assert listed() == ["Creating"]
    assert listed() == ["Creating"]
    assert listed() == ["Enabled"]


def test_the_answer_of_an_update_does_not_count_as_a_read(lambda_esm, connect):
    setup = connect(lambda_esm)
    setup.wait_until_enabled()
    lambda_esm.transitions(updating=after_reads(1))
    assert setup.aws_lambda.update_event_source_mapping(UUID=setup.uuid, BatchSize=1)["State"] == "Updating"
    assert [state(setup) for _ in range(2)] == ["Updating", "Enabled"]


@pytest.mark.lambda_esm(transitions={"deleting": "manual"})
def test_deleting(lambda_esm, connect):
    setup = connect(lambda_esm)
    setup.wait_until_enabled()
    mapping = lambda_esm.mapping(setup.uuid)
    for _ in range(2):  # A second request in the meantime gets the same answer.
        answer = setup.aws_lambda.delete_event_source_mapping(UUID=setup.uuid)
        assert (answer["State"], answer["ResponseMetadata"]["HTTPStatusCode"]) == ("Deleting", 202)
    assert lambda_esm.mappings == [mapping]
    mapping.release()
    with pytest.raises(setup.aws_lambda.exceptions.ResourceNotFoundException):
        state(setup)
    assert mapping.state == "Deleted"
    assert lambda_esm.mappings == []


IN_TRANSITION = ["Creating", "Updating", "Enabling", "Disabling"]


def check_in_use(verb, call, **params):
    with pytest.raises(ClientError) as info:
        call(**params)
    assert info.value.response["Error"] == {
        "Code": "ResourceInUseException",
        "Message": f"Cannot {verb} the event source mapping because it is in use.",
    }
    assert info.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert info.value.response["ResponseMetadata"]["RetryAttempts"] == 0


@pytest.mark.parametrize("held", IN_TRANSITION)
def test_a_mapping_in_transition_cannot_be_deleted(lambda_esm, connect, held):
    setup = connect(lambda_esm)
    setup.wait_until_enabled()
    lambda_esm.mapping(setup.uuid).force(held)
    check_in_use("delete", setup.aws_lambda.delete_event_source_mapping, UUID=setup.uuid)


@pytest.mark.parametrize("changes", [{"BatchSize": 1}, {"Enabled": True}, {"Enabled": False}, {}], ids=str)
@pytest.mark.parametrize("held", [*IN_TRANSITION, "Deleting"])
def test_a_mapping_in_transition_cannot_be_updated(lambda_esm, connect, held, changes):
    setup = connect(lambda_esm)
    setup.wait_until_enabled()
    lambda_esm.mapping(setup.uuid).force(held)
    check_in_use("update", setup.aws_lambda.update_event_source_mapping, UUID=setup.uuid, **changes)
    assert state(setup) == held


def test_disable_and_enable(lambda_esm, connect):
    setup = connect(lambda_esm)
    setup.wait_until_enabled()
    assert setup.aws_lambda.update_event_source_mapping(UUID=setup.uuid, Enabled=False)["State"] == "Disabling"
    time.sleep(5)
    assert state(setup) == "Disabled"
    assert setup.aws_lambda.update_event_source_mapping(UUID=setup.uuid, Enabled=True)["State"] == "Enabling"
    setup.wait_until_enabled()
    assert [step.state for step in lambda_esm.mapping(setup.uuid).history] == [
        "Creating",
        "Enabled",
        "Disabling",
        "Disabled",
        "Enabling",
        "Enabled",
    ]


@pytest.mark.parametrize("held", [True, False])
@pytest.mark.lambda_esm(longest_standstill=0, strict=False)
def test_code_that_waits_for_a_state_forever_is_stopped(lambda_esm, connect, held):
    if not held:
        lambda_esm.transitions(creating="manual")
    setup = connect(lambda_esm)
    if held:
        lambda_esm.mapping(setup.uuid).hold("Creating")
    with pytest.raises(ClockLimitExceeded) as info:
        setup.wait_until_enabled()
    assert "has slept 1000 times in a row, 1:23:20 of virtual time, and nothing has happened" in str(info.value)
    assert f"mapping {setup.uuid}: Creating becomes Enabled when the test calls release()" in str(info.value)
    with pytest.raises(ClockLimitExceeded, match=f"nothing is pending any more.*(?s:.*)mapping {setup.uuid}: Creating"):
        lambda_esm.clock.run_until(lambda: setup.function.invocations)
    lambda_esm.mapping(setup.uuid).release()
    lambda_esm.clock.advance(10)
    assert state(setup) == "Enabled"


def test_created_disabled_reads_disabled_at_once(lambda_esm, connect):
    setup = connect(lambda_esm, mapping={"Enabled": False})
    assert lambda_esm.calls.of("CreateEventSourceMapping")[0].status == 202
    assert state(setup) == "Disabled"


def test_a_change_of_state_by_the_service(lambda_esm, connect):
    setup = connect(lambda_esm)
    assert "LastProcessingResult" not in setup.aws_lambda.get_event_source_mapping(UUID=setup.uuid)
    lambda_esm.mapping(setup.uuid).force("Disabled", reason="FUNCTION_CONFIG_NOT_VALID", result="PROBLEM: no function")
    answer = setup.aws_lambda.get_event_source_mapping(UUID=setup.uuid)
    assert (answer["State"], answer["StateTransitionReason"]) == ("Disabled", "FUNCTION_CONFIG_NOT_VALID")
    assert answer["LastProcessingResult"] == "PROBLEM: no function"


@pytest.mark.lambda_esm(polling_delay=60)
def test_explain_says_when_polling_begins(lambda_esm, connect):
    setup = connect(lambda_esm)
    lambda_esm.clock.advance(20)
    assert "it begins to poll at 00:01:05.000000" in lambda_esm.explain(setup.uuid)
    setup.send("early")
    lambda_esm.clock.advance(44)
    assert not setup.function.invocations
    lambda_esm.clock.advance(1)
    assert len(setup.function.invocations) == 1


@pytest.mark.lambda_esm(polling_delay=30)
@pytest.mark.parametrize("ended", ["disabled", "deleted"])
def test_a_mapping_that_stops_before_its_first_poll(lambda_esm, connect, ended):
    lambda_esm.transitions(creating="instant", disabling="instant", enabling="instant", deleting="instant")
    setup = connect(lambda_esm)
    setup.send("x")
    lambda_esm.clock.advance(20)
    if ended == "disabled":
        setup.aws_lambda.update_event_source_mapping(UUID=setup.uuid, Enabled=False)
    else:
        setup.aws_lambda.delete_event_source_mapping(UUID=setup.uuid)
    lambda_esm.clock.advance(hours=1)
    assert setup.function.invocations == []
    if ended == "disabled":
        setup.aws_lambda.update_event_source_mapping(UUID=setup.uuid, Enabled=True)
        lambda_esm.clock.advance(29)
        assert setup.function.invocations == []
        lambda_esm.clock.advance(1)
        assert len(setup.function.invocations) == 1


def test_polling_that_begins_now_waits_for_the_clock(lambda_esm, connect):
    lambda_esm.transitions(creating="instant")
    setup = connect(lambda_esm)
    setup.send("a")
    assert "messages are visible and will be received as soon as the clock runs" in lambda_esm.explain(setup.uuid)
    assert setup.function.invocations == []


@pytest.mark.parametrize(("answers", "shown"), [("new", 5), ("old", 10)])
def test_the_setting_update_answers_chooses_the_values_that_an_update_returns(request, answers, shown, connect):
    from pytest_lambda_esm import FakeLambda

    with FakeLambda(update_answers=answers) as fake:
        setup = connect(fake)
        setup.wait_until_enabled()
        answer = setup.aws_lambda.update_event_source_mapping(UUID=setup.uuid, BatchSize=5)
        assert (answer["State"], answer["BatchSize"]) == ("Updating", shown)
        fake.clock.advance(5)
        assert setup.aws_lambda.get_event_source_mapping(UUID=setup.uuid)["BatchSize"] == 5


def test_an_update_to_another_function(lambda_esm, connect):
    setup = connect(lambda_esm)
    setup.wait_until_enabled()
    other = lambda_esm.function("other", lambda event, context: None)
    answer = setup.aws_lambda.update_event_source_mapping(UUID=setup.uuid, FunctionName="other")
    assert (answer["FunctionArn"], answer["State"]) == (other.arn, "Updating")
    setup.send("while updating")
    lambda_esm.clock.advance(4)
    assert len(setup.function.invocations) == 1
    setup.wait_until_enabled()
    setup.send("after")
    lambda_esm.clock.run_until_idle()
    assert (len(setup.function.invocations), len(other.invocations)) == (1, 1)


def test_unknown_transitions_are_refused_at_the_users_line(lambda_esm):
    with pytest.raises(ConfigurationError, match="there is no transition 'create'"):
        lambda_esm.transitions(create=5)


def test_a_mapping_is_found_by_uuid_arn_and_answer(lambda_esm, connect):
    setup = connect(lambda_esm)
    answer = setup.aws_lambda.get_event_source_mapping(UUID=setup.uuid)
    mapping = lambda_esm.mapping(setup.uuid)
    assert lambda_esm.mapping(answer) is mapping
    assert lambda_esm.mapping(answer["EventSourceMappingArn"]) is mapping
    with pytest.raises(MappingNotFound, match=f"<Mapping {setup.uuid} Creating"):
        lambda_esm.mapping("another")


def test_explain_gives_the_date_of_a_change_on_another_day(lambda_esm, connect):
    setup = connect(lambda_esm)
    lambda_esm.clock.advance(10)
    assert f"mapping {setup.uuid} is Enabled since 00:00:05.000000" in lambda_esm.explain(setup.uuid)
    lambda_esm.clock.advance(days=1)
    assert f"mapping {setup.uuid} is Enabled since 2026-01-01 00:00:05.000000" in lambda_esm.explain(setup.uuid)


@pytest.mark.parametrize("nonsense", [None, 123, b"uuid", ["uuid"]])
def test_an_argument_that_cannot_name_a_mapping_is_refused_at_the_users_line(lambda_esm, nonsense):
    with pytest.raises(MappingNotFound, match="this takes a UUID, an ARN, a queue's URL"):
        lambda_esm.mapping(nonsense)
    with pytest.raises(LambdaEsmError, match=r"takes a UUID, an ARN, .* and there is no "):
        lambda_esm.fates(nonsense)
