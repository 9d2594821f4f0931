"""Lambda's API as botocore's service model states it: routes, inputs, constraints, answers and errors.

Nothing about shapes, limits, patterns, value sets or statuses is written down in this package: what the
installed botocore says of Lambda is what the fake does. Only botocore's public model API is used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel, StructureShape

from pytest_lambda_esm.aws_model.errors import LAMBDA_STATUSES, ApiError
from pytest_lambda_esm.aws_model.http import HttpResponse
from pytest_lambda_esm.aws_model.json_types import JsonReader
from pytest_lambda_esm.aws_model.requests import RequestReader
from pytest_lambda_esm.aws_model.responses import ReplyWriter
from pytest_lambda_esm.aws_model.routing import Match, Router
from pytest_lambda_esm.aws_model.validation import Validator
from pytest_lambda_esm.errors import ConfigurationError, nearest

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


def _today(data: dict[str, Any]) -> dict[str, Any]:
    return data


def _in_2020(data: dict[str, Any]) -> dict[str, Any]:
    shapes = dict(data["shapes"])
    for name, traits in _SHAPES_2020.items():
        if name in shapes:
            shapes[name] = {**shapes[name], **traits}
    for name, members in _REQUIRED_2020.items():
        shapes[name] = {**shapes[name], "required": list(members)}
    return {**data, "shapes": shapes}


LIMITS: Final[Mapping[str, Callable[[dict[str, Any]], dict[str, Any]]]] = MappingProxyType(
    {"current": _today, "2020": _in_2020}
)
"""What becomes of a service model's data, by the setting ``limits``."""

__all__ = ["LambdaModel", "Match"]


class LambdaModel:
    """Reads requests, checks them and writes answers, for all operations of one service model.

    Apart from what it prepares once per shape and keeps, it has no state: share one among tests.
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
        self._writer = ReplyWriter()

    @classmethod
    def load(cls, loader: Loader | None = None, limits: str = "current") -> LambdaModel:
        """The model of the installed botocore, or of another loader's data; ``limits`` may be ``"2020"``."""
        data = (loader or Loader()).load_service_model("lambda", "service-2")
        return cls(ServiceModel(LIMITS[limits](data), "lambda"))

    @property
    def operations(self) -> tuple[str, ...]:
        """The names of all operations, as ``CreateEventSourceMapping``."""
        return tuple(self._operations)

    def operation(self, name: str) -> OperationModel:
        """The operation of this name. Raises ConfigurationError, with the nearest names, if there is none."""
        __tracebackhide__ = True
        if name not in self._operations:
            raise ConfigurationError(f"Lambda has no operation {name!r}. {nearest(name, self._operations)}")
        return self._operations[name]

    def parameters_of(self, operation_name: str) -> tuple[str, ...]:
        """The names of an operation's members. Raises ConfigurationError."""
        __tracebackhide__ = True
        shape = self.operation(operation_name).input_shape
        return tuple(shape.members) if shape is not None else ()

    def errors_of(self, operation_name: str) -> tuple[str, ...]:
        """The codes of the errors that the model lists for an operation. Raises ConfigurationError."""
        __tracebackhide__ = True
        names = {shape.name for shape in self.operation(operation_name).error_shapes}
        return tuple(code for code, shape in self._errors.items() if shape.name in names)

    def match(self, method: str, path: str) -> Match | None:
        """The operation and the URI members of a request, or None if Lambda has no operation there.

        ``path`` is as it was sent (percent-encoded or raw), with or without a trailing slash or a query
        string.
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
        """The input of an operation by member name: text, int, float, bool, bytes, list and dict.

        Timestamps are seconds since the epoch. Absent members and JSON ``null`` are left out, members that
        the model lacks are dropped. Raises ApiError (SerializationException, 400) for a body that is no JSON
        and for a value of the wrong type.
        """
        if operation.name not in self._readers:
            self._readers[operation.name] = RequestReader.of(operation, self._json_reader)
        return self._readers[operation.name].read(uri=uri, query=query, headers=headers, body=body)

    def validate(self, operation: OperationModel, params: Mapping[str, Any]) -> None:
        """Check an input, as ``parse`` gives it, against all constraints of the model.

        Raises ApiError (ValidationException, 400) with AWS's text, one clause for each broken constraint.
        """
        if operation.input_shape is not None:
            self._validator.validate(operation.input_shape, params)

    def error(self, code: str, message: str, **members: Any) -> ApiError:
        """An error of the service (or one common to all services), with the status that it has.

        ``members`` are further members of the answer by their names in the model, for instance ``Reason``
        and ``retryAfterSeconds`` of TooManyRequestsException. Raises ConfigurationError for an unknown code
        or member.
        """
        __tracebackhide__ = True
        shape = self._errors.get(code)
        if shape is None and code not in LAMBDA_STATUSES:
            known = {*self._errors, *LAMBDA_STATUSES}
            raise ConfigurationError(f"Lambda has no error {code!r}. {nearest(code, known)}")
        for name in members:
            if shape is None:
                raise ConfigurationError(f"{code} has no member {name!r}: it has a message only.")
            if name not in shape.members:
                raise ConfigurationError(f"{code} has no member {name!r}. {nearest(name, shape.members)}")
        status = LAMBDA_STATUSES[code] if shape is None else shape.metadata["error"]["httpStatusCode"]
        return ApiError(code, message, status, members)

    def render_error(self, error: ApiError) -> HttpResponse:
        """The HTTP response of an error."""
        return self._writer.error(error, self._errors.get(error.code))

    def render(self, operation: OperationModel, result: Mapping[str, Any]) -> HttpResponse:
        """The HTTP response of a result, given by member name.

        None members are left out. Timestamps are aware datetimes or seconds since the epoch. A member that
        travels as status code sets the status, else it is the operation's. The event stream of
        InvokeWithResponseStream is given as an iterable of ``{event name: members}``.
        """
        return self._writer.result(operation, result)
