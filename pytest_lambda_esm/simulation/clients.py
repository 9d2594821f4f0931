"""``client`` of a fake, with the types of boto3-stubs where they are installed; elsewhere a client is ``Any``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Literal, overload

import boto3

from pytest_lambda_esm.config import Config
from pytest_lambda_esm.moto_bridge import session
from pytest_lambda_esm.simulation.world import World

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_docdb import DocDBClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodbstreams import DynamoDBStreamsClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_kafka import KafkaClient
    from mypy_boto3_kinesis import KinesisClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_mq import MQClient
    from mypy_boto3_pipes import EventBridgePipesClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_scheduler import EventBridgeSchedulerClient
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient


class Clients(ABC):
    """The base of ``FakeLambda`` with its boto3 clients. ``_active`` is the world of an open fake."""

    config: Config

    @property
    @abstractmethod
    def _active(self) -> World: ...

    @property
    @abstractmethod
    def region(self) -> str:
        """The default region of clients."""

    if TYPE_CHECKING:

        @overload
        def client(self, service: Literal["cloudformation"], region: str | None = None) -> CloudFormationClient: ...
        @overload
        def client(self, service: Literal["cloudwatch"], region: str | None = None) -> CloudWatchClient: ...
        @overload
        def client(self, service: Literal["docdb"], region: str | None = None) -> DocDBClient: ...
        @overload
        def client(self, service: Literal["dynamodb"], region: str | None = None) -> DynamoDBClient: ...
        @overload
        def client(self, service: Literal["dynamodbstreams"], region: str | None = None) -> DynamoDBStreamsClient: ...
        @overload
        def client(self, service: Literal["events"], region: str | None = None) -> EventBridgeClient: ...
        @overload
        def client(self, service: Literal["iam"], region: str | None = None) -> IAMClient: ...
        @overload
        def client(self, service: Literal["kafka"], region: str | None = None) -> KafkaClient: ...
        @overload
        def client(self, service: Literal["kinesis"], region: str | None = None) -> KinesisClient: ...
        @overload
        def client(self, service: Literal["lambda"], region: str | None = None) -> LambdaClient: ...
        @overload
        def client(self, service: Literal["logs"], region: str | None = None) -> CloudWatchLogsClient: ...
        @overload
        def client(self, service: Literal["mq"], region: str | None = None) -> MQClient: ...
        @overload
        def client(self, service: Literal["pipes"], region: str | None = None) -> EventBridgePipesClient: ...
        @overload
        def client(self, service: Literal["s3"], region: str | None = None) -> S3Client: ...
        @overload
        def client(self, service: Literal["scheduler"], region: str | None = None) -> EventBridgeSchedulerClient: ...
        @overload
        def client(self, service: Literal["secretsmanager"], region: str | None = None) -> SecretsManagerClient: ...
        @overload
        def client(self, service: Literal["sns"], region: str | None = None) -> SNSClient: ...
        @overload
        def client(self, service: Literal["sqs"], region: str | None = None) -> SQSClient: ...
        @overload
        def client(self, service: str, region: str | None = None) -> Any: ...

    def client(self, service: str, region: str | None = None) -> Any:
        """Return a boto3 client, for the default region or another one.

        It is a client like any other, and faster to create, because the clients of a fake share loaded service models.
        A type checker knows its operations if ``boto3-stubs`` has the service. Raises ConfigurationError for an unknown
        region.
        """
        __tracebackhide__ = True
        _ = self._active  # Raises where nothing would answer the client.
        if region is not None:
            session.check_region(f"client({service!r})", region, self.config.account_id)
        create: Any = boto3.client  # Typed stubs of boto3 accept only the services they know.
        return create(service, region_name=region or self.region)
