"""Which operations a fault can strike, and what each of them can raise, by botocore's service models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from botocore.exceptions import UnknownServiceError
from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel, Shape, StructureShape

from pytest_lambda_esm.aws_model.errors import (
    LAMBDA_STATUSES,
    S3_STATUSES,
    SQS_CODES,
    common_statuses,
    default_members,
    default_message,
)
from pytest_lambda_esm.aws_model.model import LambdaModel
from pytest_lambda_esm.errors import ConfigurationError, FaultError, nearest
from pytest_lambda_esm.faults.effects import (
    AwsError,
    Effect,
    ErrorGiven,
    NetworkFault,
    PollerFault,
    aws_error,
    connect_timeout,
    connection_reset,
    latency,
    lost_response,
    read_timeout,
)
from pytest_lambda_esm.faults.poller_steps import PARAMS, STEPS

POLLER: Final = "poller"

_BESIDE: Final = ("sqs", "kinesis", "dynamodb", "dynamodbstreams", "sns", "s3", "events", "iam", "sts", "logs")
"""The services that are looked through for an operation without a prefix; botocore has too many to read them all."""

_FUNCTIONS: Final = frozenset(
    each.__name__ for each in (aws_error, connect_timeout, connection_reset, latency, lost_response, read_timeout)
)


class FaultCatalogue:
    """Judges what users write about faults. All methods raise FaultError with the nearest right names."""

    def __init__(self, model: LambdaModel, loader: Loader, account_id: str) -> None:
        self._model = model
        self._loader = loader
        self._account_id = account_id

    def operation(self, name: str) -> str:
        """The name that calls of this operation have: without ``lambda.``, with the prefix of another service."""
        __tracebackhide__ = True
        if not isinstance(name, str):
            raise FaultError(f"an operation is a name such as 'CreateEventSourceMapping', not {name!r}")
        service, _, operation = name.rpartition(".")
        if service == POLLER:
            if name not in STEPS:
                raise FaultError(f"a poller has no step {name!r}. {nearest(name, STEPS)}")
            return name
        if service in ("", "lambda"):
            self._lambda_operation(operation)
            return operation
        model = self._service(service)
        if operation not in model.operation_names:
            raise FaultError(f"{service} has no operation {operation!r}. {nearest(operation, model.operation_names)}")
        return name

    def check_params(self, operation: str, names: Sequence[str]) -> None:
        """Refuse names that are no parameters of an operation."""
        __tracebackhide__ = True
        known: Sequence[str] = PARAMS[operation] if operation in STEPS else self._params(operation)
        for name in names:
            if name not in known:
                told = nearest(str(name), known) if known else "It has none."
                raise FaultError(f"match: {operation} has no parameter {name!r}. {told}")

    def effect(self, operation: str, error: ErrorGiven, message: str | None = None) -> Effect:
        """What an error does to a call of an operation, with AWS's text, status and members where none are given."""
        __tracebackhide__ = True
        if operation in STEPS:
            return _poller_fault(operation, error, message)
        if isinstance(error, NetworkFault):
            if message is not None:
                raise FaultError(f"{error!r} is a fault of the network and has no message; leave the message out")
            return error
        given = AwsError(error) if isinstance(error, str) else error
        if not isinstance(given, AwsError):
            raise FaultError(_no_error(error))
        return self._aws_error(operation, given, given.message if message is None else message)

    def raises(self, operation: str, error: ErrorGiven) -> bool:
        """Whether an operation can raise an error."""
        if isinstance(error, NetworkFault):
            return operation not in STEPS
        return (error if isinstance(error, str) else error.code) in self.errors_of(operation)

    def errors_of(self, operation: str) -> set[str]:
        """The codes of all errors that an operation can raise."""
        return set(STEPS[operation]) if operation in STEPS else {*self._shapes(operation), *self._common(operation)}

    @property
    def lambda_operations(self) -> Sequence[str]:
        """The names of all operations of Lambda."""
        return self._model.operations

    # --- inside ------------------------------------------------------------------------------------------

    def _aws_error(self, operation: str, error: AwsError, message: str | None) -> AwsError:
        __tracebackhide__ = True
        shapes, common = self._shapes(operation), self._common(operation)
        if error.code not in shapes and error.code not in common:
            raise FaultError(f"{operation} cannot raise {error.code!r}. {nearest(str(error.code), {*shapes, *common})}")
        shape = shapes.get(error.code)
        _check_members(f"{error.code} of {operation}", error.members, shape)
        service, _, bare = operation.rpartition(".")
        text = message
        if text is None:
            text = default_message(service or "lambda", bare, error.code, shape, self._account_id)
        given = {**({} if service else default_members(bare, error.code)), **error.members}
        if shape is None:
            return AwsError(error.code, text, given, common[error.code])
        return AwsError(shape.name if service else error.code, text, given, self._status(service, shape))

    def _shapes(self, operation: str) -> dict[str, StructureShape]:
        """The errors that the service model lists for an operation, by the names that users write."""
        found: dict[str, StructureShape] = {}
        for shape in self._operation_model(operation).error_shapes:
            assert isinstance(shape, StructureShape)
            found[shape.error_code] = found[shape.name] = shape
        if operation.startswith("sqs."):
            found.update({code: found[name] for name, code in SQS_CODES.items() if name in found})
        return found

    def _common(self, operation: str) -> Mapping[str, int]:
        return common_statuses(self._operation_model(operation)) if "." in operation else LAMBDA_STATUSES

    def _params(self, operation: str) -> list[str]:
        shape = self._operation_model(operation).input_shape
        return list(shape.members) if shape is not None else []

    def _operation_model(self, operation: str) -> OperationModel:
        service, _, bare = operation.rpartition(".")
        return self._service(service).operation_model(bare) if service else self._model.operation(bare)

    def _status(self, service: str, shape: Shape) -> int:
        """The status that the model states; services on the JSON protocol state none, and answer 400 or 500."""
        stated = shape.metadata.get("error", {}).get("httpStatusCode")
        if stated or (service == "s3" and shape.name in S3_STATUSES):
            return int(stated or S3_STATUSES[shape.name])
        data = self._loader.load_service_model(service or "lambda", "service-2")
        return 500 if data["shapes"][shape.name].get("fault") else 400

    def _lambda_operation(self, operation: str) -> None:
        __tracebackhide__ = True
        try:
            self._model.operation(operation)
        except ConfigurationError as error:
            elsewhere = self._elsewhere(operation)
            if elsewhere:
                names = " or ".join(map(repr, elsewhere))
                raise FaultError(f"Lambda has no operation {operation!r}. Did you mean {names}?") from None
            raise FaultError(
                f"{error} Operations of other services have a prefix, as in 'sqs.SendMessage', and those of the"
                f" pollers are {', '.join(STEPS)}."
            ) from None

    def _elsewhere(self, operation: str) -> list[str]:
        """The names of this operation with a prefix: a step of the pollers, or of the services beside Lambda."""
        names = (f"{service}.{operation}" for service in _BESIDE if operation in self._service(service).operation_names)
        return [step for step in STEPS if step == f"{POLLER}.{operation}"] + list(names)

    def _service(self, service: str) -> ServiceModel:
        __tracebackhide__ = True
        try:
            return _load(self._loader, service)
        except UnknownServiceError:
            known = self._loader.list_available_services("service-2")
            raise FaultError(f"botocore has no service {service!r}. {nearest(service, [*known, POLLER])}") from None


@lru_cache(maxsize=64)
def _load(loader: Loader, service: str) -> ServiceModel:
    return ServiceModel(loader.load_service_model(service, "service-2"), service)


def _check_members(of: str, given: Mapping[str, Any], shape: StructureShape | None) -> None:
    """Refuse members that an error does not have, and values that are none of those which AWS lists."""
    __tracebackhide__ = True
    members = {name: each for name, each in shape.members.items() if name.lower() != "message"} if shape else {}
    for name, value in given.items():
        if name not in members:
            told = nearest(name, members) if members else "It has a message only."
            raise FaultError(f"{of} has no member {name!r}. {told}")
        listed = getattr(members[name], "enum", None)
        if listed and value not in listed:
            raise FaultError(f"{of}: {name} cannot be {value!r}. {nearest(str(value), listed)}")


def _no_error(given: object) -> str:
    text = (
        f"an error is the name of one that the operation can raise, aws_error(...), or read_timeout(),"
        f" connect_timeout(), connection_reset(), lost_response(), latency(seconds), not {given!r}"
    )
    name = getattr(given, "__name__", "")
    return f"{text}. {name} is a function: call it, as in {name}()" if name in _FUNCTIONS else text


def _poller_fault(step: str, error: ErrorGiven, message: str | None) -> PollerFault:
    __tracebackhide__ = True
    if not isinstance(error, str) or error not in STEPS[step]:
        known = "; ".join(f"{word!r}: {about}" for word, about in STEPS[step].items())
        raise FaultError(f"{step} knows no trouble {error!r}. It knows {known}.")
    if message is not None and error != "disabled":
        raise FaultError(f"{step}: {error!r} takes no message; only 'disabled' does, as the mapping's reason")
    return PollerFault(error, message)
