"""The endpoint of a fake: its address, what a program needs to reach it, and how it starts and ends."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from pytest_lambda_esm.aws_model.http import HttpResponse
from pytest_lambda_esm.errors import ConfigurationError, LambdaEsmError, NotActive
from pytest_lambda_esm.moto_bridge import aws_names
from pytest_lambda_esm.moto_bridge.http.endpoint import Dropped, Endpoint
from pytest_lambda_esm.moto_bridge.http.services import Recogniser
from pytest_lambda_esm.moto_bridge.http.wire import BadRequest, WireRequest
from pytest_lambda_esm.patching import Patches
from pytest_lambda_esm.server.control import CONTROL, Control
from pytest_lambda_esm.server.frames import SESSION_TOKEN, Frames
from pytest_lambda_esm.server.http_server import HttpServer
from pytest_lambda_esm.server.pump import Pump
from pytest_lambda_esm.simulation.world import World

_ENDPOINTS: Final = "AWS_ENDPOINT_URL"
_IGNORE: Final = "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"
_CREDENTIALS: Final = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How an endpoint serves, as :meth:`FakeLambda.serve` takes it."""

    host: str
    port: int
    speed: float | None
    advance_per_request: float
    allow_remote: bool
    control: bool

    def check(self) -> None:
        """Raise ConfigurationError for an address or a speed that cannot be."""
        __tracebackhide__ = True
        if not isinstance(self.host, str) or not self.host:
            raise ConfigurationError(f"serve: host is {self.host!r}; it takes an address of this machine: '127.0.0.1'")
        if not self.allow_remote and not aws_names.is_local(self.host):
            raise ConfigurationError(
                f"serve: host {self.host!r} is not a loopback address, so other machines could reach the endpoint. Use"
                f" '127.0.0.1', or say allow_remote=True."
            )
        if self.control and not aws_names.is_local(self.host):
            raise ConfigurationError(f"serve: the control API is for this machine only, and host is {self.host!r}")
        if isinstance(self.port, bool) or not isinstance(self.port, int) or not 0 <= self.port <= 65_535:
            raise ConfigurationError(f"serve: port is {self.port!r}; it takes a number up to 65535, or 0 for any")
        if self.speed is not None and not _is_positive(self.speed):
            raise ConfigurationError(
                f"serve: speed is {self.speed!r}; it takes by how much virtual time is faster than real time, such as"
                f" 60, or None if only the test moves time"
            )
        check_advance(self.advance_per_request)


def _is_positive(number: object) -> bool:
    return isinstance(number, (int, float)) and not isinstance(number, bool) and 0 < number < float("inf")


def check_advance(seconds: object) -> None:
    """Raise ConfigurationError for a time by which no request can move the clock."""
    __tracebackhide__ = True
    if seconds != 0 and not _is_positive(seconds):
        raise ConfigurationError(f"advance_per_request is {seconds!r}; it takes virtual seconds, at least 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """The fake behind an endpoint.

    ``on_error`` takes an exception that the test gets at its end, ``on_refusal`` an error of this package that a client
    was given and may have swallowed.
    """

    world: Callable[[], World]
    explain: Callable[[str | None], str]
    region: str
    on_error: Callable[[BaseException], None]
    on_refusal: Callable[[LambdaEsmError], None]


class Server:
    """The endpoint of a fake, while it is open.

    ``url`` is its address, such as ``http://127.0.0.1:54321``, for all services and regions.
    """

    def __init__(self, surroundings: Surroundings, options: Options) -> None:
        __tracebackhide__ = True
        options.check()
        self._surroundings = surroundings
        self._control = Control(surroundings.world, surroundings.explain) if options.control else None
        self._patches = Patches()
        self._frames = Frames(surroundings.world, options.speed or 0)
        self._advance = 0.0
        self._programs: list[subprocess.Popen[Any]] = []
        self._pump: Pump | None = None
        self._is_open = True
        self._http = _listen(options, self._answer)
        host, port = self._http.server_address[:2]
        name = options.host if aws_names.is_local(options.host) else str(host)
        self.url = f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"
        try:
            self._open(options)
        except BaseException:
            self.close()
            raise

    def __repr__(self) -> str:
        return f"<Server {self.url}>" if self._is_open else f"<Server {self.url} closed>"

    def _open(self, options: Options) -> None:
        world = self._surroundings.world()
        self.advance_per_request = options.advance_per_request
        self._endpoint = Endpoint(
            self.url,
            Recogniser(self._surroundings.region, lambda method, path: world.model.match(method, path) is not None),
            world.persistent.client_calls,
        )
        self._endpoint.install(self._patches)
        self._show_endpoint_to_programs()
        self._patches.set(world.clock.sleepers, "is_reached_from_outside", self._is_used)
        if options.speed is not None:
            self._pump = Pump(world.clock, options.speed, self._surroundings.on_error)
        self._http.start()

    def _is_used(self) -> bool:
        """Whether a request is being served, or a program runs that :meth:`start` has started."""
        return self._http.is_serving or any(program.poll() is None for program in self._programs)

    def _show_endpoint_to_programs(self) -> None:
        """Remove what makes every program that inherits it ignore its endpoint, and call AWS."""
        for name, value in list(os.environ.items()):
            if name.startswith(_ENDPOINTS) and value.rstrip("/") != self.url:
                self._patches.item(os.environ, name, None)  # Of the developer's machine; clients ignored it until now.
        self._patches.item(os.environ, _IGNORE, None)

    def close(self) -> None:
        """End the endpoint: its port is free afterwards, and its threads have ended."""
        self._is_open = False
        self._frames.ended = True
        for program in self._programs:
            _end(program)
        try:
            if self._pump is not None:
                self._pump.stop()
            self._http.close()
        finally:
            self._patches.undo()

    # --- for programs ------------------------------------------------------------------------------------

    @property
    def advance_per_request(self) -> float:
        """The virtual seconds by which each request moves the clock, once it has been answered; 0 if none does.

        Requests of boto3 clients in the test's process do not move it. While it is not 0, what a request waits for, as
        a long poll does, takes virtual time instead of real time.
        """
        return self._advance

    @advance_per_request.setter
    def advance_per_request(self, seconds: float) -> None:
        __tracebackhide__ = True
        check_advance(seconds)
        self._advance = float(seconds)
        self._frames.moves_time = seconds > 0

    @property
    def environment(self) -> dict[str, str]:
        """The variables that a program needs to reach the endpoint: its address, a region, credentials.

        Add them to those of the process: ``subprocess.run(…, env={**os.environ, **server.environment})``. Read them
        where the program is started: inside a handler, they tell whose requests the program's are.
        """
        region = os.environ.get("AWS_REGION") or self._surroundings.region
        credentials = {name: os.environ.get(name) or "testing" for name in _CREDENTIALS}
        given = {name: self.url for name in os.environ if name.startswith(f"{_ENDPOINTS}_")}
        return {
            **given,
            **credentials,
            "AWS_SESSION_TOKEN": self._session_token(),
            _ENDPOINTS: self.url,
            _IGNORE: "false",
            "AWS_DEFAULT_REGION": region,
            "AWS_REGION": region,
            # Neither the developer's profiles nor the machine's role.
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_PAGER": "",
            **_without_proxy(self.url),
        }

    def _session_token(self) -> str:
        invocation = self._surroundings.world().runtime.nesting.current()
        return f"{SESSION_TOKEN}{invocation.request_id}" if invocation is not None else "testing"

    def run(
        self, args: str | Sequence[str | os.PathLike[str]], *, advance_per_request: float | None = None, **options: Any
    ) -> subprocess.CompletedProcess[Any]:
        """Run a program that reaches the endpoint, to its end, and return its ``CompletedProcess``.

        ``options`` are those of ``subprocess.run``. Its output is captured as text unless they say where it goes;
        variables in ``env`` are added to those of the process and of the endpoint. ``advance_per_request`` holds while
        it runs. Raises NotActive once the endpoint is closed, and what ``subprocess.run`` raises.
        """
        __tracebackhide__ = True
        self._prepare(options)
        if not options.keys() & {"capture_output", "stdout", "stderr"}:
            options["capture_output"] = True
            if not isinstance(options.get("input"), (bytes, bytearray)):
                options.setdefault("text", True)
        with self._advancing(advance_per_request):
            return subprocess.run(self._with_endpoint(args), **options)

    def _with_endpoint(self, args: Any) -> Any:
        """Name the endpoint to the AWS CLI, which in version 1 ignores the variable for SQS, RDS and others."""
        if isinstance(args, (str, bytes, os.PathLike)) or any(str(each).startswith("--endpoint-url") for each in args):
            return args
        is_cli = len(args) > 1 and os.path.basename(os.fspath(args[0])) in ("aws", "aws.exe", "aws.cmd")
        return [*args, "--endpoint-url", self.url] if is_cli else args

    def start(self, args: str | Sequence[str | os.PathLike[str]], **options: Any) -> subprocess.Popen[Any]:
        """Start a program that reaches the endpoint, and return its ``Popen``; it is ended with the endpoint.

        ``options`` are those of ``subprocess.Popen``, with ``env`` as in :meth:`run`.
        """
        __tracebackhide__ = True
        self._prepare(options)
        self._programs.append(subprocess.Popen(self._with_endpoint(args), **options))
        return self._programs[-1]

    def _prepare(self, options: dict[str, Any]) -> None:
        __tracebackhide__ = True
        if not self._is_open:
            raise NotActive(f"the endpoint at {self.url} is closed: a program cannot reach it any more")
        given = options.pop("env", None) or {}
        options["env"] = {**os.environ, **self.environment, **given}

    @contextmanager
    def _advancing(self, seconds: float | None) -> Iterator[None]:
        __tracebackhide__ = True
        before = self.advance_per_request
        if seconds is not None:
            self.advance_per_request = seconds
        try:
            yield
        finally:
            self.advance_per_request = before

    # --- requests ----------------------------------------------------------------------------------------

    def _answer(self, request: WireRequest, has_hung_up: Callable[[], bool]) -> HttpResponse:
        if not self._is_open:
            raise Dropped("the endpoint is closed")
        try:
            if request.path.startswith(CONTROL):
                return self._answer_control(request, has_hung_up)
            with self._frames.serving(request, has_hung_up) as is_tests:
                response = self._endpoint.answer(request)
                if is_tests and self._advance:
                    self._move_time()
                return response
        except (BadRequest, Dropped):
            raise
        except BaseException as error:
            return self._refuse(request, error)

    def _move_time(self) -> None:
        """Move the clock for a request that has been answered; what a handler raises then is not for its client."""
        try:
            self._surroundings.world().clock.advance(self._advance)
        except BaseException as error:
            self._surroundings.on_error(error)

    def _answer_control(self, request: WireRequest, has_hung_up: Callable[[], bool]) -> HttpResponse:
        if self._control is None:
            text = f"{CONTROL} is off. The test that opens the endpoint turns it on: lambda_esm.serve(control=True)."
            return HttpResponse(404, {"content-type": "text/plain"}, text.encode())
        with self._frames.serving(request, has_hung_up) as is_tests:
            return self._control.answer(request, is_handlers=not is_tests)

    def _refuse(self, request: WireRequest, error: BaseException) -> HttpResponse:
        """Return what the client gets for an exception that is the test's."""
        if isinstance(error, SystemExit):  # Of a handler that has timed out, or whose process was cut off.
            raise Dropped("the handler that sent this request has ended") from error
        if isinstance(error, LambdaEsmError):
            self._surroundings.on_refusal(error)
        else:
            self._surroundings.on_error(error)
        code = type(error).__name__ if isinstance(error, LambdaEsmError) else "TestFailed"
        return self._endpoint.refusal(request, code, f"{type(error).__name__}: {error}")


def _end(program: subprocess.Popen[Any]) -> None:
    """End a program, and close the pipes to it."""
    if program.poll() is None:
        program.kill()
    program.wait()
    for stream in (program.stdin, program.stdout, program.stderr):
        if stream is not None:
            stream.close()


def _listen(options: Options, answer: Callable[..., HttpResponse]) -> HttpServer:
    __tracebackhide__ = True
    try:
        return HttpServer(options.host, options.port, answer)
    except OSError as error:
        raise ConfigurationError(
            f"serve: the endpoint cannot listen at {options.host}:{options.port}: {error}. Leave the port out, and the"
            f" system chooses a free one."
        ) from None


def _without_proxy(url: str) -> Mapping[str, str]:
    host = url.rpartition("://")[2].rpartition(":")[0].strip("[]")
    others = os.environ.get("NO_PROXY") or os.environ.get("no_proxy")
    names = ",".join(filter(None, (others, host, "localhost")))
    return {"NO_PROXY": names, "no_proxy": names}
