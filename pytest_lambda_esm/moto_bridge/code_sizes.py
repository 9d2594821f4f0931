"""Refuses code that is too large when it is unpacked, as AWS does when a function or a layer gets it.

moto does not look into archives. Seen with moto 5.1.9, 5.1.22 and 5.2.5: ``LambdaFunction.__init__``,
``update_function_code`` and ``update_configuration``, ``LayerVersion.__init__``; ``code_bytes`` and ``layers``.
"""

from __future__ import annotations

import functools
from typing import Any, Final

from moto.awslambda.exceptions import InvalidParameterValueException
from moto.awslambda.models import LambdaFunction, LayerVersion
from moto.awslambda.utils import get_backend

from pytest_lambda_esm.invocation.archive.contents import LARGEST_UNPACKED, unpacked_size
from pytest_lambda_esm.patching import Patches, original_of

_TOO_LARGE: Final = f"Unzipped size must be smaller than {LARGEST_UNPACKED} bytes"
_TOO_LARGE_WITH_LAYERS: Final = (
    f"Function code combined with layers exceeds the maximum allowed size of {LARGEST_UNPACKED} bytes."
    " The actual size is {} bytes."
)
_PLACES: Final = (
    (LayerVersion, "__init__"),
    (LambdaFunction, "__init__"),
    (LambdaFunction, "update_function_code"),
    (LambdaFunction, "update_configuration"),
)


def install(patches: Patches) -> None:
    """Check the size wherever a function or a layer gets code, and a function gets layers."""
    for owner, name in _PLACES:
        patches.set(owner, name, _checking_size(original_of(owner, name)))


def _checking_size(change: Any) -> Any:
    @functools.wraps(change)
    def change_and_check(subject: Any, *args: Any, **kwargs: Any) -> Any:
        before = dict(vars(subject))
        result = change(subject, *args, **kwargs)
        if any(vars(subject).get(name) is not before.get(name) for name in ("code_bytes", "layers")):
            problem = _problem(subject)
            if problem is not None:
                vars(subject).clear()
                vars(subject).update(before)
                raise InvalidParameterValueException(problem)
        return result

    return change_and_check


def _problem(subject: Any) -> str | None:
    size = _size(subject)
    if size > LARGEST_UNPACKED:
        return _TOO_LARGE
    layers = vars(subject).get("layers")
    if not layers:
        return None
    backend = get_backend(subject.account_id, subject.region)
    size += sum(_size(backend.layers_versions_by_arn(layer["Arn"])) for layer in layers)
    return _TOO_LARGE_WITH_LAYERS.format(size) if size > LARGEST_UNPACKED else None


def _size(subject: Any) -> int:
    content = getattr(subject, "code_bytes", None)
    return unpacked_size(content) or 0 if content else 0
