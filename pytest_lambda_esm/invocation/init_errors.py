"""Why a function's module could not be loaded, in the words of Lambda's Python runtime."""

from __future__ import annotations

from collections.abc import Callable

from pytest_lambda_esm.invocation.record import OF_RUNTIME, FunctionError
from pytest_lambda_esm.invocation.result import InitFailed
from pytest_lambda_esm.invocation.stack_trace import stack_trace


def malformed(handler: str) -> InitFailed:
    """The configured handler has no dot in it."""
    return _failed(
        "Runtime.MalformedHandlerName", f"Bad handler '{handler}': not enough values to unpack (expected 2, got 1)"
    )


def built_in(module: str) -> InitFailed:
    """The handler's module has the name of one that is built into Python."""
    message = f"Cannot use built-in module {module} as a handler module"
    return _failed("Runtime.BuiltInModuleConflict", message)


def not_imported(module: str, error: ImportError) -> InitFailed:
    """The module, or one that it needs, does not exist."""
    return _failed("Runtime.ImportModuleError", f"Unable to import module '{module}': {error}")


def handler_missing(module: str, name: str) -> InitFailed:
    """The module has no such function."""
    return _failed("Runtime.HandlerNotFound", f"Handler '{name}' missing on module '{module}'")


def syntax(module: str, error: SyntaxError, shown: Callable[[str], str]) -> InitFailed:
    """The module is no Python."""
    place = shown(f'  File "{error.filename}" Line {error.lineno}\n    {error.text}')
    return _failed("Runtime.UserCodeSyntaxError", f"Syntax error in module '{module}': {error}", (place,))


def raised(error: Exception, shown: Callable[[str], str]) -> InitFailed:
    """The module raised while it was imported: the class and the text of the exception, as recorded."""
    lines = [shown(line) for line in stack_trace(error.__traceback__)]
    return _failed(type(error).__name__, str(error), lines)


def _failed(kind: str, message: str, trace: tuple[str, ...] | list[str] = ()) -> InitFailed:
    # The request id is empty: the runtime had none yet (recorded).
    return InitFailed(FunctionError(kind, message, OF_RUNTIME, stack=tuple(trace)))
