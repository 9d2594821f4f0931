"""Advice: what AWS accepts, and what is known to go wrong in production."""

from __future__ import annotations

import sys
import warnings
from typing import Final

from pytest_lambda_esm.errors import LambdaEsmAdvice
from pytest_lambda_esm.observe.timeline import Timeline

_BETWEEN: Final = frozenset(
    {"boto3", "botocore", "moto", "pytest_lambda_esm", "responses", "requests", "werkzeug", "contextlib"}
)


class Advice:
    """Gives each piece of advice once: ``mode`` is ``"warn"``, ``"error"`` or ``"off"``."""

    def __init__(self, mode: str, timeline: Timeline) -> None:
        self._mode = mode
        self._timeline = timeline
        self._given: set[str] = set()

    def give(self, subject: str, text: str) -> None:
        """Warn, raise LambdaEsmAdvice or keep quiet, as configured; the timeline shows it in any case."""
        if text in self._given:
            return
        self._given.add(text)
        self._timeline.add("advice", subject, text)
        advice = LambdaEsmAdvice(f"{text}. (The setting 'advice' turns this off or into an error.)")
        if self._mode == "error":
            raise advice
        if self._mode == "warn":
            warnings.warn(advice, stacklevel=_level_of_user())


def _level_of_user() -> int:
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and str(frame.f_globals.get("__name__")).partition(".")[0] in _BETWEEN:
        level, frame = level + 1, frame.f_back
    return level
