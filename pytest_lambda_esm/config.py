"""Every setting of the fake: its default, and how a user's value is read and checked.

:class:`Config` holds the settings; :class:`TransitionTimes` and :class:`Weather` are settings with parts. Values come
from four places, and the one nearest to the test wins: the marker, then the ``lambda_esm_config`` fixture, the command
line, and the ini file.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any, Final, Literal, TypeAlias, get_args

from pytest_lambda_esm.errors import ConfigurationError, nearest
from pytest_lambda_esm.timing import END, EPOCH, MICROSECONDS, Span, microseconds
from pytest_lambda_esm.vocabulary import AnyState, TransitionalState

STATES: Final[tuple[AnyState, ...]] = get_args(AnyState)
TRANSITIONAL_STATES: Final[tuple[TransitionalState, ...]] = get_args(TransitionalState)
MOST_FILTERS: Final = 10
"""The most filters per mapping to which AWS raises the quota."""
_START: Final = datetime(2026, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True, slots=True)
class AfterReads:
    """A transition that ends once the mapping has been read ``reads`` times in its transitional state."""

    reads: int


def after_reads(reads: int) -> AfterReads:
    """Return a transition time: the transition ends once the code under test has read the state ``reads`` times.

    The first ``reads`` responses of GetEventSourceMapping or ListEventSourceMappings show the transitional state, and
    the next one shows the settled state, no matter how much time has passed.

    Raises ConfigurationError for anything but a whole number from 1.
    """
    __tracebackhide__ = True
    if not isinstance(reads, int) or isinstance(reads, bool) or reads < 1:
        raise ConfigurationError(f"after_reads takes a whole number from 1, not {reads!r}")
    return AfterReads(reads)


TransitionTime: TypeAlias = Span | Literal["instant", "manual"] | AfterReads
"""How long a transition takes: a time span, ``"instant"``, ``"manual"`` or :func:`after_reads`."""


@dataclass(frozen=True, slots=True)
class TransitionTimes:
    """How long each transition of a mapping takes.

    AWS documents no exact times: creating and deleting take "several seconds", streams "several minutes". Each is a
    number of virtual seconds or a timedelta, ``"instant"`` (settled right after the response), ``"manual"`` (until
    ``Mapping.release()``) or ``after_reads(n)``.
    """

    creating: TransitionTime = 5
    enabling: TransitionTime = 5
    disabling: TransitionTime = 5
    updating: TransitionTime = 5
    deleting: TransitionTime = 5

    def with_changes(self, changes: Mapping[str, Any]) -> TransitionTimes:
        """Return a copy with other times for some transitions.

        Raises ValueError for an unknown transition and for a value that is not a transition time.
        """
        names = [item.name for item in dataclasses.fields(self)]
        for name, value in changes.items():
            if name not in names:
                raise ValueError(f"there is no transition {name!r}. {nearest(name, names)}")
            _check_transition_time(name, value)
        return dataclasses.replace(self, **changes)


def _check_transition_time(name: str, value: object) -> None:
    if isinstance(value, AfterReads) or value in ("instant", "manual"):
        return
    try:
        microseconds(value)  # type: ignore[arg-type]
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"the transition {name!r} takes a number of seconds, a timedelta, 'instant', 'manual' or after_reads(n),"
            f" not {value!r}"
        ) from error


def _read_transitions(value: object, weaker: TransitionTimes) -> TransitionTimes:
    if isinstance(value, TransitionTimes):
        return weaker.with_changes({item.name: getattr(value, item.name) for item in dataclasses.fields(value)})
    if isinstance(value, Mapping):
        return weaker.with_changes(value)
    raise ValueError("expected a mapping, such as {'creating': 30, 'deleting': 'manual'}")


@dataclass(frozen=True, slots=True)
class Weather:
    """How often calls and pollers go wrong: rates from 0 (never) to 1 (always), drawn from the fake's seed.

    ``duplicates``: what a poller reads is delivered twice. ``reordering``: a poller skips the oldest message of a
    standard queue. ``throttles``: a call to the Lambda API, or a read of a poller, is throttled. ``latency``: the
    response of a call to the Lambda API is delayed by up to ``slowest`` virtual seconds.
    """

    duplicates: float = 0.0
    reordering: float = 0.0
    throttles: float = 0.0
    latency: float = 0.0
    slowest: float = 2.0

    @property
    def is_fair(self) -> bool:
        """Whether all rates are 0."""
        return not (self.duplicates or self.reordering or self.throttles or self.latency)


def read_weather(value: object, weaker: Weather) -> Weather:
    """Read a Weather or a mapping of rates; missing rates are taken from ``weaker``. ``slowest`` may be a timedelta.

    Raises ValueError for anything else and for rates out of range.
    """
    given = dataclasses.asdict(value) if isinstance(value, Weather) else value
    if not isinstance(given, Mapping):
        raise ValueError("expected a Weather or a mapping of rates, such as {'duplicates': 0.1, 'throttles': 0.05}")
    names = [item.name for item in dataclasses.fields(Weather)]
    return dataclasses.replace(weaker, **{name: _read_rate(name, number, names) for name, number in given.items()})


def _read_rate(name: Any, value: Any, names: list[str]) -> float:
    if name not in names:
        raise ValueError(f"there is no {name!r} in the weather. {nearest(str(name), names)}")
    if isinstance(value, bool):
        raise ValueError(f"{name} is a number, not {value!r}")
    number = value.total_seconds() if name == "slowest" and isinstance(value, timedelta) else float(value)
    maximum = float("inf") if name == "slowest" else 1.0
    if not 0 <= number <= maximum or number == float("inf"):
        raise ValueError(f"{name} is a number from 0{'' if name == 'slowest' else ' to 1'}, not {value!r}")
    return number


def _read_start(value: object) -> datetime:
    moment = datetime.fromisoformat(value.replace("Z", "+00:00")) if isinstance(value, str) else value
    if not isinstance(moment, datetime):
        raise ValueError("expected an aware datetime or an ISO 8601 text such as '2026-01-01T00:00:00Z'")
    if moment.tzinfo is None:
        if not isinstance(value, str):
            raise ValueError("the datetime has no time zone; write datetime(…, tzinfo=timezone.utc)")
        moment = moment.replace(tzinfo=timezone.utc)
    if not EPOCH <= moment < END:
        raise ValueError(f"expected an instant from {EPOCH.year} to {END.year}")
    return moment.astimezone(timezone.utc)


def _read_integer(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise ValueError("expected a whole number")
    return int(value)


def _read_positive(value: object) -> int:
    number = _read_integer(value)
    if number < 1:
        raise ValueError("expected a whole number from 1")
    return number


def _read_natural(value: object) -> int:
    number = _read_integer(value)
    if number < 0:
        raise ValueError("expected a whole number from 0")
    return number


def _unless_none(read: Callable[[object], Any]) -> Callable[[object], Any]:
    return lambda value: None if value is None else read(value)


def _read_filters(value: object) -> int:
    number = _read_positive(value)
    if number > MOST_FILTERS:
        raise ValueError(f"AWS raises this quota to at most {MOST_FILTERS}")
    return number


def _read_span(value: object) -> float:
    span = float(value) if isinstance(value, str) else value
    return microseconds(span) / MICROSECONDS  # type: ignore[arg-type]


def _read_backoff(value: object) -> float:
    span = _read_span(value)
    if span < 0.001:
        raise ValueError("expected a millisecond or more")
    return span


def _read_region(value: object) -> str | None:
    if value is not None and (not isinstance(value, str) or not value):
        raise ValueError("expected the name of a region, such as 'eu-west-1'")
    return value


def _read_account(value: object) -> str:
    if not isinstance(value, str) or len(value) != 12 or not value.isdigit():
        raise ValueError("an account id is a text of 12 digits")
    return value


def _read_boolean(value: object) -> bool:
    if isinstance(value, bool):
        return value
    text = value.strip().lower() if isinstance(value, str) else None
    if text in ("true", "yes", "on", "1"):
        return True
    if text in ("false", "no", "off", "0"):
        return False
    raise ValueError("expected true or false")


def _read_states(value: object) -> tuple[str, ...]:
    names = tuple(value.replace(",", " ").split()) if isinstance(value, str) else tuple(value)  # type: ignore[arg-type]
    for name in names:
        if name not in STATES:
            raise ValueError(f"there is no state {name!r}. {nearest(str(name), STATES)}")
    return names


def _read_codes(value: object) -> tuple[str, ...]:
    from pytest_lambda_esm.advice_catalogue import CATALOGUE  # Imported here, since few tests ignore advice.

    codes = value.replace(",", " ").split() if isinstance(value, str) else list(value)  # type: ignore[call-overload]
    for code in codes:
        if code not in CATALOGUE:
            raise ValueError(f"there is no advice {code!r}. {nearest(str(code), CATALOGUE)}")
    return tuple(codes)


def _one_of(*choices: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        if value not in choices:
            raise ValueError(f"expected one of {', '.join(repr(choice) for choice in choices)}")
        return str(value)

    return read


def _setting(default: Any, read: Callable[[object], Any]) -> Any:
    return field(default=default, metadata={"read": lambda value, weaker: read(value)})


def _merged_setting(default: Any, read: Callable[[object, Any], Any]) -> Any:
    """Declare a setting with parts, of which each layer may give some; ``read`` gets the weaker layers' value, too."""
    return field(default=default, metadata={"read": read})


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The configuration of one fake. Time spans are in seconds; ``start`` is an aware datetime in UTC.

    The options reference describes each setting; its texts are in ``plugin.option_help``.
    """

    start: datetime = _setting(_START, _read_start)
    seed: int = _setting(0, _read_integer)
    region: str | None = _setting(None, _read_region)
    account_id: str = _setting("123456789012", _read_account)
    limits: Literal["current", "2020"] = _setting("current", _one_of("current", "2020"))
    transitions: TransitionTimes = _merged_setting(TransitionTimes(), _read_transitions)
    strict: bool = _setting(True, _read_boolean)
    wall_clock: Literal["freezegun", "time-machine"] = _setting("freezegun", _one_of("freezegun", "time-machine"))
    sleep: Literal["virtual", "real"] = _setting("virtual", _one_of("virtual", "real"))
    timeline: Literal["failed", "all", "none"] = _setting("failed", _one_of("failed", "all", "none"))
    timeline_calls: Literal["lambda", "all"] = _setting("lambda", _one_of("lambda", "all"))
    advice: Literal["warn", "error", "off"] = _setting("warn", _one_of("warn", "error", "off"))
    advice_ignore: tuple[str, ...] = _setting((), _read_codes)
    handler_errors: Literal["record", "fail"] = _setting("record", _one_of("record", "fail"))
    polling_delay: float = _setting(0.0, _read_span)
    poll_latency: float = _setting(0.0, _read_span)
    polling_states: tuple[AnyState, ...] = _setting(("Updating", "Disabling"), _read_states)
    update_answers: Literal["new", "old"] = _setting("new", _one_of("new", "old"))
    repeated_delete: Literal["accepted", "refused"] = _setting("accepted", _one_of("accepted", "refused"))
    distinguish_latest: bool = _setting(True, _read_boolean)
    maximum_filters: int = _setting(5, _read_filters)
    low_traffic_wait: float = _setting(0.0, _read_span)
    extend_visibility: bool = _setting(False, _read_boolean)
    initial_concurrency: int = _setting(5, _read_positive)
    concurrency_growth: int | None = _setting(None, _unless_none(_read_natural))
    maximum_concurrency: int | None = _setting(None, _unless_none(_read_positive))
    concurrency_lowered_by: int = _setting(1, _read_natural)
    throttle_backoff: float = _setting(1.0, _read_backoff)
    throttle_backoff_limit: float = _setting(60.0, _read_backoff)
    interleaving: int = _setting(0, _read_natural)
    account_concurrency: int = _setting(1000, _read_positive)
    recursion_limit: int = _setting(16, _read_natural)
    permissions: Literal["off", "advise", "enforce"] | None = _setting(
        None, _unless_none(_one_of("off", "advise", "enforce"))
    )
    archive_imports: Literal["advise", "allow", "refuse"] = _setting("advise", _one_of("advise", "allow", "refuse"))
    async_latency: float = _setting(0.0, _read_span)
    async_jitter: float = _setting(0.0, _read_span)
    stream_backoff: float = _setting(0.25, _read_backoff)
    stream_backoff_limit: float = _setting(60.0, _read_backoff)
    larger_half: Literal["first", "second"] = _setting("second", _one_of("first", "second"))
    kafka_pollers: int = _setting(1, _read_positive)
    window_idle_wait: float = _setting(120.0, _read_span)
    time_to_live_delay: float = _setting(0.0, _read_span)
    failure_payload: Literal["text", "object"] = _setting("text", _one_of("text", "object"))
    weather: Weather = _merged_setting(Weather(), read_weather)
    read_retry_delay: float = _setting(1.0, _read_span)
    loop_depth: int = _setting(1000, _read_positive)
    longest_standstill: float = _setting(30.0, _read_span)

    @classmethod
    def from_layers(cls, layers: Iterable[tuple[str, Mapping[str, Any] | Config]]) -> Config:
        """Build a configuration from layers, the weakest first.

        Each layer is a pair: the place that its values come from (for error texts), and the values by setting, or a
        Config, whose settings all count. ``transitions`` and ``weather`` are merged part by part.
        Raises ConfigurationError, which says where the value came from, what is wrong with it and what is allowed.
        """
        __tracebackhide__ = True
        config = cls()
        for place, layer in layers:
            config = config.with_changes(place, layer)
        return config

    def with_changes(self, place: str, changes: Mapping[str, Any] | Config) -> Config:
        """Return a copy with other values, read as a layer from ``place``. Raises ConfigurationError."""
        __tracebackhide__ = True
        fields = {item.name: item for item in dataclasses.fields(self)}
        values: dict[str, Any] = {}
        for name, value in _items(place, changes):
            if name not in fields:
                raise ConfigurationError(f"{place}: there is no setting {name!r}. {nearest(str(name), fields)}")
            try:
                values[name] = fields[name].metadata["read"](value, getattr(self, name))
            except (TypeError, ValueError) as error:
                raise ConfigurationError(f"{place}: {name} = {value!r} cannot be used: {error}") from error
        return dataclasses.replace(self, **values)

    @property
    def has_own_start(self) -> bool:
        """Whether the user gave a start, even one that equals the default."""
        return self.start is not _START

    def changes(self) -> dict[str, Any]:
        """Return the settings that differ from their defaults."""
        default = type(self)()
        return {
            item.name: getattr(self, item.name)
            for item in dataclasses.fields(self)
            if getattr(self, item.name) != getattr(default, item.name)
        }


def _items(place: str, layer: object) -> Iterable[tuple[str, Any]]:
    __tracebackhide__ = True
    if isinstance(layer, Config):
        return [(item.name, getattr(layer, item.name)) for item in dataclasses.fields(layer)]
    if isinstance(layer, Mapping):
        return layer.items()
    raise ConfigurationError(f"{place}: expected settings by name, such as {{'seed': 7}}, or a Config, not {layer!r}")


def checked(config: Config) -> Config:
    """Check every value of a Config that was given to FakeLambda. Raises ConfigurationError."""
    __tracebackhide__ = True
    if not isinstance(config, Config):
        raise ConfigurationError(f"FakeLambda takes settings by name, FakeLambda(seed=7), or a Config, not {config!r}")
    return Config().with_changes("FakeLambda", config)
