"""Short forms of what most tests do first: the part of ``FakeLambda`` that makes sources, mappings and moves the clock.

Each is one or two of boto3's calls. They are in the logs like other calls, and faults strike them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping as ReadOnly
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from pytest_lambda_esm.arguments import suggesting
from pytest_lambda_esm.arn import Arn
from pytest_lambda_esm.clock.handle import VirtualClock
from pytest_lambda_esm.clock.moves import HOUR
from pytest_lambda_esm.config import AfterReads, Config
from pytest_lambda_esm.errors import ConfigurationError, LambdaEsmError, nearest
from pytest_lambda_esm.invocation.function import Function
from pytest_lambda_esm.mappings.mapping import Mapping
from pytest_lambda_esm.moto_bridge import session
from pytest_lambda_esm.simulation import queries, subjects
from pytest_lambda_esm.simulation.resources import DynamoDBTable, KinesisStream, SqsQueue, queue_arn
from pytest_lambda_esm.simulation.subjects import Given
from pytest_lambda_esm.simulation.world import World
from pytest_lambda_esm.timing import Span

if TYPE_CHECKING:
    from pytest_lambda_esm.brokers.mq.queue import MqQueue

StreamView = Literal["NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES", "KEYS_ONLY"]

_FIFO: Final = ".fifo"
_LONGEST_VISIBILITY: Final = 43_200
_WITHOUT_POSITION: Final = ("sqs", "mq")
"""The services whose mappings have no starting position."""


class Shortcuts(ABC):
    """The base of ``FakeLambda`` with short forms. ``_active`` is the world of an open fake."""

    config: Config
    """The settings of this fake."""

    @property
    @abstractmethod
    def _active(self) -> World: ...

    @property
    @abstractmethod
    def region(self) -> str:
        """The default region of clients."""

    @property
    @abstractmethod
    def clock(self) -> VirtualClock:
        """The clock."""

    @abstractmethod
    def client(self, service: str, region: str | None = None) -> Any:
        """Return a boto3 client."""

    @suggesting
    def queue(
        self,
        name: str,
        *,
        fifo: bool = False,
        visibility: int = 30,
        redrive: SqsQueue | str | ReadOnly[str, Any] | None = None,
        max_receives: int | None = None,
        attributes: ReadOnly[str, str] | None = None,
        region: str | None = None,
    ) -> SqsQueue:
        """Create a queue with CreateQueue, and return it as an object with ``arn``, ``url``, ``send`` and ``messages``.

        A name that ends in ``.fifo``, or ``fifo=True``, which adds the ending, makes a FIFO queue with content-based
        deduplication. ``visibility`` is the visibility timeout in seconds. ``redrive`` is the dead-letter queue for
        messages that were received ``max_receives`` times (3 by default): a queue, as :meth:`mapping` takes it, or a
        RedrivePolicy.
        ``attributes`` are further attributes by their names in the API. Raises ConfigurationError for a dead-letter
        queue that does not exist and an unknown region, and boto3's errors.
        """
        __tracebackhide__ = True
        _check_name("queue", name)
        if not isinstance(visibility, int) or not 0 <= visibility <= _LONGEST_VISIBILITY:
            raise ConfigurationError(f"queue({name!r}): visibility takes 0 to 43,200 whole seconds, not {visibility!r}")
        client = self._client(f"queue({name!r})", "sqs", region)
        stated: dict[str, str] = {"VisibilityTimeout": str(visibility)}
        if fifo or name.endswith(_FIFO):
            name = name if name.endswith(_FIFO) else name + _FIFO
            stated |= {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
        if redrive is not None:
            stated["RedrivePolicy"] = self._redrive_policy(name, redrive, max_receives)
        elif max_receives is not None:
            raise ConfigurationError(
                f"queue({name!r}): max_receives = {max_receives!r} needs redrive, the dead-letter queue of the messages"
            )
        url = client.create_queue(QueueName=name, Attributes={**stated, **(attributes or {})})["QueueUrl"]
        return SqsQueue(client, name, (url, queue_arn(client, url)), self._active.queues.find)

    @suggesting
    def stream(self, name: str, shards: int = 1, *, region: str | None = None) -> KinesisStream:
        """Create a stream of Kinesis with CreateStream, and return it as an object with ``arn``, ``put``, ``records``.

        Raises ConfigurationError for an unknown region, and boto3's errors.
        """
        __tracebackhide__ = True
        _check_name("stream", name)
        client = self._client(f"stream({name!r})", "kinesis", region)
        client.create_stream(StreamName=name, ShardCount=shards)
        summary = client.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
        return KinesisStream(client, name, summary["StreamARN"])

    @suggesting
    def table(
        self,
        name: str,
        *,
        key: str = "id",
        sort: str | None = None,
        stream: StreamView | None = "NEW_AND_OLD_IMAGES",
        region: str | None = None,
    ) -> DynamoDBTable:
        """Create a table of DynamoDB with a stream, and return it as an object with ``arn``, ``put`` and ``items``.

        ``key`` and ``sort`` are the names of the partition key and of the sort key, which are strings; ``stream`` is
        what the stream's records contain, or None for no stream. Raises ConfigurationError for an unknown region, and
        boto3's errors.
        """
        __tracebackhide__ = True
        _check_name("table", name)
        if stream not in (None, *get_args(StreamView)):
            raise ConfigurationError(
                f"table({name!r}): stream takes a view of changes or None, not {stream!r}."
                f" {nearest(stream, get_args(StreamView))}"
            )
        client = self._client(f"table({name!r})", "dynamodb", region)
        keys = {key: "HASH", **({sort: "RANGE"} if sort is not None else {})}
        enabled = {"StreamEnabled": True, "StreamViewType": stream} if stream is not None else {"StreamEnabled": False}
        made = client.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": each, "KeyType": kind} for each, kind in keys.items()],
            AttributeDefinitions=[{"AttributeName": each, "AttributeType": "S"} for each in keys],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification=enabled,
        )["TableDescription"]
        return DynamoDBTable(client, name, made["TableArn"], made.get("LatestStreamArn"))

    def connect(self, source: Given | MqQueue, function: Function | str, **parameters: Any) -> Mapping:
        """Create a mapping with CreateEventSourceMapping, wait until it is Enabled, and return it.

        ``source`` is a queue, stream, table, cluster or broker: the object, or as :meth:`mapping` takes it;
        ``function`` is a function, its name or its ARN. The other ``parameters`` have their names in the API, such as
        ``BatchSize=5``. A source that needs a StartingPosition gets ``TRIM_HORIZON`` unless one is given. With
        ``Enabled=False`` the mapping is Disabled. Raises LambdaEsmError for an unknown source, ClockLimitExceeded for a
        mapping that does not become Enabled within an hour, and boto3's errors.
        """
        __tracebackhide__ = True
        world = self._active
        stated, region = self._source_parameters(world, source)
        client = self._client("connect", "lambda", region)
        if not isinstance(function, (Function, str)):
            raise ConfigurationError(f"connect takes a function, its name or its ARN, not {function!r}")
        name = function.arn if isinstance(function, Function) else function
        answer = client.create_event_source_mapping(FunctionName=name, **{**stated, **parameters})
        mapping = queries.find_mapping(world, answer)
        for _ in range(world.times.creating.reads if isinstance(world.times.creating, AfterReads) else 0):
            client.get_event_source_mapping(UUID=answer["UUID"])
        self.clock.run_until(lambda: mapping.state in ("Enabled", "Disabled"))
        return mapping

    @suggesting
    def advance(
        self,
        delta: Span | None = None,
        *,
        days: float = 0,
        hours: float = 0,
        minutes: float = 0,
        seconds: float = 0,
    ) -> None:
        """Move time forward: short for ``clock.advance``."""
        __tracebackhide__ = True
        self.clock.advance(delta, days=days, hours=hours, minutes=minutes, seconds=seconds)

    @suggesting
    def run_until_idle(self, limit: Span = HOUR) -> None:
        """Run due events until none is pending: short for ``clock.run_until_idle``."""
        __tracebackhide__ = True
        self.clock.run_until_idle(limit)

    def _client(self, call: str, service: str, region: str | None) -> Any:
        __tracebackhide__ = True
        if region is not None:
            session.check_region(call, region, self.config.account_id)
        clients, place = self._active.persistent.clients, (service, region or self.region)
        if place not in clients:
            clients[place] = self.client(service, region)
        return clients[place]

    def _redrive_policy(self, name: str, redrive: Given, max_receives: int | None) -> str:
        """Return the RedrivePolicy of a new queue, as JSON."""
        __tracebackhide__ = True
        import json

        if isinstance(redrive, ReadOnly) and "deadLetterTargetArn" in redrive:
            count = redrive.get("maxReceiveCount")
            if max_receives is not None and str(count) != str(max_receives):
                raise ConfigurationError(
                    f"queue({name!r}): max_receives is {max_receives!r}, but the RedrivePolicy has maxReceiveCount"
                    f" {count!r}; leave max_receives out"
                )
            return json.dumps(dict(redrive))
        found = [arn for arn in subjects.find(self._active, redrive).sources if arn.split(":")[2:3] == ["sqs"]]
        if len(found) != 1:
            raise ConfigurationError(
                f"queue({name!r}): redrive takes the dead-letter queue, such as lambda_esm.queue('failed'), or its ARN,"
                f" URL or name; there is no queue {subjects.shown(redrive)}."
                f" {subjects.suggestion(self._active, redrive)}"
            )
        return json.dumps(
            {"deadLetterTargetArn": found[0], "maxReceiveCount": 3 if max_receives is None else max_receives}
        )

    def _source_parameters(self, world: World, source: Any) -> tuple[dict[str, Any], str | None]:
        """Return the parameters that name a source, with the starting position that it needs, and its region."""
        __tracebackhide__ = True
        if isinstance(source, DynamoDBTable) and source.stream_arn is None:
            raise LambdaEsmError(
                f"connect: the table {source.name!r} has no stream; create it with"
                f" lambda_esm.table({source.name!r}, stream='NEW_AND_OLD_IMAGES')"
            )
        found = subjects.find(world, source)
        names, stated = list(found.sources), {}
        if isinstance(found.given, str) and found.given is not source:  # A queue of a broker.
            names, stated = [found.given], {"Queues": [source.name]}
        if not names and isinstance(source, str) and source.startswith("arn:"):
            names = [source]  # AWS's own error says what is wrong with it.
        if len(names) != 1:
            problem = "is ambiguous" if len(names) > 1 else "is not a source"
            raise LambdaEsmError(
                f"connect: {subjects.shown(source)} {problem}. It takes a queue, stream, table, cluster or broker:"
                f" the object, its ARN, URL or name. {subjects.suggestion(world, source)}"
            )
        arn = Arn.parse(names[0])
        if arn is None:
            servers = {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": names[0].split(",")}}
            return {"SelfManagedEventSource": servers, "StartingPosition": "TRIM_HORIZON"}, None
        position = {} if arn.service in _WITHOUT_POSITION else {"StartingPosition": "TRIM_HORIZON"}
        return {"EventSourceArn": names[0], **stated, **position}, arn.region or None


def _check_name(kind: str, name: object) -> None:
    __tracebackhide__ = True
    if not isinstance(name, str):
        raise ConfigurationError(f"{kind} takes the name of a {kind}, not {name!r}")
