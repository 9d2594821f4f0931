"""Calls to moto's services on behalf of a stack, which no client, log, tracer or fault of the test notices.

The request is built from botocore's service model, as a client builds it, and answered by moto's services and by what
this package has replaced in them. Seen with botocore 1.36.0, 1.43.117 and 1.44.5: serializers and parsers; with moto
5.1.9, 5.1.22, 5.2.0 and 5.2.5: ``BotocoreStubber.process_request``, ``BaseResponse.get_region_from_url``, and the
header ``x-moto-account-id``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from botocore.awsrequest import HeadersDict, create_request_object, prepare_request_dict
from botocore.exceptions import ParamValidationError
from botocore.loaders import create_loader
from botocore.model import OperationModel, ServiceModel
from botocore.parsers import ResponseParserError, create_parser
from botocore.serialize import create_serializer
from moto.core.botocore_stubber import BotocoreStubber
from moto.moto_api._internal import mock_random

from pytest_lambda_esm.arn import partition_of
from pytest_lambda_esm.aws_model.errors import ApiError
from pytest_lambda_esm.aws_model.template_properties import converted
from pytest_lambda_esm.errors import NotSimulated
from pytest_lambda_esm.moto_bridge.client_calls import unnoticed
from pytest_lambda_esm.moto_bridge.session import shared_loader

_NOT_YET = b"Not yet implemented"
"""What moto answers where it lacks the service."""


@dataclass(frozen=True, slots=True)
class Place:
    """The account and region of a stack."""

    account_id: str
    region: str

    @property
    def partition(self) -> str:
        """The partition of the region, such as ``aws``."""
        return partition_of(self.region)

    def arn(self, service: str, resource: str) -> str:
        """Return the ARN of a resource of this account and region."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account_id}:{resource}"

    def call(self, service: str, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Perform an operation and return its output by member name.

        ``params`` may be spelt as in a template. Raises ApiError for what the service refuses, and NotSimulated where
        moto lacks the operation.
        """
        model = operation_model(service, operation)
        try:
            shape = model.input_shape
            complete = converted(shape, {name: value for name, value in params.items() if value is not None})
        except ValueError as error:
            raise ApiError("ValidationError", str(error), 400) from None
        for token in model.idempotent_members:
            complete.setdefault(token, str(mock_random.uuid4()))
        with unnoticed():
            return _perform(self, model, complete)


@cache  # The models do not change while a process runs.
def _service_model(service: str) -> ServiceModel:
    # S3 clients take the bucket out of the paths of the model that they share with others of their loader. Seen with
    # botocore 1.36.0 and 1.44.8.
    loader = create_loader() if service == "s3" else shared_loader()
    return ServiceModel(loader.load_service_model(service, "service-2"), service)


@cache
def operation_model(service: str, operation: str) -> OperationModel:
    """Return botocore's model of an operation; services have the names of their clients."""
    return _service_model(service).operation_model(operation)


def _perform(place: Place, model: OperationModel, params: dict[str, Any]) -> dict[str, Any]:
    service = model.service_model
    # Newer models list several protocols, and botocore's clients use one that moto reads.
    protocol = getattr(service, "resolved_protocol", service.metadata["protocol"])
    try:
        request = create_serializer(protocol).serialize_to_request(params, model)
    except ParamValidationError as error:
        raise ApiError("ValidationError", str(error), 400) from None
    # Some of moto's services read the region from the endpoint, others from the scope of the signature.
    scope = f"FOOBARKEY/20260101/{place.region}/{service.service_name}/aws4_request"
    request["headers"]["Authorization"] = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=none"
    request["headers"]["x-moto-account-id"] = place.account_id
    suffix = "amazonaws.com.cn" if place.partition == "aws-cn" else "amazonaws.com"
    prefix = service.metadata["endpointPrefix"]
    prepare_request_dict(request, endpoint_url=f"https://{prefix}.{place.region}.{suffix}", context={})
    name = f"{service.service_name}.{model.name}"
    try:
        status, headers, body = BotocoreStubber().process_request(create_request_object(request).prepare())
    except NotImplementedError as missing:
        raise _lacks(name) from missing
    content = body.encode() if isinstance(body, str) else bytes(body)
    if status == 404 and content == _NOT_YET:
        raise _lacks(name)
    answer = {"status_code": status, "headers": HeadersDict(headers), "body": content}
    try:
        parsed: dict[str, Any] = create_parser(protocol).parse(answer, model.output_shape)
    except ResponseParserError as error:
        raise _lacks(name) from error
    if status >= 300:
        refusal = parsed.get("Error", {})
        raise ApiError(str(refusal.get("Code", status)), str(refusal.get("Message", "")), status)
    return parsed


def _lacks(name: str) -> NotSimulated:
    return NotSimulated(f"the installed moto has no {name}, which this resource type needs")
