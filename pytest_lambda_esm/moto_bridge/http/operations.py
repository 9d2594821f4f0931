"""Which operation of which service an HTTP request is, and its parameters, for the log of calls and for faults.

A boto3 client says so itself. Of a request over HTTP, the service's model in botocore tells: by the target or the
action in it, or by its method and path. Parameters in XML bodies are left out. Seen with moto 5.1.9, 5.1.22, 5.2.0 and
5.2.5: ``backend_url_patterns``; with botocore 1.36.0 and 1.44.8: the metadata of service models.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

from botocore.loaders import Loader, create_loader
from botocore.model import OperationNotFoundError, ServiceModel
from moto.backend_index import backend_url_patterns

from pytest_lambda_esm.aws_model.routing import Match, Router
from pytest_lambda_esm.moto_bridge.http import parameters
from pytest_lambda_esm.moto_bridge.http.wire import WireRequest

Known = tuple[ServiceModel, str, Mapping[str, Any]]
"""The model of a service, the name of an operation, and its parameters by name."""

_REST: Final = ("rest-json", "rest-xml")
_SHARED: Final = {"apigateway": ("apigatewayv2",)}
"""Backends of moto that answer for other services as well."""
_OUTSIDE_OF_BODY: Final = ("header", "querystring")
_CBOR: Final = "/operation/"


def operation_of(url: str, request: WireRequest) -> Known | None:
    """Return what a request to this URL of AWS is, or None where no model of botocore has it."""
    for model in models_of(url):
        found = _operation(model, request)
        if found is not None:
            return model, found.operation.name, _parameters(model, found, request)
    return None


def models_of(url: str) -> Iterator[ServiceModel]:
    """Return the models of the services that a URL of AWS may belong to."""
    backends = dict.fromkeys(name for name, pattern in backend_url_patterns if pattern.match(url))
    for backend in (*backends, *(name for other in backends for name in _SHARED.get(other, ()))):
        name = _boto3_names().get(backend)
        if name is not None:
            yield _model(name)


def has_route(service: str, request: WireRequest) -> bool:
    """Return whether a service has an operation with the method and the path of a request."""
    model = _model(service) if service in _boto3_names().values() else None
    return model is not None and _route(model, request) is not None


@cache
def _boto3_names() -> Mapping[str, str]:
    """Return the names of services in boto3 by those of moto's backends, which have no dashes."""
    names = _loader().list_available_services("service-2")
    return {"awslambda": "lambda", **{name.replace("-", ""): name for name in names}}


@cache
def _loader() -> Loader:
    """Return a loader of our own: S3 clients of botocore take the bucket out of the paths of their shared model."""
    return create_loader()


@cache
def _model(name: str) -> ServiceModel:
    return ServiceModel(_loader().load_service_model(name, "service-2"), name)


@cache
def _router(model: ServiceModel) -> Router:
    return Router(model.operation_model(name) for name in model.operation_names)


def _operation(model: ServiceModel, request: WireRequest) -> Match | None:
    if request.aws_target:
        name = request.aws_target.rpartition(".")[2]
    elif _CBOR in request.path:
        name = request.path.rpartition(_CBOR)[2]
    else:
        version = request.parameter("Version")
        name = request.parameter("Action") if version in ("", model.api_version) else ""
    if not name:
        return _route(model, request)
    try:
        return Match(model.operation_model(name), {})
    except OperationNotFoundError:
        return None


def _route(model: ServiceModel, request: WireRequest) -> Match | None:
    if model.metadata["protocol"] not in _REST:
        return None
    found = [
        match for match in _router(model).matches(request.method, request.target) if _needed(match) <= _sent(request)
    ]
    # PutObject, CopyObject and UploadPart have the same path; what they need tells them apart.
    return max(found, key=lambda match: len(_needed(match)), default=None)


def _needed(match: Match) -> set[tuple[str, str]]:
    """Return the places outside of the body where the operation's required parameters are: ("header", its name)."""
    shape = match.operation.input_shape
    members = [(name, shape.members[name].serialization) for name in shape.required_members] if shape else []
    places = ((traits.get("location"), str(traits.get("name", name))) for name, traits in members)
    return {(place, name.lower() if place == "header" else name) for place, name in places if place in _OUTSIDE_OF_BODY}


def _sent(request: WireRequest) -> set[tuple[str, str]]:
    return {*(("header", name) for name in request.headers), *(("querystring", name) for name in request.query)}


def _parameters(model: ServiceModel, found: Match, request: WireRequest) -> Mapping[str, Any]:
    """Return the parameters; none where they cannot be read, which moto will say itself."""
    shape = found.operation.input_shape
    if shape is None:
        return {}
    try:
        if model.metadata["protocol"] in _REST:
            return parameters.of_rest(shape, found.uri, request)
        if request.aws_target:
            return dict(parameters.of_json(shape, json.loads(request.body or b"{}")))
        form = {name: values[0] for name, values in {**request.query, **request.form}.items()}
        return parameters.of_query(shape, form)
    except (ValueError, TypeError, KeyError, AttributeError):
        return {}
