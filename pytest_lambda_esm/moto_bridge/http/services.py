"""Which service of AWS an HTTP request is for, and its URL there.

The endpoint has one address for all services. A signature names the service and the region; for requests without one,
their headers, bodies and paths tell. Seen with moto 5.1.9, 5.1.22, 5.2.0 and 5.2.5: the host names in
``moto.backend_index``, and ``moto.moto_server.werkzeug_app``, whose rules for signed requests these are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlsplit

from pytest_lambda_esm.moto_bridge import aws_names
from pytest_lambda_esm.moto_bridge.http import operations
from pytest_lambda_esm.moto_bridge.http.wire import BadRequest, WireRequest

UNKNOWN: Final = "unknown-service"
"""The host name of a service that an unsigned request does not name, although it names an operation."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The signing name of a service, and a region."""

    service: str
    region: str


def signed_scope(request: WireRequest) -> Scope | None:
    """Return what a signature says, in the header or in the query string; None for an unsigned request."""
    found = _CREDENTIAL.search(request.headers.get("authorization", ""))
    credential = found[1] if found else request.query.get("X-Amz-Credential", [""])[0]
    parts = unquote(credential).split("/")
    if len(parts) < 5 or parts[-1] != "aws4_request":
        return None
    return Scope(parts[-2].lower(), parts[-3])


@dataclass(frozen=True, slots=True)
class Recogniser:
    """Finds the service of a request.

    ``region`` is that of unsigned requests, and ``is_lambda`` tells whether a method and a path are an operation of
    Lambda's.
    """

    region: str
    is_lambda: Callable[[str, str], bool]

    def aws_url(self, request: WireRequest, scope: Scope | None = None) -> str:
        """Return the URL that a request to AWS would have; ``scope`` is what is known of an unsigned one.

        Raises BadRequest where its Host header or its signature names no host.
        """
        try:
            url = self._aws_url(request, scope)
            urlsplit(url)
        except ValueError as error:
            raise BadRequest(f"The request names a host that cannot be one: {error}") from error
        return url

    def _aws_url(self, request: WireRequest, scope: Scope | None) -> str:
        named = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
        if aws_names.is_aws(named):
            return f"https://{named}{request.target}"
        for start, host in _OUTSIDE_OF_SERVICES.items():
            if request.path.startswith(start):
                return f"{host}{request.target}"
        found = signed_scope(request) or scope or self._unsigned(request)
        return f"https://{_bucket_of(named, found)}{_host(request, found)}{request.target}"

    def _unsigned(self, request: WireRequest) -> Scope:
        version, action = request.parameter("Version"), request.parameter("Action")
        if request.aws_target:
            service = _BY_TARGET.get(re.split(r"[_.]", request.aws_target)[0], UNKNOWN)
        elif action:
            service = _BY_VERSION.get(version, UNKNOWN)
        elif self.is_lambda(request.method, request.path):
            service = "lambda"
        else:
            service = "s3"
        pool = _POOL.match(request.path)
        if pool:
            return Scope("cognito-idp", pool[1])
        return Scope(service, self.region)


_CREDENTIAL: Final = re.compile(r"Credential=([^,\s]+)")
_POOL: Final = re.compile(r"/([a-z]{2}-[a-z-]+-\d)_\w+/\.well-known/")
"""The keys of a pool of users of Cognito, which clients read without credentials."""

_OUTSIDE_OF_SERVICES: Final = {
    "/moto-api": "http://motoapi.amazonaws.com",
    "/latest/meta-data/": "http://169.254.169.254",
    "/latest/api/": "http://169.254.169.254",
}

_BY_TARGET: Final = {
    "AWSCognitoIdentityProviderService": "cognito-idp",
    "AWSCognitoIdentityService": "cognito-identity",
    "AWSEvents": "events",
    "AWSStepFunctions": "states",
    "AmazonSQS": "sqs",
    "AmazonSSM": "ssm",
    "DynamoDB": "dynamodb",
    "DynamoDBStreams": "dynamodb",
    "Kinesis": "kinesis",
    "Logs": "logs",
    "TrentService": "kms",
    "secretsmanager": "secretsmanager",
}
"""The services of the JSON protocols, by the beginning of their targets."""

_BY_VERSION: Final = {
    "2009-04-15": "sdb",
    "2010-03-31": "sns",
    "2010-05-08": "iam",
    "2010-05-15": "cloudformation",
    "2010-08-01": "monitoring",
    "2011-06-15": "sts",
    "2012-11-05": "sqs",
    "2016-11-15": "ec2",
}
"""The services of the query protocol, by the version of their API."""

_ALIASES: Final = {
    "eventbridge": "events",
    "iotdata": "data.iot",
    "mobiletargeting": "pinpoint",
    "payment-cryptography": "controlplane.payment-cryptography",
    "ses": "email",
    "memorydb": "memory-db",
}
"""Signing names that differ from the host names of their services."""

_OTHER_DOMAINS: Final = {"aidevops": "{region}.api.aws", "dsql": "{region}.api.aws", "s3vectors": "{region}.api.aws"}
_WITHOUT_REGION: Final = frozenset({"budgets", "cloudfront", "iam", "route53"})


def _dynamodb(request: WireRequest) -> str:
    return "streams.dynamodb" if request.aws_target.startswith("DynamoDBStreams") else "dynamodb"


def _sagemaker(request: WireRequest) -> str:
    if request.path.endswith("invocations"):
        return "runtime.sagemaker"
    return "metrics.sagemaker" if request.path.endswith("BatchPutMetrics") else "api.sagemaker"


def _mediastore(request: WireRequest) -> str:
    return "mediastore" if request.aws_target else "data.mediastore"


def _timestream(request: WireRequest) -> str:
    return "query.timestream" if request.aws_target.endswith((".Query", ".CancelQuery")) else "ingest.timestream"


def _s3(request: WireRequest) -> str:
    account = request.headers.get("x-amz-account-id")
    return f"{account}.s3-control" if account or request.path.startswith("/v20180820/") else "s3"


def _catalog(request: WireRequest) -> str:
    return "servicecatalog" if request.aws_target else "servicecatalog-appregistry"


def _by_route(*names: str) -> Callable[[WireRequest], str]:
    """Choose the first service that has an operation with the request's method and path."""
    return lambda request: next((name for name in names if operations.has_route(name, request)), names[0])


def _execute_api(request: WireRequest) -> str:
    return "execute-api" if request.path.startswith("/@connections") else "iot"


_SEVERAL_HOSTS: Final[Mapping[str, Callable[[WireRequest], str]]] = {
    "bedrock": _by_route("bedrock", "bedrock-agent", "bedrock-runtime"),
    "bedrock-agentcore": _by_route("bedrock-agentcore", "bedrock-agentcore-control"),
    "dynamodb": _dynamodb,
    "execute-api": _execute_api,
    "mediastore": _mediastore,
    "s3": _s3,
    "sagemaker": _sagemaker,
    "servicecatalog": _catalog,
    "timestream": _timestream,
}
"""Signing names that several hosts share: what tells them apart."""


def _host(request: WireRequest, scope: Scope) -> str:
    service = scope.service
    choose = _SEVERAL_HOSTS.get(service)
    name = choose(request) if choose is not None else _ALIASES.get(service, service)
    if service in _WITHOUT_REGION:
        return f"{name}.amazonaws.com"
    domain = _OTHER_DOMAINS.get(service, "{region}.amazonaws.com").format(region=scope.region)
    return f"{name}.{domain}"


def _bucket_of(host: str, scope: Scope) -> str:
    """Return the bucket that a client has put before the endpoint's name, as it does for ``localhost``."""
    bucket, dot, rest = host.rpartition(".localhost")
    return f"{bucket}." if dot and not rest and scope.service == "s3" else ""
