"""Lambda's API as botocore's service model states it: routes, inputs, constraints, results and errors.

Shapes, limits, patterns, value sets and statuses are those of the installed botocore, not of this package, except for
the constraints of 2020 at the end of this file. Only botocore's public model API is used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel, StructureShape

from pytest_lambda_esm.aws_model.errors import LAMBDA_STATUSES, ApiError
from pytest_lambda_esm.aws_model.http import HttpResponse
from pytest_lambda_esm.aws_model.json_types import JsonReader
from pytest_lambda_esm.aws_model.requests import RequestReader
from pytest_lambda_esm.aws_model.responses import ResponseWriter
from pytest_lambda_esm.aws_model.routing import Match, Router
from pytest_lambda_esm.aws_model.validation import Validator
from pytest_lambda_esm.errors import ConfigurationError, nearest

__all__ = ["LambdaModel", "Match"]


class LambdaModel:
    """Reads requests, checks them and writes responses, for all operations of one service model.

    Its only state is what it prepares once per shape, so tests can share one.
    """

    def __init__(self, service_model: ServiceModel) -> None:
        self._operations: dict[str, OperationModel] = {
            name: service_model.operation_model(name) for name in service_model.operation_names
        }
        self._errors: dict[str, StructureShape] = {
            shape.error_code: shape for shape in service_model.error_shapes if isinstance(shape, StructureShape)
        }
        self._router = Router(self._operations.values())
        self._json_reader = JsonReader()
        self._readers: dict[str, RequestReader] = {}
        self._validator = Validator()
        self._writer = ResponseWriter()

    @classmethod
    def load(cls, loader: Loader | None = None, limits: str = "current") -> LambdaModel:
        """Load the model from the installed botocore, or through ``loader``, with the limits of "current" or "2020"."""
        data = (loader or Loader()).load_service_model("lambda", "service-2")
        return cls(ServiceModel(_in_2020(data) if limits == "2020" else data, "lambda"))

    @property
    def operations(self) -> tuple[str, ...]:
        """The names of all operations, for example ``CreateEventSourceMapping``."""
        return tuple(self._operations)

    def operation(self, name: str) -> OperationModel:
        """Return an operation. Raises ConfigurationError, with the nearest names, if it does not exist."""
        __tracebackhide__ = True
        if name not in self._operations:
            raise ConfigurationError(f"Lambda has no operation {name!r}. {nearest(name, self._operations)}")
        return self._operations[name]

    def parameters_of(self, operation_name: str) -> tuple[str, ...]:
        """Return the names of an operation's parameters. Raises ConfigurationError."""
        __tracebackhide__ = True
        shape = self.operation(operation_name).input_shape
        return tuple(shape.members) if shape is not None else ()

    def errors_of(self, operation_name: str) -> tuple[str, ...]:
        """Return the codes of the errors that the model lists for an operation. Raises ConfigurationError."""
        __tracebackhide__ = True
        names = {shape.name for shape in self.operation(operation_name).error_shapes}
        return tuple(code for code, shape in self._errors.items() if shape.name in names)

    def match(self, method: str, path: str) -> Match | None:
        """Return the operation and the URI members of a request, or None if no operation has this path.

        ``path`` is as it was sent (percent-encoded or raw), with or without a trailing slash or a query string.
        """
        return self._router.match(method, path)

    def parse(
        self,
        operation: OperationModel,
        *,
        uri: Mapping[str, str],
        query: Mapping[str, Sequence[str]],
        headers: Mapping[str, str | bytes],
        body: bytes,
    ) -> dict[str, Any]:
        """Return the input of an operation by member name: str, int, float, bool, bytes, list and dict.

        Timestamps are seconds since the epoch. Absent members, ``null`` and members that the model lacks are left
        out. Raises ApiError (SerializationException, 400) for a body that is not JSON and for wrong types.
        """
        if operation.name not in self._readers:
            self._readers[operation.name] = RequestReader.of(operation, self._json_reader)
        return self._readers[operation.name].read(uri=uri, query=query, headers=headers, body=body)

    def validate(self, operation: OperationModel, params: Mapping[str, Any]) -> None:
        """Check an input, as ``parse`` returns it, against all constraints of the model.

        Raises ApiError (ValidationException, 400) with AWS's message, which has a clause for each broken constraint.
        """
        if operation.input_shape is not None:
            self._validator.validate(operation.input_shape, params)

    def error(self, code: str, message: str, **members: Any) -> ApiError:
        """Return an error of Lambda, or one common to all services, with its status.

        ``members`` are further members of the response by their names in the model, for instance ``Reason`` and
        ``retryAfterSeconds`` of TooManyRequestsException. Raises ConfigurationError for an unknown code or member.
        """
        __tracebackhide__ = True
        shape = self._errors.get(code)
        if shape is None and code not in LAMBDA_STATUSES:
            codes = {*self._errors, *LAMBDA_STATUSES}
            raise ConfigurationError(f"Lambda has no error {code!r}. {nearest(code, codes)}")
        for name in members:
            if shape is None:
                raise ConfigurationError(f"{code} has no member {name!r}: it has a message only.")
            if name not in shape.members:
                raise ConfigurationError(f"{code} has no member {name!r}. {nearest(name, shape.members)}")
        status = LAMBDA_STATUSES[code] if shape is None else shape.metadata["error"]["httpStatusCode"]
        return ApiError(code, message, status, members)

    def render_error(self, error: ApiError) -> HttpResponse:
        """Return the HTTP response of an error."""
        return self._writer.error(error, self._errors.get(error.code))

    def render(self, operation: OperationModel, result: Mapping[str, Any]) -> HttpResponse:
        """Return the HTTP response of a result, given by member name.

        Members that are None are left out. Timestamps are aware datetimes or seconds since the epoch. The status is
        the operation's, unless a member is located in the status code. The event stream of InvokeWithResponseStream
        is an iterable of ``{event name: members}``.
        """
        return self._writer.result(operation, result)


_REGION: Final = r"[a-z]{2}(-gov)?-[a-z]+-\d{1}"

_SHAPES_2020: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "Arn": {"pattern": rf"arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\-])+:({_REGION})?:(\d{{12}})?:(.*)"},
        "NamespacedFunctionName": {
            "max": 140,
            "pattern": rf"(arn:(aws[a-zA-Z-]*)?:lambda:)?({_REGION}:)?(\d{{12}}:)?(function:)?"
            r"([a-zA-Z0-9-_]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?",
        },
        "NumericLatestPublishedOrAliasQualifier": {"min": 1, "max": 128, "pattern": "(|[a-zA-Z0-9$_-]+)"},
        "MaximumRecordAgeInSeconds": {"min": 60},
        "MaximumRetryAttemptsEventSourceMapping": {"min": 0},
    }
)

_REQUIRED_2020: Final = MappingProxyType({"CreateEventSourceMappingRequest": ("EventSourceArn", "FunctionName")})


def _in_2020(data: dict[str, Any]) -> dict[str, Any]:
    """Return the data of a service model with the constraints of 2020."""
    shapes = dict(data["shapes"])
    for name, traits in _SHAPES_2020.items():
        if name in shapes:
            shapes[name] = {**shapes[name], **traits}
    for name, members in _REQUIRED_2020.items():
        shapes[name] = {**shapes[name], "required": list(members)}
    return {**data, "shapes": shapes}
