"""``serve`` of a fake: the part of ``FakeLambda`` for other processes. What it needs is imported by the first call."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pytest_lambda_esm.errors import AlreadyActive, LambdaEsmError
from pytest_lambda_esm.simulation.world import World

if TYPE_CHECKING:
    from pytest_lambda_esm.server.server import Server


class Serving(ABC):
    """The base of ``FakeLambda`` with its endpoint. ``_active`` is the world of an open fake."""

    _errors: list[BaseException]
    _server: Server | None = None
    _server_errors: tuple[BaseException, ...] = ()

    @property
    @abstractmethod
    def _active(self) -> World: ...

    @property
    @abstractmethod
    def _recorded_world(self) -> World:
        """The world, without a look at whether the user has moved a wall clock."""

    @property
    @abstractmethod
    def region(self) -> str:
        """The default region of clients."""

    @abstractmethod
    def explain(self, subject: Any = None) -> str:
        """Return text that says why waiting records are not delivered."""

    @contextmanager
    def serve(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        speed: float | None = None,
        *,
        advance_per_request: float = 0,
        control: bool = False,
        allow_remote: bool = False,
    ) -> Iterator[Server]:
        """Serve this fake over HTTP during a ``with`` block, for programs in other processes and languages.

        ``speed=None``: only the test moves time, and each request by ``advance_per_request`` virtual seconds.
        ``speed=60``: time follows real time, sixty times as fast. ``control`` turns the control API on, with which a
        program moves time itself. A host that is not a loopback address needs ``allow_remote=True``.

        Raises ConfigurationError for values that cannot be and for a port that is in use, and AlreadyActive where this
        fake is being served already. At its end, it raises the first exception that was meant for the test and that no
        client could be given, such as one of a handler that ran in the thread that moves time.
        """
        __tracebackhide__ = True
        self._server = server = self._opened_server(
            host=host,
            port=port,
            speed=speed,
            advance_per_request=advance_per_request,
            control=control,
            allow_remote=allow_remote,
        )
        try:
            yield server
        finally:
            self._stop_server()
        self._raise_server_error()

    def _opened_server(self, **options: Any) -> Server:
        __tracebackhide__ = True
        _ = self._active  # Raises where there is nothing to serve.
        if self._server is not None:
            raise AlreadyActive(
                f"this fake is served at {self._server.url} already: there can be one endpoint at a time, for all"
                f" services, regions and programs"
            )
        from pytest_lambda_esm.server.server import Options, Server, Surroundings

        surroundings = Surroundings(
            world=lambda: self._recorded_world,
            explain=self.explain,
            region=self.region,
            on_error=self._note_server_error,
            on_refusal=self._note_refusal,
        )
        return Server(surroundings, Options(**options))

    def _stop_server(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.close()

    def _note_server_error(self, error: BaseException) -> None:
        self._server_errors += (error,)

    def _note_refusal(self, error: LambdaEsmError) -> None:
        if error not in self._errors:
            self._errors.append(error)

    def _raise_server_error(self) -> None:
        """Raise, once, the first exception that was meant for the test and that no client could be given.

        :meta private:
        """
        errors, self._server_errors = self._server_errors, ()
        if errors:
            raise errors[0]
