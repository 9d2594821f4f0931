"""``python -m pytest_lambda_esm``: the versions and the surroundings that a bug report needs.

It reads the metadata of installed packages, so it works where one of them is broken or missing.
"""

from __future__ import annotations

import os
import platform
import sys
import traceback
from collections.abc import Iterator
from importlib import metadata
from typing import Final

from packaging.requirements import Requirement  # pytest requires it.

_NAME: Final = "pytest-lambda-esm"
_ALWAYS: Final = ("pytest", "pluggy", "boto3", "botocore", "moto", "responses", "werkzeug", "freezegun")
_WHERE_INSTALLED: Final = (
    "aioboto3",
    "aiobotocore",
    "aws-lambda-powertools",
    "boto3-stubs",
    "gevent",
    "hypothesis",
    "localstack-client",
    "time-machine",
)
"""Packages that change what a test sees, shown where they are installed."""
_VARIABLES: Final = ("AWS_DEFAULT_REGION", "AWS_REGION", "AWS_ENDPOINT_URL", "PYTEST_ADDOPTS", "TEST_SERVER_MODE")
_MOTO: Final = "MOTO_"
_MISSING: Final = "is not installed"


def report() -> str:
    """Return the report, with a heading for each part."""
    parts = {
        "versions": _versions(),
        "extras": _extras(),
        "pytest plugins": _plugins(),
        "environment variables": _variables(),
        "imports": _imports(),
    }
    return "\n".join(line for title, lines in parts.items() for line in (f"{title}:", *(f"  {each}" for each in lines)))


def _versions() -> Iterator[str]:
    yield f"{_NAME} {_version(_NAME)}, from {os.path.dirname(os.path.abspath(__file__))}"
    yield f"Python {platform.python_version()} ({platform.python_implementation()}), {platform.platform()}"
    yield from (f"{name} {_version(name)}" for name in _ALWAYS)
    yield from (f"{name} {_version(name)}" for name in _WHERE_INSTALLED if _version(name) != _MISSING)


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return _MISSING


def _extras() -> Iterator[str]:
    """Yield each extra with the packages of it that are missing or too old."""
    try:
        own = metadata.distribution(_NAME)
    except metadata.PackageNotFoundError:
        yield f"unknown, because {_NAME} {_MISSING}"
        return
    wanted = [Requirement(line) for line in own.requires or ()]
    for extra in own.metadata.get_all("Provides-Extra") or ():
        named = [each for each in wanted if f'extra == "{extra}"' in str(each.marker)]
        lacking = [each.name for each in named if not _is_satisfied(each)]
        yield f"{extra}: {'lacks ' + ', '.join(lacking) if lacking else 'installed'}"


def _is_satisfied(wanted: Requirement) -> bool:
    found = _version(wanted.name)
    return found != _MISSING and wanted.specifier.contains(found, prereleases=True)


def _plugins() -> list[str]:
    found = {
        f"{point.dist.name} {point.dist.version}" if point.dist is not None else point.name
        for point in metadata.entry_points(group="pytest11")
    }
    return sorted(found)


def _variables() -> list[str]:
    """Return the variables that change what this package does; none of them is a secret."""
    names = [*_VARIABLES, *sorted(name for name in os.environ if name.startswith(_MOTO))]
    return [f"{name}={os.environ[name]}" for name in names if name in os.environ] or ["none that matter"]


def _imports() -> list[str]:
    """Return whether the fake can be imported, and why not."""
    try:
        import pytest_lambda_esm.fake
    except Exception:
        return ["the fake cannot be imported:", *traceback.format_exc().splitlines()]
    return [f"{pytest_lambda_esm.fake.__name__} can be imported"]


if __name__ == "__main__":
    sys.stdout.write(report() + "\n")
