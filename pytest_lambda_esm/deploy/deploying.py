"""``deploy`` of a fake: the part of ``FakeLambda`` for stacks. What it needs is imported by the first deployment."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping as ReadOnly
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pytest_lambda_esm.invocation.handlers import HandlerGiven
from pytest_lambda_esm.simulation.world import World

if TYPE_CHECKING:
    from pytest_lambda_esm.deploy.stack import Stack


class Deploying(ABC):
    """The base of ``FakeLambda`` with deployments. ``_active`` is the world of an open fake."""

    stacks: list[Stack]
    """The deployments so far, in their order."""

    @property
    @abstractmethod
    def _active(self) -> World: ...

    @property
    @abstractmethod
    def region(self) -> str:
        """The default region of clients."""

    @abstractmethod
    def client(self, service: str, region: str | None = None) -> Any:
        """Return a boto3 client."""

    def deploy(
        self,
        template: str | os.PathLike[str] | ReadOnly[str, Any],
        *,
        parameters: ReadOnly[str, Any] | None = None,
        stack_name: str | None = None,
        code: ReadOnly[str, HandlerGiven] | None = None,
        region: str | None = None,
        skip: Sequence[str] = (),
    ) -> Stack:
        """Deploy a template into moto's CloudFormation; its functions run the source where it is.

        ``template`` is the path of a SAM or CloudFormation template, of a ``cdk.out`` or ``.serverless`` folder, or a
        dictionary. ``code`` binds handlers to functions, by logical id; ``skip`` leaves out resource types, such as
        ``"AWS::CloudFront::*"``. Raises DeployError for what is wrong with the template or its code.
        """
        __tracebackhide__ = True
        from pytest_lambda_esm.deploy.request import Request
        from pytest_lambda_esm.deploy.stack import Surroundings, deploy

        where = Surroundings(self._active, self.client("cloudformation", region), region or self.region)
        self.stacks.append(deploy(where, Request(template, parameters or {}, code or {}, skip), stack_name))
        return self.stacks[-1]
