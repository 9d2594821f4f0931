"""A deterministic AWS Lambda event system inside a pytest process.

All public names are here. Each is imported when it is first used, so that a test run that uses none of them imports
neither boto3 nor moto.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_lambda_esm.brokers.documentdb.cluster import DocumentDBCluster
    from pytest_lambda_esm.brokers.documentdb.collection import DocumentDBCollection
    from pytest_lambda_esm.brokers.kafka.cluster import KafkaCluster
    from pytest_lambda_esm.brokers.kafka.consumer import GroupMember
    from pytest_lambda_esm.brokers.kafka.producer import KafkaProducer
    from pytest_lambda_esm.brokers.kafka.records import KafkaRecord, RecordMetadata
    from pytest_lambda_esm.brokers.kafka.registry import SchemaRegistry
    from pytest_lambda_esm.brokers.mq.broker import MqBroker
    from pytest_lambda_esm.brokers.mq.messages import MqMessage
    from pytest_lambda_esm.brokers.mq.queue import MqQueue
    from pytest_lambda_esm.clock.events import DueEvent
    from pytest_lambda_esm.clock.handle import VirtualClock
    from pytest_lambda_esm.config import AfterReads, Config, TransitionTimes, Weather, after_reads
    from pytest_lambda_esm.deploy.stack import Stack, StackResource
    from pytest_lambda_esm.errors import (
        AlreadyActive,
        ClockError,
        ClockLimitExceeded,
        ConfigurationError,
        DeployError,
        ExplorationFailed,
        FaultError,
        HandlerError,
        LambdaEsmAdvice,
        LambdaEsmError,
        MappingNotFound,
        NetworkBlocked,
        NotActive,
        NotIdempotent,
        NotSimulated,
        StateError,
        SweepFailed,
        UnexpectedHandlerError,
        UnusedFault,
    )
    from pytest_lambda_esm.fake import FakeLambda
    from pytest_lambda_esm.faults.call import IncomingCall
    from pytest_lambda_esm.faults.effects import (
        AwsError,
        NetworkFault,
        after_writes,
        aws_error,
        connect_timeout,
        connection_reset,
        latency,
        lost_response,
        read_timeout,
    )
    from pytest_lambda_esm.faults.fault import Fault
    from pytest_lambda_esm.faults.plan import FaultPlan
    from pytest_lambda_esm.invocation.context import LambdaContext
    from pytest_lambda_esm.invocation.function import Function
    from pytest_lambda_esm.invocation.handlers import HandlerCall, HandlerResult
    from pytest_lambda_esm.invocation.record import Invocation
    from pytest_lambda_esm.invocation.result import FunctionError
    from pytest_lambda_esm.invocation.script import Outcome, exits, raises, returns, runs, throttled, times_out
    from pytest_lambda_esm.mappings.mapping import Mapping, Transition
    from pytest_lambda_esm.observe.calls import Call, Calls
    from pytest_lambda_esm.observe.fates import Fate
    from pytest_lambda_esm.observe.timeline import Entry, Timeline
    from pytest_lambda_esm.server.server import Server
    from pytest_lambda_esm.setting_types import Settings
    from pytest_lambda_esm.simulation.journeys.journey import Journey, JourneyStep
    from pytest_lambda_esm.simulation.resources import DynamoDBTable, KinesisStream, SqsMessage, SqsQueue
    from pytest_lambda_esm.sweep.run import SweepRun
    from pytest_lambda_esm.sweep.sweep import Sweep

_MODULES = {
    "AfterReads": "config",
    "AlreadyActive": "errors",
    "AwsError": "faults.effects",
    "Call": "observe.calls",
    "Calls": "observe.calls",
    "ClockError": "errors",
    "ClockLimitExceeded": "errors",
    "Config": "config",
    "ConfigurationError": "errors",
    "DeployError": "errors",
    "DocumentDBCluster": "brokers.documentdb.cluster",
    "DocumentDBCollection": "brokers.documentdb.collection",
    "DueEvent": "clock.events",
    "DynamoDBTable": "simulation.resources",
    "Entry": "observe.timeline",
    "ExplorationFailed": "errors",
    "FakeLambda": "fake",
    "Fate": "observe.fates",
    "Fault": "faults.fault",
    "FaultError": "errors",
    "FaultPlan": "faults.plan",
    "Function": "invocation.function",
    "FunctionError": "invocation.result",
    "GroupMember": "brokers.kafka.consumer",
    "HandlerCall": "invocation.handlers",
    "HandlerError": "errors",
    "HandlerResult": "invocation.handlers",
    "IncomingCall": "faults.call",
    "Invocation": "invocation.record",
    "Journey": "simulation.journeys.journey",
    "JourneyStep": "simulation.journeys.journey",
    "KafkaCluster": "brokers.kafka.cluster",
    "KafkaProducer": "brokers.kafka.producer",
    "KafkaRecord": "brokers.kafka.records",
    "KinesisStream": "simulation.resources",
    "LambdaContext": "invocation.context",
    "LambdaEsmAdvice": "errors",
    "LambdaEsmError": "errors",
    "Mapping": "mappings.mapping",
    "MappingNotFound": "errors",
    "MqBroker": "brokers.mq.broker",
    "MqMessage": "brokers.mq.messages",
    "MqQueue": "brokers.mq.queue",
    "NetworkBlocked": "errors",
    "NetworkFault": "faults.effects",
    "NotActive": "errors",
    "NotIdempotent": "errors",
    "NotSimulated": "errors",
    "Outcome": "invocation.script",
    "RecordMetadata": "brokers.kafka.records",
    "SchemaRegistry": "brokers.kafka.registry",
    "Server": "server.server",
    "Settings": "setting_types",
    "SqsMessage": "simulation.resources",
    "SqsQueue": "simulation.resources",
    "Stack": "deploy.stack",
    "StackResource": "deploy.stack",
    "StateError": "errors",
    "Sweep": "sweep.sweep",
    "SweepFailed": "errors",
    "SweepRun": "sweep.run",
    "Timeline": "observe.timeline",
    "Transition": "mappings.mapping",
    "TransitionTimes": "config",
    "UnexpectedHandlerError": "errors",
    "UnusedFault": "errors",
    "VirtualClock": "clock.handle",
    "Weather": "config",
    "after_reads": "config",
    "after_writes": "faults.effects",
    "aws_error": "faults.effects",
    "connect_timeout": "faults.effects",
    "connection_reset": "faults.effects",
    "exits": "invocation.script",
    "latency": "faults.effects",
    "lost_response": "faults.effects",
    "raises": "invocation.script",
    "read_timeout": "faults.effects",
    "returns": "invocation.script",
    "runs": "invocation.script",
    "throttled": "invocation.script",
    "times_out": "invocation.script",
}

__all__ = [
    "AfterReads",
    "AlreadyActive",
    "AwsError",
    "Call",
    "Calls",
    "ClockError",
    "ClockLimitExceeded",
    "Config",
    "ConfigurationError",
    "DeployError",
    "DocumentDBCluster",
    "DocumentDBCollection",
    "DueEvent",
    "DynamoDBTable",
    "Entry",
    "ExplorationFailed",
    "FakeLambda",
    "Fate",
    "Fault",
    "FaultError",
    "FaultPlan",
    "Function",
    "FunctionError",
    "GroupMember",
    "HandlerCall",
    "HandlerError",
    "HandlerResult",
    "IncomingCall",
    "Invocation",
    "Journey",
    "JourneyStep",
    "KafkaCluster",
    "KafkaProducer",
    "KafkaRecord",
    "KinesisStream",
    "LambdaContext",
    "LambdaEsmAdvice",
    "LambdaEsmError",
    "Mapping",
    "MappingNotFound",
    "MqBroker",
    "MqMessage",
    "MqQueue",
    "NetworkBlocked",
    "NetworkFault",
    "NotActive",
    "NotIdempotent",
    "NotSimulated",
    "Outcome",
    "RecordMetadata",
    "SchemaRegistry",
    "Server",
    "Settings",
    "SqsMessage",
    "SqsQueue",
    "Stack",
    "StackResource",
    "StateError",
    "Sweep",
    "SweepFailed",
    "SweepRun",
    "Timeline",
    "Transition",
    "TransitionTimes",
    "UnexpectedHandlerError",
    "UnusedFault",
    "VirtualClock",
    "Weather",
    "after_reads",
    "after_writes",
    "aws_error",
    "connect_timeout",
    "connection_reset",
    "exits",
    "latency",
    "lost_response",
    "raises",
    "read_timeout",
    "returns",
    "runs",
    "throttled",
    "times_out",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("pytest-lambda-esm")
    if name == "marks":
        return import_module(f"{__name__}.marks")
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}.{_suggestion(name)}")
    value = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def _suggestion(name: str) -> str:
    if name.startswith("_") or name.startswith("pytest_"):  # Tools look for such names, and do not read the text.
        return ""
    from pytest_lambda_esm.errors import nearest

    return f" {nearest(name, __all__)}"


def __dir__() -> list[str]:
    return [*__all__, "__version__", "marks"]
