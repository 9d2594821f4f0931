"""FakeLambda: the object that a test uses. It creates a world, installs it, and exposes it to the test."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Mapping as ReadOnly
from collections.abc import Sequence
from functools import cache, cached_property
from types import TracebackType
from typing import TYPE_CHECKING

from pytest_lambda_esm.arguments import suggesting
from pytest_lambda_esm.arn import FunctionReference
from pytest_lambda_esm.aws_model.model import LambdaModel
from pytest_lambda_esm.clock.handle import VirtualClock
from pytest_lambda_esm.clock.modules import loaded_modules
from pytest_lambda_esm.clock.virtual import EventClock
from pytest_lambda_esm.clock.wall import Wall, open_wall
from pytest_lambda_esm.config import Config, checked
from pytest_lambda_esm.deploy.deploying import Deploying
from pytest_lambda_esm.errors import (
    AlreadyActive,
    ConfigurationError,
    LambdaEsmAdvice,
    NotActive,
    UnexpectedHandlerError,
    caught_by_test,
    printable,
)
from pytest_lambda_esm.explore.exploring import Exploring
from pytest_lambda_esm.faults.catalogue import FaultCatalogue
from pytest_lambda_esm.faults.plan import FaultPlan, users_place
from pytest_lambda_esm.invocation.function import Function
from pytest_lambda_esm.invocation.handlers import HandlerGiven, resolve
from pytest_lambda_esm.invocation.record import Invocation
from pytest_lambda_esm.moto_bridge import lambda_service, lookups, session
from pytest_lambda_esm.moto_bridge.botocore_retries import RetryQuotas
from pytest_lambda_esm.moto_bridge.client_calls import ClientCalls
from pytest_lambda_esm.moto_bridge.sqs import queues
from pytest_lambda_esm.moto_bridge.streams import lookup as streams
from pytest_lambda_esm.observe.calls import Calls
from pytest_lambda_esm.observe.sequences import ReadOnlySequence
from pytest_lambda_esm.observe.timeline import Timeline
from pytest_lambda_esm.patching import Patches
from pytest_lambda_esm.running import Observer, find_observer, opener
from pytest_lambda_esm.server.serving import Serving
from pytest_lambda_esm.simulation import embedded, endings, functions, installation, queries, sleeping
from pytest_lambda_esm.simulation.clients import Clients
from pytest_lambda_esm.simulation.embedded_sources import EmbeddedSources
from pytest_lambda_esm.simulation.hooks import Hooks
from pytest_lambda_esm.simulation.questions import Questions
from pytest_lambda_esm.simulation.shortcuts import Shortcuts
from pytest_lambda_esm.simulation.subjects import Given, Subject
from pytest_lambda_esm.simulation.world import PersistentParts, World
from pytest_lambda_esm.timing import Span, instant_of, moment_of

if TYPE_CHECKING:
    from typing_extensions import Unpack  # For a type checker only, which knows it without the package.

    from pytest_lambda_esm.deploy.stack import Stack
    from pytest_lambda_esm.explore.exploration import Exploration
    from pytest_lambda_esm.setting_types import Settings, Times
    from pytest_lambda_esm.simulation.resources import SqsQueue
    from pytest_lambda_esm.sweep.run import Leftovers, SweepContext
    from pytest_lambda_esm.sweep.sweep import Sweep


@cache
def _model(limits: str) -> LambdaModel:
    """Return the Lambda service model, read once per process: the installed botocore does not change meanwhile."""
    return LambdaModel.load(session.shared_loader(), limits)


def fault_catalogue(limits: str = "current", account_id: str = session.DEFAULT_ACCOUNT) -> FaultCatalogue:
    """Return the catalogue that checks names of operations and errors against the installed botocore."""
    return FaultCatalogue(_model(limits), session.shared_loader(), account_id)


class FakeLambda(Clients, Questions, EmbeddedSources, Shortcuts, Deploying, Exploring, Serving):
    """A Lambda event system in this process, active during a ``with`` block.

    ``with FakeLambda(start="2026-03-01T00:00:00Z") as fake:`` takes the settings of :class:`Config` by name. The
    fixture ``lambda_esm`` returns one. ``config`` has its settings; ``sweeps`` and ``stacks`` list its sweeps and
    deployments so far. Raises ConfigurationError for settings that do not exist and for values that a setting does not
    accept.
    """

    def __init__(
        self, config: Config | None = None, /, *, _hooks: Hooks | None = None, **settings: Unpack[Settings]
    ) -> None:
        __tracebackhide__ = True
        self._hooks = _hooks if _hooks is not None else Hooks()
        self._is_outside = _hooks is None
        self._opened_at = ""
        self._observer: Observer | None = None
        base = Config() if config is None else checked(config)
        self.config = base.with_changes("FakeLambda", settings)
        self._patches = Patches()
        self._world_patches = Patches()
        self._quotas = RetryQuotas()
        self.sweeps: list[Sweep | Exploration] = []
        self.stacks: list[Stack] = []
        self._started = self.config.start
        self._opened: World | None = None
        self._closed = False
        self._reviewed = False
        self._errors: list[BaseException] = []

    def __repr__(self) -> str:
        state = "closed" if self._closed else "active" if self._opened else "not started"
        return f"<FakeLambda {state}>"

    if not TYPE_CHECKING:  # A type checker that saw it would accept every name.

        def __setattr__(self, name: str, value: object) -> None:
            __tracebackhide__ = True
            if name in Config.__dataclass_fields__:
                raise ConfigurationError(
                    f"{name} is a setting, which is chosen before the fake starts:"
                    f" @pytest.mark.lambda_esm({name}={value!r}), the fixture lambda_esm_config, or"
                    f" FakeLambda({name}={value!r})"
                )
            object.__setattr__(self, name, value)

    def __enter__(self) -> FakeLambda:
        __tracebackhide__ = True
        if self._opened is not None or self._closed:
            raise AlreadyActive("this FakeLambda has been started before; create a new one")
        owner = lambda_service.owner()
        if owner is not None:
            raise AlreadyActive(
                f"another FakeLambda is active in this process: {owner}. There can be one at a time: use the lambda_esm"
                f" fixture or one 'with FakeLambda()', not both, and close each one."
            )
        session.refuse_server_mode()
        self._opened_at = users_place()
        try:
            with loaded_modules().looking_once():
                self._open()
        except BaseException:
            self._undo()
            raise
        self._observer = find_observer() if self._is_outside else None
        if self._observer is not None:
            self._observer.opened(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._observer is not None:
                self._observer.closing(self, error)
            if error is None:
                endings.review(self._world, again=not self._reviewed)  # While moto has what the advice is about.
        finally:
            self._close()
        if error is not None:
            return
        self._raise_server_error()
        failures = self.handler_errors() if self._is_outside else ""
        if failures:
            raise UnexpectedHandlerError(failures)
        report = self.faults_left() if self.config.strict else ""
        if report:
            self._hooks.faults_left(report)
        for advice in self.take_advice():
            if self.config.advice == "error":
                raise advice
            warnings.warn(advice, stacklevel=2)

    def _close(self) -> None:
        self._stop_server()
        self._closed = True
        self._world.clock.sleepers.end_all(self._world.clock.instant, close=True)
        self._undo()
        self._world.close("cannot be changed any more: its fake is closed")
        self._world.clock.stop()

    def _undo(self) -> None:
        self._patches.then(self._world_patches.undo)
        with loaded_modules().looking_once():
            self._patches.undo()

    def _undo_again(self) -> None:
        """Revert what others have put back since the end, such as a fixture that was set up before this fake."""
        self._patches.undo_again()
        self._world_patches.undo_again()

    def _open(self) -> None:
        __tracebackhide__ = True
        real_start = int(time.time() * 1_000_000)
        wall = self._open_wall()
        start = wall.read()
        assert start is not None
        self._started = moment_of(start)
        session.install(self._patches, region=self.region, account_id=self.config.account_id, seed=self.config.seed)
        session.check_region("region", self.region, self.config.account_id)
        for sources in (queues, streams):
            sources.shift(start - real_start)  # What moto already holds was written in real time.
        clock = EventClock(moment_of(start), wall, self.config.longest_standstill)
        catalogue = fault_catalogue(self.config.limits, self.config.account_id)
        persistent = PersistentParts(FaultPlan(catalogue, clock.follow_wall), catalogue, ClientCalls())
        lambda_service.claim(self._patches, opener(self._opened_at, self._is_outside))
        self._opened = World(self.config, _model(self.config.limits), clock, self._hooks, persistent)
        clock.diagnosis = self._short_diagnosis
        self._clock = VirtualClock(clock)
        persistent.client_calls.install(self._patches)
        self._quotas.install(self._patches)
        installation.install(self._world_patches, self._opened, self._errors.append)
        sleeping.install(self._patches, lambda: self._world, self.config.sleep, self._errors.append)

    def _open_wall(self) -> Wall:
        __tracebackhide__ = True
        wall = open_wall(self.config.wall_clock, instant_of(self.config.start))
        self._patches.then(wall.close, wall.undo_again)
        if self.config.has_own_start:
            wall.show(instant_of(self.config.start))  # Moves an adopted freezer as well.
        return wall

    def _restart(self) -> None:
        """Discard everything that happened and was created, as if the fake had just started; faults stay."""
        before = self._active
        before.clock.restart(self._started)  # First, since it raises in the middle of an event.
        before.close("belongs to a world that has been restarted; ask for it again, inside the sweep")
        self._world_patches.undo()
        self._world_patches.undo_again()
        session.restart(self.config.seed)
        self._errors.clear()
        self.stacks.clear()
        self._leftovers.forget()
        self._quotas.refill()
        self._opened = World(self.config, before.model, before.clock, self._hooks, before.persistent)
        self._opened.times = before.times
        installation.install(self._world_patches, self._opened, self._errors.append)
        self._hooks.restarted()

    @property
    def _world(self) -> World:
        __tracebackhide__ = True
        if self._opened is None:
            raise NotActive("this FakeLambda has not been started: use it as 'with FakeLambda() as fake:'")
        return self._opened

    @property
    def _active(self) -> World:
        __tracebackhide__ = True
        if self._closed:
            raise NotActive(
                "this FakeLambda is closed: its 'with' block, or the test that used the fixture, has ended. Its logs"
                " can still be read; for anything else, start a new one."
            )
        self._world.clock.follow_wall()
        return self._world

    @property
    def _seen(self) -> World:
        """The world, for a look at what happened: it first catches up with a wall clock that the user moved."""
        __tracebackhide__ = True
        world = self._world
        world.clock.follow_wall()
        return world

    # --- what happened -------------------------------------------------------------------------------------

    @property
    def clock(self) -> VirtualClock:
        """The clock. Nothing else moves time, except sleeping in code under test, and an endpoint with a speed."""
        __tracebackhide__ = True
        _ = self._world  # Raises if there is no clock yet.
        return self._clock

    @property
    def calls(self) -> Calls:
        """The calls to the Lambda API so far; each of botocore's attempts is a call."""
        __tracebackhide__ = True
        return self._world.calls

    @property
    def faults(self) -> FaultPlan:
        """The fault plan: which calls should fail, and how."""
        __tracebackhide__ = True
        return self._active.persistent.plan

    @property
    def invocations(self) -> Sequence[Invocation]:
        """The invocations of all functions so far, in the order in which they started."""
        __tracebackhide__ = True
        return ReadOnlySequence(self._world.invocations, self._world.clock.follow_wall)

    @property
    def timeline(self) -> Timeline:
        """Everything that happened so far."""
        __tracebackhide__ = True
        return self._world.timeline

    @property
    def errors(self) -> Sequence[BaseException]:
        """The exceptions that the fake raised through API calls, also those that code under test swallowed."""
        if self._opened is not None:
            self._opened.clock.follow_wall()
        return tuple(self._errors)

    def _swallowed_errors(self, *files: str) -> list[BaseException]:
        """Return the errors so far that code under test has caught, rather than the test or one of its ``files``.

        It does not catch up with a wall clock that the user moved.
        """
        if not self._errors:
            return []
        of_test = {*files, *self._hooks.files_of_test()}
        return [error for error in self._errors if not caught_by_test(error, of_test)]

    @property
    def _recorded_world(self) -> World:
        """The world, without catching up first: as it was when the test's body had ended."""
        __tracebackhide__ = True
        return self._world

    @property
    def region(self) -> str:
        """The default region of clients: the setting ``region``, else AWS_DEFAULT_REGION, else us-east-1."""
        return self.config.region or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"

    # --- what the test sets up -----------------------------------------------------------------------------

    @suggesting
    def function(
        self,
        name: str,
        handler: HandlerGiven | None = None,
        *,
        timeout: Span = 3,
        memory: int = 128,
        environment: ReadOnly[str, str] | None = None,
        reserved_concurrency: int | None = None,
        dead_letter: str | SqsQueue | None = None,
        duration: Span = 0,
        region: str | None = None,
    ) -> Function:
        """Return a function with a handler: a callable ``handler(event, context)``, or ``"pkg.mod:name"``.

        Lambda's own notation, ``"pkg.mod.name"``, is accepted too.

        ``name`` may also be the function's ARN. A function that moto does not have is created, with a role; where code
        under test has created it, the handler is bound to it. ``timeout`` is in whole seconds, as a number or a
        timedelta, and ``memory`` in MB. ``duration`` is the minimum duration of an invocation in virtual seconds; what
        the handler sleeps counts towards it. ``reserved_concurrency`` limits its concurrent invocations, 0 to none.
        ``dead_letter`` is the queue or topic that receives failed asynchronous events: its ARN, or a queue of
        :meth:`queue`.

        Raises HandlerError for a handler that cannot be imported or called, and ConfigurationError for values that
        Lambda refuses.
        """
        __tracebackhide__ = True
        world = self._active
        reference = self._reference(f"function({name!r})", name, region)
        callable_handler = resolve(handler) if handler is not None else None
        options = functions.FunctionOptions(
            timeout=timeout,
            memory=memory,
            environment=environment,
            reserved_concurrency=reserved_concurrency,
            dead_letter=dead_letter,
        )
        requested = functions.read(reference.name, options)
        functions.provide(world, reference, requested)
        function = world.registry.get(reference.account_id, reference.region, reference.name)
        if callable_handler is not None:
            function.bind(callable_handler)
        function.takes(duration)
        return function

    def bind(self, name: str, handler: HandlerGiven, *, region: str | None = None) -> Function:
        """Bind a handler to a function that code under test will create with ``create_function``.

        ``name`` may also be the function's ARN. Raises HandlerError for a handler that cannot be imported or called,
        and ConfigurationError for an invalid name or region.
        """
        __tracebackhide__ = True
        world = self._active
        reference = self._reference(f"bind({name!r})", name, region)
        function = world.registry.get(reference.account_id, reference.region, reference.name)
        function.bind(handler)
        return function

    def transitions(self, **times: Unpack[Times]) -> None:
        """Change how long the transitions that start from now on take.

        ``creating``, ``enabling``, ``disabling``, ``updating`` and ``deleting`` take virtual seconds, ``"instant"``,
        ``"manual"`` (until ``Mapping.release()``) or ``after_reads(n)``. Raises ConfigurationError for other names and
        values.
        """
        __tracebackhide__ = True
        world = self._active
        try:
            world.times = world.times.with_changes(times)
        except ValueError as error:
            raise ConfigurationError(f"transitions: {error}") from None

    @suggesting
    def _sweep_context(self) -> SweepContext:
        __tracebackhide__ = True
        from pytest_lambda_esm.sweep.run import SweepContext

        persistent = self._active.persistent
        strict = self.config.strict
        return SweepContext(
            restart=self._restart,
            made=self._leftovers.others,
            leave=self._leftovers.take,
            plan=persistent.plan,
            catalogue=persistent.catalogue,
            check=persistent.plan._check_world if strict else lambda: None,
            cuts=lambda: self._world.runtime.cuts.count,
            swallowed=lambda file: self._swallowed_errors(file) if strict else (),
            on_error=self._errors.append,
            note=lambda text: self._world.timeline.add("fault", "sweep", text),
        )

    def faults_left(self) -> str:
        """Return a report on faults that never struck, unfinished sweeps and unused worlds; empty if there are none."""
        if self._opened is None:
            return ""
        left = [self._opened.persistent.plan.unused(), *self._unfinished()]
        return printable("\n".join(filter(None, left)))

    def handler_errors(self) -> str:
        """Return a report on unexpected errors of handlers; empty if there are none, or if they are only recorded.

        Errors in the runs of a sweep do not count: the injected faults cause them.
        """
        if self._opened is None or self.config.handler_errors != "fail" or self.sweeps:
            return ""
        return endings.handler_errors(self._opened)

    # --- why -----------------------------------------------------------------------------------------------

    def explain(self, subject: Given | None = None) -> str:
        """Return text that says why waiting records are not delivered, what will happen next, and when.

        It begins with the diagnosis, which a failing test's report shows too: the causes that the fake can see, the
        most telling first, and what to do about each. ``subject`` is a mapping, a function or a source, as
        :meth:`mapping` takes it, or None for everything. Raises LambdaEsmError, with the nearest names, for something
        that does not exist.
        """
        __tracebackhide__ = True
        world = self._seen
        asked = queries.subject_of(world, subject) if subject is not None else None
        return printable("\n".join([*self._diagnosis(asked), *queries.explain(world, asked)]))

    def _report_diagnosis(self, error: BaseException | None = None) -> str:
        """Return why something was not processed, in at most ten lines: the section of a failing test's report.

        ``error`` is the exception of this package with which the test failed, if it was one.
        """
        # Imported here, since a passing test needs none of it.
        from pytest_lambda_esm.simulation.diagnosis.report import section

        return section(self._world, [*self._errors, *([error] if error is not None else [])])

    def _short_diagnosis(self) -> list[str]:
        return self._report_diagnosis().splitlines()

    def take_advice(self) -> list[LambdaEsmAdvice]:
        """Return the advice since the previous call; none where the setting ``advice`` is ``"off"``.

        The plugin calls this after a test's body, and the ``with`` block at its end; both warn, or fail the test.
        """
        self._reviewed = True
        if not self._closed:
            endings.review(self._world)
        return list(map(LambdaEsmAdvice, self._world.advice.take()))

    # --- inside --------------------------------------------------------------------------------------------

    def _reference(self, call: str, name: str, region: str | None) -> FunctionReference:
        __tracebackhide__ = True
        return functions.reference(call, name, self.config.account_id, self.region, region)

    def _diagnosis(self, subject: Subject | None = None) -> list[str]:
        from pytest_lambda_esm.simulation.diagnosis.report import lines_of

        about = None if subject is None else subject.arns
        return lines_of(self._world, self._errors, about)

    @cached_property
    def _leftovers(self) -> Leftovers:
        from pytest_lambda_esm.sweep.run import Leftovers

        return Leftovers(self._existing)

    def _existing(self) -> list[str]:
        bound = (f"the handler of {function.name!r}" for function in self._world.registry if function.handler)
        return [*lookups.existing_resources(), *bound, *embedded.made_so_far(self._world)]
