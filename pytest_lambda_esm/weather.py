"""How often things go wrong by themselves: rates, out of the one seed. Off by default."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pytest_lambda_esm.errors import nearest


@dataclass(frozen=True, slots=True)
class Weather:
    """Rates from 0 (never) to 1 (always), drawn from the fake's seed.

    ``duplicates``: what a poller reads is delivered twice. ``reordering``: a poller passes the oldest message of a
    standard queue over. ``throttles``: a call to the Lambda API, or a read of a poller, is throttled. ``latency``: the
    answer of a call to the Lambda API is late, by up to ``slowest`` virtual seconds.
    """

    duplicates: float = 0.0
    reordering: float = 0.0
    throttles: float = 0.0
    latency: float = 0.0
    slowest: float = 2.0

    @property
    def is_fair(self) -> bool:
        """Whether nothing ever goes wrong."""
        return not (self.duplicates or self.reordering or self.throttles or self.latency)


def read_weather(value: object, weaker: Weather) -> Weather:
    """Read a Weather, or a mapping of rates; what it leaves out is as in ``weaker``. ``slowest`` may be a timedelta.

    Raises ValueError for what is neither or out of range.
    """
    given = dataclasses.asdict(value) if isinstance(value, Weather) else value
    if not isinstance(given, Mapping):
        raise ValueError("a Weather or a mapping of rates is needed, such as {'duplicates': 0.1, 'throttles': 0.05}")
    names = [item.name for item in dataclasses.fields(Weather)]
    return dataclasses.replace(weaker, **{name: _read_rate(name, number, names) for name, number in given.items()})


def _read_rate(name: Any, value: Any, names: list[str]) -> float:
    if name not in names:
        raise ValueError(f"there is no {name!r} in the weather. {nearest(str(name), names)}")
    if isinstance(value, bool):
        raise ValueError(f"{name} is a number, not {value!r}")
    number = value.total_seconds() if name == "slowest" and isinstance(value, timedelta) else float(value)
    most = float("inf") if name == "slowest" else 1.0
    if not 0 <= number <= most or number == float("inf"):
        raise ValueError(f"{name} is a number from 0{'' if name == 'slowest' else ' to 1'}, not {value!r}")
    return number
