"""Where reading of a stream begins: with records written after the mapping shows Enabled, however it got there."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from helpers.streams import SOURCES, Handler, KinesisSource, Source
from pytest_lambda_esm import FakeLambda, after_reads

Enable = Callable[[FakeLambda, Source], None]


def create(fake: FakeLambda, source: Source, **params: object) -> str:
    created = fake.client("lambda").create_event_source_mapping(
        EventSourceArn=source.arn, FunctionName="consumer", StartingPosition="LATEST", **params
    )
    return str(created["UUID"])


def state(fake: FakeLambda, uuid: str) -> str:
    return str(fake.client("lambda").get_event_source_mapping(UUID=uuid)["State"])


def by_the_clock(fake: FakeLambda, source: Source) -> None:
    create(fake, source)
    fake.clock.advance(5)


def by_reads(fake: FakeLambda, source: Source) -> None:
    fake.transitions(creating=after_reads(2))
    uuid = create(fake, source)
    while state(fake, uuid) != "Enabled":
        pass


def at_once(fake: FakeLambda, source: Source) -> None:
    fake.transitions(creating="instant")
    create(fake, source)


def by_release(fake: FakeLambda, source: Source) -> None:
    fake.transitions(creating="manual")
    fake.mapping(create(fake, source)).release()


def by_force(fake: FakeLambda, source: Source) -> None:
    fake.mapping(create(fake, source)).force("Enabled")


def by_enabling(fake: FakeLambda, source: Source) -> None:
    fake.transitions(creating="instant", enabling="instant")
    uuid = create(fake, source, Enabled=False)
    source.put("while it is disabled")
    fake.client("lambda").update_event_source_mapping(UUID=uuid, Enabled=True)


WAYS: list[Enable] = [by_the_clock, by_reads, at_once, by_release, by_force, by_enabling]


@pytest.mark.parametrize("enable", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("kind", SOURCES)
def test_latest_has_all_that_is_written_after_the_state_reads_enabled(
    lambda_esm: FakeLambda, kind: str, enable: Enable
) -> None:
    source = SOURCES[kind](lambda_esm)
    handler = Handler(source)
    lambda_esm.function("consumer", handler)
    source.put("before")
    enable(lambda_esm, source)
    (mapping,) = lambda_esm.mappings
    assert mapping.state == "Enabled"
    source.put("after")
    lambda_esm.clock.run_until_idle()
    assert handler.batches == [["after"]]


def test_latest_has_all_that_is_written_after_a_stack_is_complete(lambda_esm: FakeLambda) -> None:
    source = KinesisSource(lambda_esm)
    handler = Handler(source)
    lambda_esm.function("consumer", handler)
    properties = {"EventSourceArn": source.arn, "FunctionName": "consumer", "StartingPosition": "LATEST"}
    resource = {"Type": "AWS::Lambda::EventSourceMapping", "Properties": properties}
    template = json.dumps({"Resources": {"Mapping": resource}})
    lambda_esm.client("cloudformation").create_stack(StackName="stack", TemplateBody=template)
    source.put("after")
    lambda_esm.clock.run_until_idle()
    assert handler.batches == [["after"]]


@pytest.mark.lambda_esm(polling_delay=30, advice_ignore="ESM118")
def test_with_a_polling_delay_latest_begins_at_its_end(lambda_esm: FakeLambda) -> None:
    source = KinesisSource(lambda_esm)
    handler = Handler(source)
    lambda_esm.function("consumer", handler)
    by_the_clock(lambda_esm, source)
    source.put("within the delay")
    assert "it begins to poll at 00:00:35" in lambda_esm.explain()
    lambda_esm.clock.advance(30)
    source.put("after")
    lambda_esm.clock.run_until_idle()
    assert handler.batches == [["after"]]
