"""Permissions in a world: the setting, what it applies to, and what asks. While it is off, nothing is imported."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from collections.abc import Mapping as ReadOnly
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from pytest_lambda_esm.arn import Arn, parse
from pytest_lambda_esm.destinations import DeliveryFailed, Destinations, Message, Sender
from pytest_lambda_esm.invocation.configuration import FunctionConfiguration
from pytest_lambda_esm.mappings.mapping import Mapping
from pytest_lambda_esm.patching import Patches
from pytest_lambda_esm.sources.catalogue import recognise

if TYPE_CHECKING:
    from pytest_lambda_esm.moto_bridge.permissions.enforcement import Enforcement
    from pytest_lambda_esm.moto_bridge.permissions.places import Access
    from pytest_lambda_esm.moto_bridge.permissions.policies import Verdict
    from pytest_lambda_esm.moto_bridge.permissions.triggers import Triggers
    from pytest_lambda_esm.simulation.world import World


_SENDING_ON: Final = ("moto.sns.models", "moto.s3.models", "moto.events.models")
"""The backends of the services that send events on."""
_PIPE: Final = ":pipes:"
"""A part of the ARN of a pipe, which the mapping has that polls for it."""


class Permissions:
    """What the policies of roles and resources allow. Nothing is judged, and nothing imported, while it is off."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._setting = world.config.permissions
        self._advised: set[str] = set()
        self._is_installed = False

    @property
    def is_active(self) -> bool:
        """Whether anything is judged."""
        return self._is_installed

    def advise(self, arns: Iterable[str]) -> None:
        """Advise on functions, queues and topics from now on, unless the setting says what to do with all of them.

        A deployment calls this with the ARNs of what it has made.
        """
        if self._setting is None:
            self._advised.update(arns)
            if self._world.patches is not None:
                self._install(self._world.patches)

    def install(self, patches: Patches) -> None:
        """Judge from now on, if the setting says so."""
        if self._setting in ("advise", "enforce"):
            self._install(patches)

    def forbidden(self, mapping: Mapping) -> str | None:
        """Return why the role of a mapping's function may not read its source, None where it goes on."""
        if not self._is_installed:
            return None
        if _PIPE in mapping.arn:
            return self._world.pipes.forbidden(mapping)
        function = self._function(mapping.function_arn)
        return self.reading_refused(function, mapping.settings) if function is not None else None

    def reading_refused(self, function: FunctionConfiguration, settings: ReadOnly[str, Any]) -> str | None:
        """Return AWS's text where a function's role may not read the source of a mapping, None where it goes on."""
        if not self._is_installed:
            return None
        source = settings.get("EventSourceArn") or "the source"
        doing = f"Lambda reads {source} with it"
        return self._unreadable(settings, lambda access: self._enforcement.of_function(function, access, doing))

    def check_sending(self, arn: str, message: Message) -> None:
        """Raise DeliveryFailed where the role of the sender's function may not send to a destination."""
        function = self._function(message.sender) if self._is_installed and message.sender else None
        if function is None:
            return
        from pytest_lambda_esm.moto_bridge.permissions.sends import sending

        access = sending(arn, message.key)
        if access is None:
            self._enforcement.cannot_judge(function, f"sending to {arn}", "the fake has no IAM action for it")
        elif self._refuses(function, access, f"Lambda sends a record of {function.name} with it"):
            raise DeliveryFailed(f"the role {function.role} may not {access.action} on {access.resource}")

    def check_trigger(self, function_arn: str) -> None:
        """Raise DeliveryFailed where the service whose event is on its way may not invoke a function."""
        if self._is_installed:
            self._triggers.check_function(function_arn)

    def check_target(self, arn: str) -> None:
        """Raise NotPermitted where the service whose event is on its way may not send to a target."""
        if self._is_installed:
            self._triggers.check_target(arn)

    def check_sender(self, sender: Sender, arn: str) -> None:
        """Raise NotPermitted where a schedule, a rule or a pipe may not send to a target."""
        if self._is_installed:
            self._triggers.check_sender(sender, arn)

    def refuses_role(self, sender: Sender) -> bool:
        """Whether a service refuses the role of a resource when it is made, since it cannot assume the role."""
        if self._setting != "enforce":
            return False
        from pytest_lambda_esm.moto_bridge.permissions.judge import trusts
        from pytest_lambda_esm.moto_bridge.permissions.triggers import cause_of

        return not trusts(cause_of(sender, ""), sender.role)

    def pipe_forbidden(self, sender: Sender, settings: ReadOnly[str, Any]) -> str | None:
        """Return why the role of a pipe may not read its source, None where it goes on."""
        if not self._is_installed:
            return None
        from pytest_lambda_esm.moto_bridge.permissions.triggers import cause_of

        cause = cause_of(sender, "")
        return self._unreadable(settings, lambda access: self._enforcement.of_role(cause, sender.role, access))

    # --- inside ------------------------------------------------------------------------------------------

    def _install(self, patches: Patches) -> None:
        if self._is_installed:
            return
        self._is_installed = True
        if self._world.first_use is not None:
            self._world.first_use.use(*_SENDING_ON)  # Judging goes around what sends on.
        from pytest_lambda_esm.moto_bridge.permissions.calls import HandlerCalls
        from pytest_lambda_esm.moto_bridge.permissions.changes import RoleChanges

        world = self._world
        calls = HandlerCalls(
            self._enforcement, world.persistent.client_calls, world.runtime.output.function, world.new_id
        )
        calls.install(patches)
        self._triggers.install(patches)
        if self._setting == "enforce":
            RoleChanges(self._enforcement, world.engine.wake_all).install(patches)

    @cached_property
    def _enforcement(self) -> Enforcement:
        from pytest_lambda_esm.moto_bridge.permissions.enforcement import Enforcement, Reports

        world = self._world

        def note(subject: str, text: str) -> None:
            world.timeline.add("permission", subject, text)

        return Enforcement(Reports(self._mode_of, world.advice, note))

    @cached_property
    def _triggers(self) -> Triggers:
        from pytest_lambda_esm.moto_bridge.permissions.triggers import Triggers

        return Triggers(self._enforcement)

    def _mode_of(self, arn: str) -> str:
        """Return the setting for a function or another resource."""
        if self._setting is not None:
            return self._setting
        place = Arn.parse(arn)
        if place is not None and place.service == "lambda":
            arn = parse(arn, place.account_id, place.region).unqualified_arn
        return "advise" if arn in self._advised else "off"

    def _unreadable(self, settings: ReadOnly[str, Any], judged: Callable[[Access], Verdict | None]) -> str | None:
        from pytest_lambda_esm.moto_bridge.permissions.reads import accesses, reading_of

        source = recognise(settings, self._world.config.limits)
        assert source is not None
        reading = reading_of(source.service, settings)
        for access in accesses(reading, settings):
            if judged(access) is not None:
                return reading.refusal(access, settings.get("EventSourceArn", ""))
        return None

    def _function(self, arn: str) -> FunctionConfiguration | None:
        return self._world.functions.find(parse(arn, self._world.config.account_id, "us-east-1"))

    def _refuses(self, function: FunctionConfiguration, access: Access, doing: str) -> bool:
        return self._enforcement.of_function(function, access, doing) is not None


class PermittedDestinations:
    """Destinations that get only what the role of the sender's function may send."""

    def __init__(self, permissions: Permissions, destinations: Destinations) -> None:
        self._permissions = permissions
        self._destinations = destinations

    def deliver(self, arn: str, message: Message) -> None:
        """Deliver a message now. Raises DeliveryFailed if the role may not, or the destination refuses it."""
        self._permissions.check_sending(arn, message)
        self._destinations.deliver(arn, message)
