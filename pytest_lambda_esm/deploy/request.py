"""What a test asks for when it deploys or updates, and the template that it names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pytest_lambda_esm.deploy import assembly
from pytest_lambda_esm.deploy.prepare import Choices, Preparation, Prepared
from pytest_lambda_esm.deploy.template import read_dictionary
from pytest_lambda_esm.errors import ConfigurationError, DeployError
from pytest_lambda_esm.invocation.handlers import HandlerGiven
from pytest_lambda_esm.moto_bridge import deployment

if TYPE_CHECKING:
    from os import PathLike

_PREPARATION: Final = Preparation()


@dataclass(frozen=True, slots=True)
class Request:
    """What a test asks for when it deploys or updates."""

    template: str | PathLike[str] | Mapping[str, Any]
    parameters: Mapping[str, Any]
    code: Mapping[str, HandlerGiven]
    skip: Sequence[str]

    def check(self) -> None:
        """Raise ConfigurationError for parameters, handlers or types of another form."""
        __tracebackhide__ = True
        for name, given in (("parameters", self.parameters), ("code", self.code)):
            if not isinstance(given, Mapping):
                raise ConfigurationError(f"deploy: {name} takes a dictionary by name, not {given!r}")
        if isinstance(self.skip, str) or not all(isinstance(each, str) for each in self.skip):
            raise ConfigurationError(
                f"deploy: skip takes a list of types such as 'AWS::CloudFront::*', not {self.skip!r}"
            )

    def found(self, stack_name: str | None) -> assembly.Found:
        """Return the template. Raises DeployError if there is none."""
        __tracebackhide__ = True
        given = self.template
        if isinstance(given, Mapping):
            return assembly.Found(read_dictionary(given, Path.cwd()))
        if not (isinstance(given, str) or hasattr(given, "__fspath__")):
            raise ConfigurationError(f"deploy takes the path of a template, or a dictionary, not {given!r}")
        path = Path(given)
        if not path.exists():
            raise DeployError(f"there is no template {str(path)!r} (looked for in {str(Path.cwd())!r})")
        return assembly.find(path.resolve(), stack_name)


def prepare(
    request: Request, account_id: str, region: str, stack_name: str | None, before: Mapping[str, str] | None = None
) -> tuple[Prepared, str]:
    """Return the prepared template, and a name for its stack; ``before`` are the parameters of the stack so far."""
    __tracebackhide__ = True
    deployment.check_extra()
    request.check()
    found = request.found(stack_name)
    choices = Choices(account_id, region, frozenset(request.code), tuple(request.skip))
    declared = found.template.section("Parameters")
    kept = {name: value for name, value in (before or {}).items() if name in declared}
    prepared = _PREPARATION.prepare(found, {**kept, **request.parameters}, choices)
    folder = found.template.folder.name if found.template.file is not None else ""
    return prepared, found.stack_name or folder or "stack"
