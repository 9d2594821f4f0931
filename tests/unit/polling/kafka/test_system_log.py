"""What the pollers of a Kafka mapping write into the log group of its function."""

from __future__ import annotations

from typing import Any

import pytest

from helpers.kafka import ARN, QUEUE, KafkaSimulation, names_of

ALWAYS = ("eventType", "timestamp", "resourceArn", "eventSourceArn", "eventProcessorId", "logLevel")


def accept(event: dict[str, Any]) -> None:
    """Succeed."""


def started(level: str | None, handler: Any = accept, **settings: Any) -> KafkaSimulation:
    logging = {} if level is None else {"LoggingConfig": {"SystemLogLevel": level}}
    simulation = KafkaSimulation(handler, **logging, **settings)
    simulation.poller.start()
    return simulation


def types_of(simulation: KafkaSimulation) -> set[str]:
    return {record["eventType"] for _, record in simulation.log}


@pytest.mark.parametrize(
    ("level", "types"),
    [
        (None, []),
        ("WARN", ["ESM_PROCESSING_EVENT"]),
        ("INFO", ["ESM_PROCESSING_EVENT", "POLLER_STATUS_EVENT"]),
        ("DEBUG", ["ESM_PROCESSING_EVENT", "KAFKA_STATUS_EVENT", "POLLER_STATUS_EVENT"]),
    ],
)
def test_a_level_includes_the_ones_above_it(level: str | None, types: list[str]) -> None:
    simulation = started(level)
    simulation.clock.advance(60)
    simulation.cluster.refuse("authentication")
    simulation.clock.advance(60)
    assert sorted(types_of(simulation)) == types


def test_every_record_names_the_mapping_its_poller_and_the_time() -> None:
    simulation = started("INFO", pollers=2, partitions=2)
    simulation.clock.advance(0)
    streams = {stream for stream, _ in simulation.log}
    assert streams == {"2026/01/01/uuid"}
    for _, record in simulation.log:
        assert tuple(record)[:6] == ALWAYS
        assert (record["timestamp"], record["resourceArn"], record["eventSourceArn"]) == (1_767_225_600_000, "arn", ARN)
    assert {record["eventProcessorId"] for _, record in simulation.log} == {"uuid/0", "uuid/1"}


def test_a_change_of_the_partitions_is_written_once() -> None:
    simulation = started("INFO", partitions=2)
    simulation.put("1")
    simulation.clock.run_until_idle()
    simulation.update(ProvisionedPollerConfig={"MinimumPollers": 2})
    simulation.clock.run_until_idle()
    connections = [record["kafkaEventSourceConnection"] for _, record in simulation.log]
    first = connections[0]
    assert (first["consumerId"], first["assignedPartitions"]) == ("uuid-0", ["orders-0", "orders-1"])
    assert [each["assignedPartitions"] for each in connections[1:]] == [["orders-0"], ["orders-1"]]
    assert [each["partitionsAssignmentGeneration"] for each in connections] == [1, 2, 3]


def test_a_consumer_that_is_built_again_is_written_again() -> None:
    simulation = started("INFO")
    simulation.poller.stop()
    simulation.poller.start()
    assert len(simulation.log) == 2


@pytest.mark.parametrize(
    ("access", "expected"),
    [
        ([], {"securityProtocol": "SASL_SSL", "saslMechanism": "AWS_MSK_IAM"}),
        (["SASL_SCRAM_512_AUTH"], {"securityProtocol": "SASL_SSL", "saslMechanism": "SCRAM-SHA-512"}),
        (["CLIENT_CERTIFICATE_TLS_AUTH"], {"securityProtocol": "SSL"}),
    ],
    ids=["iam", "scram", "certificate"],
)
def test_how_a_consumer_connects(access: list[str], expected: dict[str, str]) -> None:
    given = [{"Type": kind, "URI": "arn:x"} for kind in access]
    simulation = started("INFO", SourceAccessConfigurations=given)
    connection = simulation.log[0][1]["kafkaEventSourceConnection"]
    assert {name: connection[name] for name in ("securityProtocol", "saslMechanism") if name in connection} == expected


def test_the_offsets_of_each_minute() -> None:
    simulation = started("DEBUG")
    simulation.duration = 100
    simulation.put("1", "2")
    simulation.clock.advance(60)
    simulation.put("3")
    simulation.clock.advance(60)
    found = [record["kafkaPartitionOffsets"] for _, record in simulation.log if "kafkaPartitionOffsets" in record]
    base = {"partition": "orders-0"}
    assert found == [
        {**base, "endOffset": 2, "consumedOffset": 1, "processedOffset": -1, "committedOffset": 0},
        {**base, "endOffset": 3, "consumedOffset": 2, "processedOffset": 1, "committedOffset": 2},
    ]


def test_run_until_idle_does_not_wait_for_the_offsets() -> None:
    simulation = started("DEBUG")
    simulation.put("1")
    simulation.clock.run_until_idle()
    assert "KAFKA_STATUS_EVENT" not in types_of(simulation)
    simulation.poller.stop()
    simulation.clock.advance(600)
    assert "KAFKA_STATUS_EVENT" not in types_of(simulation)


def test_a_share_group_has_no_offsets() -> None:
    simulation = started("DEBUG", **QUEUE)
    simulation.clock.advance(120)
    assert types_of(simulation) == {"POLLER_STATUS_EVENT"}


def test_discarded_records_are_a_warning() -> None:
    def refuse(event: dict[str, Any]) -> None:
        raise ValueError(names_of(event))

    simulation = started("WARN", refuse, MaximumRetryAttempts=0)
    simulation.put("1")
    simulation.clock.run_until_idle()
    ((_, record),) = simulation.log
    assert record["error"] == {
        "errorMessage": "1 record of orders-0 discarded: RetryAttemptsExhausted after 1 attempt; there is no failure"
        " destination",
        "errorCode": "RetryAttemptsExhausted",
    }


def test_a_read_that_fails_is_a_warning() -> None:
    simulation = started("WARN")
    strikes = iter([ValueError("a fault of the test")])

    def strike(step: str) -> None:
        if error := next(strikes, None):
            raise error

    simulation.strike = strike
    simulation.put("1")
    with pytest.raises(ValueError, match="a fault"):
        simulation.clock.advance(1)
    ((_, record),) = simulation.log
    assert record["error"]["errorCode"] == "org.apache.kafka.common.errors.TimeoutException"
