"""What the report of a test that used a fake says, section by section. Only such a test imports it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from pytest_lambda_esm.errors import LambdaEsmError, printable
from pytest_lambda_esm.observe.timeline import REQUEST, render

if TYPE_CHECKING:
    import pytest

    from pytest_lambda_esm.fake import FakeLambda
    from pytest_lambda_esm.observe.timeline import Entry

_ONLY_REQUESTS: Final = (
    '(only calls to services other than Lambda: {count}; the setting timeline_calls = "all" shows them)'
)


def timeline(entries: Sequence[Entry], *, every_call: bool) -> str:
    """Return the timeline as text; calls to services other than Lambda are in it with ``every_call``."""
    shown = entries if every_call else [entry for entry in entries if entry.kind != REQUEST]
    return render(shown) if shown or not entries else _ONLY_REQUESTS.format(count=len(entries))


def swallowed(errors: Sequence[BaseException]) -> str:
    """Return a report on errors that code under test has swallowed; empty if there are none."""
    if not errors:
        return ""
    lines = ["code under test swallowed an error that was meant for the test's author:"]
    lines += [f"  {type(error).__name__}: {error}" for error in errors]
    lines.append("Correct what it describes, or allow it with the setting lambda_esm(strict=False).")
    return "\n".join(lines)


def own_error(call: pytest.CallInfo[None]) -> BaseException | None:
    """Return the exception with which a test failed, if this package raised it for the test's author."""
    error = call.excinfo.value if call.excinfo is not None else None
    return error if isinstance(error, LambdaEsmError) else None


def of_faults(item: pytest.Item, fake: FakeLambda, failure: str) -> list[tuple[str, str]]:
    """Return the sections on unused faults, unless the failure shows them already, and on how to replay the weather."""
    sections = []
    unused = fake.faults_left()
    if unused and unused.splitlines()[0] not in failure:
        sections.append(("lambda esm faults", unused))
    if not fake.config.weather.is_fair:
        seed = fake.config.seed
        command = f"pytest {shlex.quote(item.nodeid)} --lambda-esm-seed={seed}"
        text = f"{fake.config.weather}, drawn from the seed {seed}\nreplay: {command}"
        sections.append(("lambda esm weather", printable(text)))
    return sections
