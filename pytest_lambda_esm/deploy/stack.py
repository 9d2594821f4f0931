"""A deployed stack: what a test asks it for, its updates, and its end."""

from __future__ import annotations

import gc
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from pytest_lambda_esm.arn import FunctionReference
from pytest_lambda_esm.deploy.handlers import Deployed, load, refusing
from pytest_lambda_esm.deploy.prepare import Prepared, finished, origin
from pytest_lambda_esm.deploy.request import Request, prepare
from pytest_lambda_esm.errors import ConfigurationError, DeployError, LambdaEsmError, ends_the_run, nearest
from pytest_lambda_esm.invocation.function import Function
from pytest_lambda_esm.invocation.handlers import HandlerGiven, resolve
from pytest_lambda_esm.mappings.mapping import Mapping as EventSourceMapping
from pytest_lambda_esm.moto_bridge import deployment
from pytest_lambda_esm.simulation import queries
from pytest_lambda_esm.simulation.world import World

if TYPE_CHECKING:
    from os import PathLike

_FUNCTION: Final = "AWS::Lambda::Function"
_MAPPING: Final = "AWS::Lambda::EventSourceMapping"
_QUEUE: Final = "AWS::SQS::Queue"
_STACK: Final = "AWS::CloudFormation::Stack"
_CAPABILITIES: Final = ("CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where stacks are made: a world, a client of CloudFormation, and the region."""

    world: World
    client: Any
    region: str

    @property
    def account_id(self) -> str:
        """The account of the stacks."""
        return self.world.config.account_id


@dataclass(frozen=True, slots=True)
class StackResource:
    """A resource of a stack: ``physical_id`` is what ``Ref`` returns."""

    logical_id: str
    type: str
    physical_id: str
    _attribute: Callable[[str], Any]

    def __str__(self) -> str:
        return self.physical_id

    def attribute(self, name: str) -> Any:
        """Return what ``Fn::GetAtt`` returns, such as ``attribute("Arn")``. Raises DeployError for unknown names."""
        __tracebackhide__ = True
        try:
            return self._attribute(name)
        except Exception as problem:
            raise DeployError(f"{self.logical_id!r} ({self.type}) has no attribute {name!r}: {problem}") from None


class Stack:
    """A stack in moto's CloudFormation, whose functions run the source of the template where it is.

    ``name`` is the stack's name, ``stack_id`` its ARN.
    """

    def __init__(self, surroundings: Surroundings, name: str, prepared: Prepared) -> None:
        self._surroundings = surroundings
        self._prepared = prepared
        self._code: dict[str, HandlerGiven] = {}
        self.name = name
        self.stack_id = name

    def __repr__(self) -> str:
        return f"<Stack {self.name} of {self._prepared.template.name}>"

    # --- what it has ------------------------------------------------------------------------------------------

    @property
    def outputs(self) -> dict[str, str]:
        """The outputs of the stack, by name."""
        __tracebackhide__ = True
        described = self._surroundings.client.describe_stacks(StackName=self.name)["Stacks"][0]
        return {each["OutputKey"]: each["OutputValue"] for each in described.get("Outputs", [])}

    def resource(self, logical_id: str) -> StackResource:
        """Return a resource by its logical id, with its physical id and attributes. Raises DeployError."""
        __tracebackhide__ = True
        found = self._resources()
        if logical_id not in found:
            left_out = {**self._prepared.left_out, **self._prepared.not_simulated}
            if logical_id in left_out:
                raise DeployError(f"{logical_id!r} ({left_out[logical_id]}) was left out of the stack {self.name!r}")
            raise DeployError(f"the stack {self.name!r} has no resource {logical_id!r}. {nearest(logical_id, found)}")
        each = found[logical_id]
        return StackResource(logical_id, each.type, each.physical_id, each.attribute)

    def function(self, logical_id: str) -> Function:
        """Return a function by its logical id, with its invocations. Raises DeployError if there is none."""
        __tracebackhide__ = True
        name = self._of_type(logical_id, _FUNCTION)
        where = self._surroundings
        return where.world.registry.get(where.account_id, where.region, name)

    def mapping(self, logical_id: str) -> EventSourceMapping:
        """Return an event source mapping by its logical id. Raises DeployError if there is none.

        SAM names the mapping of an event after the function and the event: ``OrdersFunction`` and ``Queue`` become
        ``OrdersFunctionQueue``.
        """
        __tracebackhide__ = True
        return queries.find_mapping(self._surroundings.world, self._of_type(logical_id, _MAPPING))

    def queue(self, logical_id: str) -> str:
        """Return the URL of a queue by its logical id. Raises DeployError if there is none."""
        __tracebackhide__ = True
        return self._of_type(logical_id, _QUEUE)

    def nested(self, logical_id: str) -> Stack:
        """Return a nested stack by its logical id. Raises DeployError if there is none."""
        __tracebackhide__ = True
        name = self._of_type(logical_id, _STACK)
        prepared = self._prepared.nested.get(logical_id)
        if prepared is None:
            raise DeployError(f"the template of the nested stack {logical_id!r} is in a bucket; describe it with boto3")
        return Stack(self._surroundings, name, prepared)

    # --- changes ----------------------------------------------------------------------------------------------

    def update(
        self,
        template: str | PathLike[str] | Mapping[str, Any],
        *,
        parameters: Mapping[str, Any] | None = None,
        code: Mapping[str, HandlerGiven] | None = None,
        skip: Sequence[str] = (),
    ) -> None:
        """Update the stack to a template, as a second deployment does.

        Parameters and handlers of ``code`` so far stay, unless others are given. Source code is imported again. Raises
        DeployError, as a deployment does; then the stack, and the code that its functions run, are as they were.
        """
        __tracebackhide__ = True
        request = Request(template, parameters or {}, {**self._code, **(code or {})}, skip)
        before = (self._prepared, self._code)
        where = self._surroundings
        self._prepared = prepare(request, where.account_id, where.region, self.name, self._prepared.values)[0]
        deployments = where.world.deployments
        deployments.complete = (self.stack_id, self._finish)
        try:
            self._send("update_stack", request)
        except BaseException:
            self._prepared, self._code = before
            raise
        finally:
            deployments.complete = None

    def delete(self) -> None:
        """Delete the stack and its resources."""
        __tracebackhide__ = True
        self._surroundings.client.delete_stack(StackName=self.stack_id)

    def _create(self, request: Request) -> None:
        """Create the stack. Raises DeployError; what was created until then is deleted."""
        __tracebackhide__ = True
        self._send("create_stack", request)
        try:
            self._finish()
        except DeployError:
            self._give_up("create_stack")
            raise

    # --- inside -----------------------------------------------------------------------------------------------

    def _send(self, operation: str, request: Request) -> None:
        __tracebackhide__ = True
        prepared, world = self._prepared, self._surroundings.world
        prepared.check_files()
        handlers = {name: resolve(given) for name, given in request.code.items()}
        self._code = dict(request.code)
        deployments = world.deployments

        def keep(path: str) -> str:
            return deployments.keep_handler(handlers.get(path) or refusing(path, prepared))

        text = finished(prepared, keep, deployments.keep_template)
        deployments.failed = None
        self._check_parameter_store()
        params = [{"ParameterKey": name, "ParameterValue": value} for name, value in prepared.values.items()]
        call = getattr(self._surroundings.client, operation)
        try:
            answer = call(StackName=self.name, TemplateBody=text, Parameters=params, Capabilities=list(_CAPABILITIES))
        except LambdaEsmError:
            self._give_up(operation)
            raise
        except Exception as problem:
            if ends_the_run(problem):
                raise
            if not _exists_already(problem):
                self._give_up(operation)
            raise self._failure(problem) from (None if isinstance(problem, ClientError) else problem)
        self.stack_id = answer.get("StackId", self.stack_id)
        self._check_status(operation)

    def _finish(self) -> None:
        """Give advice on a stack whose resources are there, and import its handlers."""
        __tracebackhide__ = True
        prepared, world = self._prepared, self._surroundings.world
        _advise(world, prepared)
        world.permissions.advise(_with_policies(self, prepared))
        load(world, self._with_local_code(prepared))

    def _with_local_code(self, prepared: Prepared) -> Iterator[Deployed]:
        where = self._surroundings
        for code in prepared.functions:
            if code.path is not None and not code.is_bound and not code.is_foreign:
                reference = FunctionReference(where.account_id, where.region, self.function(code.logical_id).name)
                configuration = where.world.functions.find(reference)
                if configuration is not None:
                    yield Deployed(prepared, code, configuration)
        for logical_id, inner in prepared.nested.items():
            yield from self.nested(logical_id)._with_local_code(inner)

    def _check_parameter_store(self) -> None:
        """Check that the parameters that are names of entries of the parameter store name existing ones."""
        __tracebackhide__ = True
        template, where = self._prepared.template, self._surroundings
        for name, about in template.section("Parameters").items():
            entry = self._prepared.values.get(name) or (about or {}).get("Default")
            if not str((about or {}).get("Type", "")).startswith("AWS::SSM::Parameter::") or entry is None:
                continue
            if not deployment.has_parameter(where.account_id, where.region, str(entry)):
                raise template.error(
                    f"the parameter {name!r} names the entry {entry!r} of the parameter store, which does not exist."
                    f" Put it there first: boto3.client('ssm').put_parameter(Name={entry!r}, ...)",
                    "Parameters",
                    name,
                )

    def _give_up(self, operation: str) -> None:
        """Delete a stack that was not completed."""
        if operation == "create_stack":
            try:
                self._surroundings.client.delete_stack(StackName=self.name)
            except LambdaEsmError:
                raise
            except Exception as problem:  # The error that is reported is the one before.
                self._surroundings.world.timeline.add("advice", self.name, f"its resources remain: {problem}")

    def _failure(self, problem: Exception) -> DeployError:
        failed = self._surroundings.world.deployments.failed
        message = str(problem) if isinstance(problem, ClientError) else f"{type(problem).__name__}: {problem}"
        template = self._prepared.template
        if failed is None:
            return template.error(f"CloudFormation refuses the template: {message}")
        logical_id, kind = failed
        return template.error(
            f"{logical_id} ({kind}) could not be made: {message}. Correct it, or leave its type out: deploy(...,"
            f" skip=[{kind!r}])",
            "Resources",
            origin(template, logical_id),
        )

    def _check_status(self, operation: str) -> None:
        __tracebackhide__ = True
        client = self._surroundings.client
        status = client.describe_stacks(StackName=self.stack_id)["Stacks"][0]["StackStatus"]
        if status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            return
        events = client.describe_stack_events(StackName=self.stack_id)["StackEvents"]
        failed = [each for each in events if each["ResourceStatus"].endswith("_FAILED")]
        reasons = [
            f"{each['LogicalResourceId']} ({each.get('ResourceType')}): {each.get('ResourceStatusReason')}"
            for each in failed
        ]
        first = failed[-1]["LogicalResourceId"] if failed else ""
        self._give_up(operation)
        template = self._prepared.template
        raise template.error(
            f"the stack {self.name!r} ended in {status}: {'; '.join(reasons) or 'no event says why'}",
            "Resources",
            origin(template, first),
        )

    def _resources(self) -> Mapping[str, deployment.CreatedResource]:
        where = self._surroundings
        return deployment.resources(where.account_id, where.region, self.stack_id)

    def _of_type(self, logical_id: str, kind: str) -> str:
        __tracebackhide__ = True
        found = self._resources()
        if logical_id in found and found[logical_id].type == kind:
            return found[logical_id].physical_id
        known = [name for name, each in found.items() if each.type == kind]
        hint = nearest(logical_id, known) if known else f"It has no {kind}."
        about = f"it is {found[logical_id].type}" if logical_id in found else f"the stack {self.name!r} has no such"
        raise DeployError(f"{logical_id!r} is not a resource of type {kind}: {about}. {hint}")


# --- the steps of a deployment -----------------------------------------------------------------------------------


def deploy(surroundings: Surroundings, request: Request, stack_name: str | None) -> Stack:
    """Deploy a template. Raises DeployError for what is wrong with it, and HandlerError for handlers of ``code``."""
    __tracebackhide__ = True
    collects = gc.isenabled()
    gc.disable()  # A first deployment imports a lot, and collections would be a quarter of its time.
    try:
        if stack_name is not None and not re.fullmatch("[a-zA-Z][-a-zA-Z0-9]{0,127}", str(stack_name)):
            raise ConfigurationError(
                f"deploy: stack_name takes letters, digits and hyphens, up to 128, a letter first, not {stack_name!r}"
            )
        prepared, name = prepare(request, surroundings.account_id, surroundings.region, stack_name)
        stack = Stack(surroundings, stack_name or _unused(surroundings, name), prepared)
        stack._create(request)
        return stack
    finally:
        if collects:
            gc.enable()


def _exists_already(problem: Exception) -> bool:
    return isinstance(problem, ClientError) and problem.response["Error"]["Code"] == "AlreadyExistsException"


def _unused(surroundings: Surroundings, name: str) -> str:
    """Return a name for a stack that none has yet."""
    name = "".join(letter if letter.isalnum() and letter.isascii() else "-" for letter in name).strip("-")
    name = name if name[:1].isalpha() else f"stack-{name}".rstrip("-")
    stacks = surroundings.client.describe_stacks()["Stacks"]
    taken = {each["StackName"] for each in stacks}
    candidates = (name, *(f"{name}-{number}" for number in range(2, len(taken) + 3)))
    return next(each for each in candidates if each not in taken)


def _advise(world: World, prepared: Prepared) -> None:
    for what in prepared.gaps():
        world.advice.give("ESM205", prepared.template.name, about=what, what=what)
    for each in prepared.nested.values():
        _advise(world, each)


_JUDGED: Final = (
    "AWS::Events::Rule",
    "AWS::Lambda::Function",
    "AWS::Pipes::Pipe",
    "AWS::SQS::Queue",
    "AWS::Scheduler::Schedule",
)


def _with_policies(stack: Stack, prepared: Prepared) -> Iterator[str]:
    """Return the ARNs of the resources whose permissions are judged: functions, queues, topics, and what has a role."""
    for each in stack._resources().values():
        if each.type in _JUDGED:
            yield str(each.attribute("Arn"))
        elif each.type == "AWS::SNS::Topic":
            yield each.physical_id
    for logical_id, inner in prepared.nested.items():
        yield from _with_policies(stack.nested(logical_id), inner)
