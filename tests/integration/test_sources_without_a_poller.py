"""Mappings of sources that are not polled yet say so, instead of silently delivering nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pytest_lambda_esm import FakeLambda
from pytest_lambda_esm.api import unsupported as support

ARNS = {
    "kafka": "arn:aws:kafka:us-east-1:123456789012:cluster/main/0123",
}
SECRET = [{"Type": "BASIC_AUTH", "URI": "arn:aws:secretsmanager:us-east-1:123456789012:secret:x"}]
MORE = {
    "kafka": {"Topics": ["topic"], "StartingPosition": "LATEST"},
}


@pytest.fixture
def fake() -> Iterator[FakeLambda]:
    with FakeLambda(region="us-east-1", advice="off") as fake:
        yield fake


@pytest.mark.parametrize("service", sorted(set(ARNS) & set(support.SOURCES)))
def test_the_timeline_and_explain_say_that_it_does_not_poll(fake: FakeLambda, service: str) -> None:
    fake.function("fn")
    created = fake.client("lambda").create_event_source_mapping(
        FunctionName="fn", EventSourceArn=ARNS[service], **MORE[service]
    )
    fake.clock.advance(60)
    reason = f"it does not poll: {support.SOURCES[service].thing} is not simulated"
    assert [entry.subject for entry in fake.timeline.of("poll") if reason in entry.text] == [
        f"mapping {created['UUID']}"
    ]
    assert reason in fake.explain(ARNS[service])
    fake.clock.run_until_idle()
    assert not fake.invocations


@pytest.mark.parametrize("service", sorted(set(ARNS) & set(support.SOURCES)))
def test_explain_promises_no_polling_before_the_clock_runs(fake: FakeLambda, service: str) -> None:
    fake.function("fn")
    fake.transitions(creating="instant")
    fake.client("lambda").create_event_source_mapping(FunctionName="fn", EventSourceArn=ARNS[service], **MORE[service])
    explained = fake.explain(ARNS[service])
    assert f"it does not poll: {support.SOURCES[service].thing} is not simulated" in explained
    assert "begin" not in explained


def test_the_source_of_self_managed_kafka_is_its_servers(fake: FakeLambda) -> None:
    fake.function("fn")
    created = fake.client("lambda").create_event_source_mapping(
        FunctionName="fn",
        SelfManagedEventSource={"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["kafka:1000", "kafka:2000"]}},
        Topics=["topic"],
        SourceAccessConfigurations=SECRET,
    )
    mapping = fake.mapping(created)
    assert mapping.source_arn == "kafka:1000,kafka:2000"
    assert repr(mapping) == f"<Mapping {mapping.uuid} Creating kafka:1000,kafka:2000 -> {mapping.function_arn}>"
