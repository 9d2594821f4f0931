"""Which operations a fault can strike, and which errors each can raise according to botocore's service models."""

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
    AFTER_WRITES,
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
from pytest_lambda_esm.faults.poller_steps import PARAMS, RUNS_A_HANDLER, STEPS

POLLER: Final = "poller"

_SEARCHED_SERVICES: Final = (
    "sqs",
    "kinesis",
    "dynamodb",
    "dynamodbstreams",
    "sns",
    "s3",
    "events",
    "iam",
    "sts",
    "logs",
)
"""Where an unknown operation without a prefix is searched for; botocore has too many services to read them all."""

_ERROR_FUNCTIONS: Final = frozenset(
    each.__name__ for each in (aws_error, connect_timeout, connection_reset, latency, lost_response, read_timeout)
)


class FaultCatalogue:
    """Checks the names in faults. All methods raise FaultError for unknown ones, with the nearest known names."""

    def __init__(self, model: LambdaModel, loader: Loader, account_id: str) -> None:
        self._model = model
        self._loader = loader
        self._account_id = account_id

    def operation(self, name: str) -> str:
        """Return the name that calls of an operation have: prefixed, unless it is an operation of Lambda."""
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
            known = [f"{service}.{each}" for each in model.operation_names]
            raise FaultError(f"{service} has no operation {operation!r}. {nearest(name, known)}")
        return name

    def check_service(self, service: str) -> None:
        """Raise FaultError for an unknown service; ``poller`` counts as one."""
        __tracebackhide__ = True
        if service != POLLER:
            self._service(service)

    def operations_of(self, service: str) -> list[str]:
        """Return all operations of a service, or all steps of pollers, by the names that :meth:`operation` returns."""
        __tracebackhide__ = True
        if service == POLLER:
            return list(STEPS)
        if service == "lambda":
            return list(self._model.operations)
        return [f"{service}.{name}" for name in self._service(service).operation_names]

    def parameters(self, operation: str) -> Sequence[str]:
        """Return the names of the parameters of an operation, not of a poller's step; none for ``service.*``."""
        __tracebackhide__ = True
        service, _, name = operation.rpartition(".") if isinstance(operation, str) else ("", "", operation)
        if service == POLLER:
            raise FaultError(f"{operation!r} is a step of pollers, which make no calls; the timeline shows them")
        if service and name == "*":
            self._service(service)
            return ()
        if service in ("", "lambda") and name not in self._model.operations:
            raise FaultError(f"Lambda has no operation {operation!r}. {self._hint(str(name))}")
        return self._params(self.operation(operation))

    def check_params(self, operation: str, names: Sequence[str]) -> None:
        """Raise FaultError for a name that is not a parameter of an operation."""
        __tracebackhide__ = True
        known: Sequence[str] = PARAMS[operation] if operation in STEPS else self._params(operation)
        for name in names:
            if name not in known:
                hint = nearest(str(name), known) if known else "It has none."
                raise FaultError(f"match: {operation} has no parameter {name!r}. {hint}")

    def effect(self, operation: str, error: ErrorGiven | None, message: str | None = None) -> Effect:
        """Return the effect of an error on a call of an operation; AWS's text, status and members are the defaults."""
        __tracebackhide__ = True
        if operation in STEPS:
            return _poller_fault(operation, error, message)
        if isinstance(error, NetworkFault):
            if message is not None:
                raise FaultError(f"{error!r} is a network fault, which has no message; leave the message out")
            return error
        if isinstance(error, PollerFault):
            steps = " and ".join(sorted(RUNS_A_HANDLER))
            raise FaultError(f"{error!r} ends a handler: it is a fault of {steps}, not of {operation}")
        given = AwsError(error) if isinstance(error, str) else error
        if not isinstance(given, AwsError):
            raise FaultError(_not_an_error(error))
        return self._aws_error(operation, given, given.message if message is None else message)

    def raises(self, operation: str, error: ErrorGiven) -> bool:
        """Return whether an operation can raise an error."""
        if isinstance(error, NetworkFault):
            return operation not in STEPS
        if isinstance(error, PollerFault):
            return operation in RUNS_A_HANDLER
        return (error if isinstance(error, str) else error.code) in self.errors_of(operation)

    def errors_of(self, operation: str) -> set[str]:
        """Return the codes of all errors that an operation can raise, or the names of a step's faults."""
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
        service, _, name = operation.rpartition(".")
        text = message
        if text is None:
            text = default_message(service or "lambda", name, error.code, shape, self._account_id)
        given = {**({} if service else default_members(name, error.code)), **error.members}
        if shape is None:
            return AwsError(error.code, text, given, common[error.code])
        return AwsError(shape.name if service else error.code, text, given, self._status(service, shape))

    def _shapes(self, operation: str) -> dict[str, StructureShape]:
        """Return the errors that the service model lists for an operation, by the names that users write."""
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
        service, _, name = operation.rpartition(".")
        return self._service(service).operation_model(name) if service else self._model.operation(name)

    def _status(self, service: str, shape: Shape) -> int:
        """Return the status of the model, which services on the JSON protocol leave out: those answer 400 or 500."""
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
            elsewhere = self._same_name_elsewhere(operation)
            if elsewhere:
                names = " or ".join(map(repr, elsewhere))
                raise FaultError(f"Lambda has no operation {operation!r}. Did you mean {names}?") from None
            raise FaultError(
                f"{error} Operations of other services have a prefix, as in 'sqs.SendMessage', and the steps of pollers"
                f" are {', '.join(STEPS)}."
            ) from None

    def _hint(self, operation: str) -> str:
        """Return what may have been meant by an unknown operation of Lambda."""
        elsewhere = [name for name in self._same_name_elsewhere(operation) if name not in STEPS]
        if elsewhere:
            return f"Did you mean {' or '.join(map(repr, elsewhere))}?"
        prefix = "Operations of other services have a prefix, as in 'sqs.SendMessage'."
        return f"{nearest(operation, self._model.operations)} {prefix}"

    def _same_name_elsewhere(self, operation: str) -> list[str]:
        """Return the prefixed names of this operation: the step of a poller, or an operation of another service.

        ``sqs:SendMessage``, as policies write it, means ``sqs.SendMessage``.
        """
        service, colon, name = operation.partition(":")
        if colon:
            known = service.lower() in _SEARCHED_SERVICES and name in self._service(service.lower()).operation_names
            return [f"{service.lower()}.{name}"] if known else []
        names = (
            f"{service}.{operation}"
            for service in _SEARCHED_SERVICES
            if operation in self._service(service).operation_names
        )
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


def _check_members(error: str, given: Mapping[str, Any], shape: StructureShape | None) -> None:
    """Raise FaultError for a member that an error does not have, and for a value that is not one AWS lists."""
    __tracebackhide__ = True
    members = {name: each for name, each in shape.members.items() if name.lower() != "message"} if shape else {}
    for name, value in given.items():
        if name not in members:
            hint = nearest(name, members) if members else "It has only a message."
            raise FaultError(f"{error} has no member {name!r}. {hint}")
        allowed = getattr(members[name], "enum", None)
        if allowed and value not in allowed:
            raise FaultError(f"{error}: {name} cannot be {value!r}. {nearest(str(value), allowed)}")


def _not_an_error(given: object) -> str:
    text = (
        f"an error is the name of one that the operation can raise, aws_error(...), read_timeout(),"
        f" connect_timeout(), connection_reset(), lost_response() or latency(seconds), not {given!r}"
    )
    name = getattr(given, "__name__", "")
    if name in _ERROR_FUNCTIONS:
        return f"{text}. {name} is a function: call it, as in {name}()"
    if name and isinstance(given, type) and issubclass(given, Exception):
        return f"{text}. Give the name of the error: {name!r}"
    if isinstance(given, (list, tuple)):
        return f"{text}. Give several errors one by one: faults.sequence(operation, *errors)"
    return text


def _poller_fault(step: str, error: ErrorGiven | None, message: str | None) -> PollerFault:
    __tracebackhide__ = True
    if isinstance(error, PollerFault) and error.writes and step in RUNS_A_HANDLER:
        if message is not None:
            raise FaultError(f"{step}: {error!r} takes no message; only 'disabled' does, as the mapping's reason")
        return error
    if not isinstance(error, str) or error not in STEPS[step]:
        known = "; ".join(f"{name!r}: {effect}" for name, effect in STEPS[step].items())
        cut = f"; {AFTER_WRITES}(n): the handler's process ends after its n-th write" if step in RUNS_A_HANDLER else ""
        raise FaultError(f"{step} has no fault {error!r}. It has {known}{cut}.")
    if message is not None and error != "disabled":
        raise FaultError(f"{step}: {error!r} takes no message; only 'disabled' does, as the mapping's reason")
    return PollerFault(error, message)
